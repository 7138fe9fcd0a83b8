/**
 * S3 on this machine for tests and the emulated run: what this service uses of it, with conditional writes that hold.
 * Everything is in memory, nothing is signed or checked for rights, and only this machine can reach it. Whatever it
 * does not know it answers with 501 and the name, so that nothing is silently taken for done.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { crc32 } from "node:zlib";
import type { S3Answer } from "#infra/emulated/s3-answers.ts";
import {
  deletedAnswer,
  keyOf,
  keysToDelete,
  listAnswer,
  objectHeaders,
  refusalAnswer,
  versioningAnswer,
  versionsAnswer,
} from "#infra/emulated/s3-answers.ts";
import { Bucket, isStored, refusal } from "#infra/emulated/s3-objects.ts";

export interface S3Server {
  /** For `AWS_ENDPOINT_URL_S3`; buckets are paths below it. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const MAX_BODY_BYTES = 128 * 1024 * 1024;
const MAX_KEYS = 1000;
/** Given back as they were sent. */
const KEPT_HEADERS =
  /^(content-type|content-encoding|cache-control|x-amz-meta-.+|x-amz-checksum-(crc32|sha256)|x-amz-object-lock-(mode|retain-until-date))$/;
/** Headers of `x-amz-` that change nothing here. */
const IDLE_HEADERS =
  /^x-amz-(content-sha256|date|security-token|user-agent|sdk-checksum-algorithm|checksum-mode|checksum-type|expected-bucket-owner)$/;
const KNOWN_PARAMETERS = new Set(["x-id", "versionId"]);
const LIST_PARAMETERS = new Set([
  "list-type",
  "prefix",
  "start-after",
  "continuation-token",
  "max-keys",
  "x-id",
]);

