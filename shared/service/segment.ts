/**
 * Segments: the lines of the log in leaf order, as stored, each with a newline, in gzip. Line n of a segment is the leaf
 * n behind its first, which its key names. Written once; the format is version 1, as its prefix says.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { unzipText, zip } from "#service/gzip.ts";
import { SEGMENT_PREFIX } from "#service/log-layout.ts";

/** Bytes of the lines with their newlines: as many as one batch may hold, which a segment has to take whole. */
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

/** What the key of a segment says. */
export interface SegmentRange {
  readonly firstLeaf: number;
  readonly count: number;
}

const NAME = /^dt=\d{4}-\d\d-\d\d\/hh=\d\d\/(\d{16})-([1-9]\d{0,6})\.jsonl\.gz$/;

/** undefined for keys that are not of segments. */
export function segmentRange(key: string): SegmentRange | undefined {
  if (!key.startsWith(SEGMENT_PREFIX)) return undefined;
  const [, first = "", count = ""] = NAME.exec(key.slice(SEGMENT_PREFIX.length)) ?? [];
  return first === "" ? undefined : { firstLeaf: Number(first), count: Number(count) };
}

/**
 * @param lines texts of stored lines, without newlines
 * @throws RangeError where there are none, or more than a segment may hold
 */
export function encodeSegment(lines: readonly string[]): Uint8Array {
  const text = Buffer.from(`${lines.join("\n")}\n`, "utf8");
  if (lines.length > 0 && text.byteLength <= MAX_SEGMENT_BYTES) return zip(text);
  throw new RangeError(
    `a segment of ${lines.length} lines, ${text.byteLength} bytes; it holds at least one line, at most ${MAX_SEGMENT_BYTES} bytes`,
  );
}

/**
 * The lines, without newlines; as many as the key says.
 * @throws AuditStorageError `storage-unavailable` where the bytes are not what `encodeSegment` makes for this key
 */
export function decodeSegment(bytes: Uint8Array, key: string): readonly string[] {
  const range = segmentRange(key);
  if (range === undefined) throw damaged(key, "its key is not that of a segment");
  const lines = unzipped(bytes, key).split("\n");
  if (lines.pop() !== "") throw damaged(key, "it does not end with a whole line");
  if (lines.length === range.count) return lines;
  throw damaged(key, `it holds ${lines.length} lines, not ${range.count}`);
}

function unzipped(bytes: Uint8Array, key: string): string {
  try {
    return unzipText(bytes, MAX_SEGMENT_BYTES);
  } catch (error) {
    throw damaged(key, "it is not gzip of UTF-8 text", error);
  }
}

function damaged(key: string, problem: string, cause?: unknown): AuditStorageError {
  const message = `segment ${key} is damaged: ${problem}`;
  return new AuditStorageError("storage-unavailable", message, { cause, details: { key } });
}
