/**
 * Reading single objects of a bucket by signed requests, without the S3 client: for functions that read few and small ones,
 * and whose cold start that client would double. What is read is checked by the CRC that S3 keeps.
 */
import { crc32 } from "node:zlib";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { PartOptions } from "#adapters/aws/aws-parts.ts";
import { bucketUrl } from "#adapters/aws/aws-parts.ts";
import type { ServiceAnswer } from "#adapters/aws/aws-parts-request.ts";
import { createSignedRequest } from "#adapters/aws/aws-parts-request.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import { AuditStorageError } from "#lib/errors.ts";

export interface VersionedBytes {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** All throw AuditStorageError `storage-unavailable` (retryable). */
export interface ObjectReader {
  get(key: string): Promise<Uint8Array | undefined>;
  /** `known`: the object still is the version that the caller has. */
  getUnless(key: string, etag: string): Promise<VersionedBytes | "known" | undefined>;
  getVersion(key: string): Promise<VersionedBytes | undefined>;
  /** Keys that begin with `prefix` and are greater than `after`, ascending; at most `limit`, which is at most 1,000. */
  keysAfter(prefix: string, after: string, limit: number): Promise<readonly string[]>;
}

const TIMEOUT_MS = 5_000;
/** A connection that was closed while the function was frozen costs one of them. */
const MAX_TRIES = 3;
const LONGEST_PAUSE_MS = 200;
const CHECKSUM = "x-amz-checksum-crc32";
/** Keys of the log have no characters that XML escapes. */
const KEY_ELEMENTS = /<Key>([^<&]*)<\/Key>/g;

export function createObjectReader(
  bucket: string,
  { timing = SYSTEM_TIMING, ...options }: PartOptions & { readonly timing?: Timing },
): ObjectReader {
  const request = createSignedRequest({
    service: "s3",
    timeoutMs: TIMEOUT_MS,
    keepsConnections: true,
    ...options,
  });
  const base = bucketUrl(bucket, options).href.replace(/\/$/, "");

  const ask = async (what: string, url: URL, headers = {}): Promise<ServiceAnswer> => {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await request({ method: "GET", url, headers });
        if (tries === MAX_TRIES || !isPassing(answer)) return answer;
      } catch (cause) {
        if (tries === MAX_TRIES) throw storageError(what, cause);
      }
      await timing.sleep(timing.random() * LONGEST_PAUSE_MS);
    }
  };

  const read = async (key: string, etag?: string): Promise<VersionedBytes | "known" | undefined> => {
    const what = `reading object ${key}`;
    const answer = await ask(what, new URL(`${base}/${pathOf(key)}`), {
      "x-amz-checksum-mode": "ENABLED",
      ...(etag !== undefined && { "if-none-match": etag }),
    });
    if (answer.status === 304) return "known";
    if (answer.status === 404 && codeOf(answer) === "NoSuchKey") return undefined;
    if (answer.status !== 200) throw refused(what, answer);
    if (isDamaged(answer)) {
      const message = `${what} gave bytes that are not what was stored`;
      throw new AuditStorageError("storage-unavailable", message, { retryable: true });
    }
    return { bytes: answer.body, etag: answer.headers.etag ?? "" };
  };

  const getVersion: ObjectReader["getVersion"] = async (key) => {
    const found = await read(key);
    return found === "known" ? undefined : found;
  };

  return {
    getVersion,
    getUnless: read,
    get: async (key) => (await getVersion(key))?.bytes,
    keysAfter: async (prefix, after, limit) => {
      const what = `the list of ${prefix}`;
      const url = bucketUrl(bucket, options);
      const query = { "list-type": "2", prefix, "start-after": after, "max-keys": String(limit) };
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      const answer = await ask(what, url);
      if (answer.status !== 200) throw refused(what, answer);
      return [...answer.body.toString().matchAll(KEY_ELEMENTS)].map(([, key = ""]) => key);
    },
  };
}

/** As Signature Version 4 has it: all but unreserved characters are escaped. */
function pathOf(key: string): string {
  return key.split("/").map(escaped).join("/");
}

function escaped(text: string): string {
  const more = /[!'()*]/g;
  return encodeURIComponent(text).replaceAll(
    more,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function isPassing({ status }: ServiceAnswer): boolean {
  return status >= 500 || status === 429;
}

function codeOf({ body }: ServiceAnswer): string {
  return /<Code>([^<]*)<\/Code>/.exec(body.toString())?.[1] ?? "";
}

function isDamaged({ headers, body }: ServiceAnswer): boolean {
  const sum = headers[CHECKSUM];
  if (typeof sum !== "string") return false;
  const found = Buffer.alloc(4);
  found.writeUInt32BE(crc32(body));
  return found.toString("base64") !== sum;
}

function refused(what: string, answer: ServiceAnswer): AuditStorageError {
  const code = codeOf(answer);
  const message = `${what} was answered by ${answer.status}${code === "" ? "" : ` ${code}`}`;
  return new AuditStorageError("storage-unavailable", message, {
    retryable: true,
    details: { statusCode: answer.status, ...(code !== "" && { vendorError: code }) },
  });
}