/** @param port default 0: the system chooses */
export async function startS3Server(port = 0): Promise<S3Server> {
  const buckets = new Map<string, Bucket>();
  const server = createServer((request, response) => {
    answer(buckets, request).then(
      (found) => write(response, found),
      (cause: unknown) => write(response, refusalAnswer(refusal(500, "InternalError", String(cause)))),
    );
  });
  const chosen = await listen(server, port);
  return {
    url: `http://${LOOPBACK}:${chosen}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

interface S3Request {
  readonly method: string;
  readonly bucketName: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: () => Promise<Buffer | undefined>;
}

async function answer(buckets: Map<string, Bucket>, incoming: IncomingMessage): Promise<S3Answer> {
  const url = new URL(incoming.url ?? "/", "http://localhost");
  const [, bucketName = "", ...rest] = url.pathname.split("/");
  const request: S3Request = {
    method: incoming.method ?? "GET",
    bucketName: decodeURIComponent(bucketName),
    key: decodeURIComponent(rest.join("/")),
    query: url.searchParams,
    headers: incoming.headers,
    body: () => readBody(incoming),
  };
  const unknown = Object.keys(incoming.headers).find(
    (name) => name.startsWith("x-amz-") && !KEPT_HEADERS.test(name) && !IDLE_HEADERS.test(name),
  );
  if (unknown !== undefined) return notImplemented(`the header ${unknown}`);
  if (request.bucketName === "") return notImplemented(`${request.method} of the service`);
  const bucket = buckets.get(request.bucketName);
  if (request.key === "" && request.method === "PUT" && request.query.size === 0) {
    await request.body();
    if (bucket === undefined) buckets.set(request.bucketName, new Bucket());
    return { status: 200 };
  }
  if (bucket === undefined) {
    await request.body();
    return refusalAnswer(refusal(404, "NoSuchBucket", "The specified bucket does not exist"));
  }
  return request.key === "" ? answerForBucket(bucket, request) : answerForObject(bucket, request);
}

async function answerForBucket(bucket: Bucket, request: S3Request): Promise<S3Answer> {
  const { method, query, bucketName } = request;
  if (method === "HEAD") return { status: 200 };
  if (method === "POST" && query.has("delete")) return deleteObjects(bucket, request);
  if (query.has("versioning")) {
    if (method === "PUT") bucket.isVersioned = /<Status>Enabled</.test(String(await request.body()));
    return method === "PUT" ? { status: 200 } : versioningAnswer(bucket.isVersioned);
  }
  if (method === "GET" && query.has("versions"))
    return versionsAnswer(bucketName, bucket.listVersions(query.get("prefix") ?? ""));
  const unknown = [...query.keys()].find((name) => !LIST_PARAMETERS.has(name));
  if (method !== "GET" || query.get("list-type") !== "2" || unknown !== undefined)
    return notImplemented(`${method} of a bucket${unknown === undefined ? "" : ` with ${unknown}`}`);
  const prefix = query.get("prefix") ?? "";
  const token = query.get("continuation-token");
  const after = token === null ? (query.get("start-after") ?? "") : keyOf(token);
  const maxKeys = Math.min(Number(query.get("max-keys") ?? MAX_KEYS), MAX_KEYS);
  return listAnswer({ bucket: bucketName, prefix, maxKeys, page: bucket.list(prefix, after, maxKeys) });
}

async function answerForObject(bucket: Bucket, request: S3Request): Promise<S3Answer> {
  const { method, query, key } = request;
  const unknown = [...query.keys()].find((name) => !KNOWN_PARAMETERS.has(name));
  if (unknown !== undefined) return notImplemented(`${method} of an object with ${unknown}`);
  const versionId = query.get("versionId") ?? undefined;
  if (method === "PUT") return putObject(bucket, request);
  if (method === "DELETE") {
    const refused = bucket.delete(key, versionId);
    return refused === undefined ? { status: 204 } : refusalAnswer(refused);
  }
  if (method !== "GET" && method !== "HEAD") return notImplemented(`${method} of an object`);
  const condition = Object.keys(request.headers).find(
    (name) => name.startsWith("if-") && name !== "if-none-match",
  );
  if (condition !== undefined) return notImplemented(`${method} of an object with ${condition}`);
  const object = bucket.find(key, versionId);
  if (!isStored(object)) return refusalAnswer(object);
  const headers = objectHeaders(object, bucket.isVersioned);
  if (request.headers["if-none-match"] === object.etag)
    return { status: 304, headers: { etag: object.etag } };
  const range = method === "GET" ? rangeOf(request.headers.range, object.bytes.length) : undefined;
  if (range === undefined) {
    const length = { "content-length": String(object.bytes.length) };
    return { status: 200, headers: { ...headers, ...length }, body: method === "GET" ? object.bytes : "" };
  }
  if (range === "outside")
    return refusalAnswer(refusal(416, "InvalidRange", "The requested range is not satisfiable"));
  // A checksum is of the whole object.
  const { "x-amz-checksum-crc32": _, "x-amz-checksum-sha256": __, ...partial } = headers;
  const contentRange = `bytes ${range.from}-${range.to}/${object.bytes.length}`;
  return {
    status: 206,
    headers: {
      ...partial,
      "content-range": contentRange,
      "content-length": String(range.to + 1 - range.from),
    },
    body: object.bytes.subarray(range.from, range.to + 1),
  };
}

async function putObject(bucket: Bucket, request: S3Request): Promise<S3Answer> {
  const { key, headers } = request;
  if (headers["content-encoding"]?.includes("aws-chunked") === true)
    return notImplemented("a body in aws-chunked encoding");
  const deletionsAtStart = bucket.deletionsOf(key);
  const bytes = await request.body();
  if (bytes === undefined)
    return refusalAnswer(refusal(400, "EntityTooLarge", `The limit is ${MAX_BODY_BYTES} bytes`));
  const sent = Object.entries(headers).flatMap(([name, value]) =>
    KEPT_HEADERS.test(name) && typeof value === "string" ? [[name, value] as const] : [],
  );
  const content = { bytes, headers: Object.fromEntries(sent) };
  if (!isIntact(bytes, content.headers))
    return refusalAnswer(refusal(400, "BadDigest", "A checksum that was sent is not that of the body"));
  if (!isLockValid(content.headers))
    return refusalAnswer(refusal(400, "InvalidArgument", "A lock is a mode, and a date that is to come"));
  const condition = {
    ifNoneMatch: headers["if-none-match"],
    ifMatch: headers["if-match"],
    deletionsAtStart,
  };
  if (condition.ifNoneMatch !== undefined && condition.ifNoneMatch !== "*")
    return notImplemented("If-None-Match of anything but *");
  const object = bucket.put(key, content, condition);
  return isStored(object)
    ? { status: 200, headers: objectHeaders(object, bucket.isVersioned) }
    : refusalAnswer(object);
}

/** Without versions: what it hides is kept, as S3 keeps it. */
async function deleteObjects(bucket: Bucket, { body }: S3Request): Promise<S3Answer> {
  const document = String(await body());
  if (document.includes("<VersionId>")) return notImplemented("the deletion of many versions");
  const keys = keysToDelete(document);
  if (keys.length > MAX_KEYS)
    return refusalAnswer(refusal(400, "MalformedXML", `More than ${MAX_KEYS} keys`));
  for (const key of keys) bucket.delete(key);
  return deletedAnswer(document.includes("<Quiet>true<") ? [] : keys);
}

/** A lock of an object that is to be stored; none is right too. */
function isLockValid(headers: Readonly<Record<string, string>>): boolean {
  const mode = headers["x-amz-object-lock-mode"];
  const until = headers["x-amz-object-lock-retain-until-date"];
  if (mode === undefined && until === undefined) return true;
  return (mode === "GOVERNANCE" || mode === "COMPLIANCE") && Date.parse(until ?? "") > Date.now();
}

function isIntact(bytes: Buffer, headers: Readonly<Record<string, string>>): boolean {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  const sha256 = createHash("sha256").update(bytes).digest("base64");
  return (
    (headers["x-amz-checksum-crc32"] ?? crc.toString("base64")) === crc.toString("base64") &&
    (headers["x-amz-checksum-sha256"] ?? sha256) === sha256
  );
}

type Range = { readonly from: number; readonly to: number } | "outside" | undefined;

function rangeOf(header: string | undefined, length: number): Range {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || match[0] === "bytes=-") return undefined;
  const [, first = "", last = ""] = match;
  const from = first === "" ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? length - 1 : Math.min(Number(last), length - 1);
  return from > to ? "outside" : { from, to };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming) {
    // cast: without an encoding, a request gives its body in buffers.
    const chunk = part as Buffer;
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) parts.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(parts);
}

function notImplemented(what: string): S3Answer {
  return refusalAnswer(refusal(501, "NotImplemented", `This stand-in for S3 does not know ${what}`));
}

function write(response: ServerResponse, { status, headers, body }: S3Answer): void {
  response.writeHead(status, { ...headers });
  response.end(body);
}
