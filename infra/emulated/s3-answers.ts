/** The XML documents and headers that S3 answers with. */
import type { ObjectPage, ObjectVersion, Refusal, StoredObject } from "#infra/emulated/s3-objects.ts";
import { isObject } from "#infra/emulated/s3-objects.ts";

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const NAMED_CHARACTERS: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};
const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

export function refusalAnswer({ status, code, message }: Refusal): S3Answer {
  return xml(status, raw("Error", element("Code", code) + element("Message", message)));
}

export function objectHeaders(object: StoredObject, isVersioned: boolean): Readonly<Record<string, string>> {
  return {
    ...object.headers,
    etag: object.etag,
    "accept-ranges": "bytes",
    "last-modified": new Date(object.modifiedMs).toUTCString(),
    ...(isVersioned ? { "x-amz-version-id": object.versionId } : {}),
  };
}

export interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly maxKeys: number;
  readonly page: ObjectPage;
}

export function listAnswer({ bucket, prefix, maxKeys, page }: Listing): S3Answer {
  const last = page.objects.at(-1);
  const token = page.isTruncated && last !== undefined ? tokenOf(last.key) : undefined;
  const body =
    element("Name", bucket) +
    element("Prefix", prefix) +
    element("KeyCount", page.objects.length) +
    element("MaxKeys", maxKeys) +
    element("IsTruncated", page.isTruncated) +
    (token === undefined ? "" : element("NextContinuationToken", token)) +
    page.objects.map(({ key, object }) => raw("Contents", contents(key, object))).join("");
  return xml(200, root("ListBucketResult", body));
}

export function versionsAnswer(
  bucket: string,
  versions: readonly { readonly key: string; readonly version: ObjectVersion }[],
): S3Answer {
  const newest = new Set<string>();
  const body = versions.map(({ key, version }) => {
    const isLatest = !newest.has(key);
    newest.add(key);
    const facts =
      (isObject(version) ? contents(key, version) : element("Key", key)) +
      element("VersionId", version.versionId) +
      element("IsLatest", isLatest);
    return raw(isObject(version) ? "Version" : "DeleteMarker", facts);
  });
  const head = element("Name", bucket) + element("IsTruncated", false);
  return xml(200, root("ListVersionsResult", head + body.join("")));
}

export function deletedAnswer(keys: readonly string[]): S3Answer {
  const deleted = keys.map((key) => raw("Deleted", element("Key", key)));
  return xml(200, root("DeleteResult", deleted.join("")));
}

/** The keys that a document of DeleteObjects names. */
export function keysToDelete(document: string): readonly string[] {
  return [...document.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) => unescapeXml(key));
}

export function versioningAnswer(isVersioned: boolean): S3Answer {
  return xml(200, root("VersioningConfiguration", isVersioned ? element("Status", "Enabled") : ""));
}

/** Where a listing goes on. */
function tokenOf(key: string): string {
  return Buffer.from(key).toString("base64url");
}

export function keyOf(token: string): string {
  return Buffer.from(token, "base64url").toString();
}

function contents(key: string, object: StoredObject): string {
  return (
    element("Key", key) +
    element("LastModified", new Date(object.modifiedMs).toISOString()) +
    element("ETag", object.etag) +
    element("Size", object.bytes.length) +
    element("StorageClass", "STANDARD")
  );
}

function xml(status: number, body: string): S3Answer {
  const headers = { "content-type": "application/xml" };
  return { status, headers, body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}` };
}

function root(name: string, body: string): string {
  return `<${name} xmlns="${NAMESPACE}">${body}</${name}>`;
}

function raw(name: string, body: string): string {
  return `<${name}>${body}</${name}>`;
}

function element(name: string, value: string | number | boolean): string {
  return raw(name, escapeXml(String(value)));
}

/** Names, and numbers in both forms: `&amp;`, `&#38;`, `&#x26;`. */
function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (found, ...parts: readonly unknown[]) => {
    const [hex, decimal, name] = parts;
    if (typeof hex === "string") return String.fromCodePoint(Number.parseInt(hex, 16));
    if (typeof decimal === "string") return String.fromCodePoint(Number(decimal));
    return NAMED_CHARACTERS[String(name)] ?? found;
  });
}

/** Control characters too: a key may hold them, and a parser would refuse or alter them. */
function escapeXml(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is escaped
  return text.replaceAll(/[&<>"'\u0000-\u001f\u007f]/g, (found) => `&#x${found.charCodeAt(0).toString(16)};`);
}
