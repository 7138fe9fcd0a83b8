/**
 * Bodies of items: one byte that names the codec, then the stored line in that codec. A write unit is 1 KB, so a smaller
 * body is less money; old bodies stay readable for ever, so codecs are only added.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { DICTIONARY_1 } from "#adapters/aws/item-codec-dictionary.ts";
import { AuditStorageError } from "#lib/errors.ts";

/** Raw deflate (RFC 1951) over UTF-8, with dictionary 1. */
const DEFLATE_1 = 1;
/** Levels above gain nothing on lines of this size (ADR 6). */
const DEFLATE_LEVEL = 6;
/** Longest line that is inflated: four times the largest event, so that a damaged body cannot fill the memory. */
const MAX_LINE_BYTES = 1024 * 1024;

export function encodeBody(line: string): Uint8Array {
  const deflated = deflateRawSync(line, { level: DEFLATE_LEVEL, dictionary: DICTIONARY_1 });
  return Buffer.concat([Uint8Array.of(DEFLATE_1), deflated]);
}

/** @throws AuditStorageError `storage-unavailable` where the codec is of a newer version, or the body is damaged */
export function decodeBody(body: Uint8Array): string {
  if (body[0] !== DEFLATE_1) {
    throw new AuditStorageError(
      "storage-unavailable",
      `a body is in codec ${body[0] ?? "none"}, which a newer version of this service writes; this one knows ${DEFLATE_1}`,
    );
  }
  try {
    const options = { dictionary: DICTIONARY_1, maxOutputLength: MAX_LINE_BYTES };
    return inflateRawSync(body.subarray(1), options).toString("utf8");
  } catch (cause) {
    throw new AuditStorageError("storage-unavailable", "a body cannot be inflated; it is damaged", { cause });
  }
}
