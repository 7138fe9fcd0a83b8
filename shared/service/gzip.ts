/** gzip with one form on every system, because a stranger's tools must read it and equal content should make equal objects. */
import { gunzipSync, gzipSync } from "node:zlib";

const GZIP_LEVEL = 6;
/** Place in a gzip header (RFC 1952) of the system it was made on, and the value that stands for none. */
const GZIP_SYSTEM_AT = 9;
const GZIP_NO_SYSTEM = 255;

/** The header holds neither time, name nor system. */
export function zip(content: Uint8Array): Uint8Array {
  const bytes = gzipSync(content, { level: GZIP_LEVEL });
  bytes[GZIP_SYSTEM_AT] = GZIP_NO_SYSTEM;
  return bytes;
}

/**
 * The text of UTF-8 that was zipped.
 * @throws Error where it is not gzip, not UTF-8, or more than `maxBytes`
 */
export function unzipText(bytes: Uint8Array, maxBytes: number): string {
  const content = gunzipSync(bytes, { maxOutputLength: maxBytes });
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
}
