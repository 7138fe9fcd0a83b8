/**
 * What travels through the queues, format version 1: stored lines (`L1z.`) between the service's own functions, and
 * events that a client packed (`E1z.`) or wrote as plain JSON. Packed is base64 of zstd, because a queue takes only
 * text and bills by 64 KiB. Golden in `test/vectors/messages-v1.json`.
 */
import { isUtf8 } from "node:buffer";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** What one message may hold, and all messages of one call together (SQS quotas, 2026). */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Bytes of content in one message: what a request may bring. Bounds what a reader unpacks, whoever wrote it. */
export const MAX_CONTENT_BYTES = 8 * 1024 * 1024;
/** A message is billed as so many requests as it has chunks (SQS pricing, 2026). */
const CHUNK_BYTES = 64 * 1024;

/** Level 1 packs lines as small as gzip 6 does, at a seventh of the time. */
const PACKING = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};
/** The window is memory that the sender's frame asks for; level 19 needs 8 MiB. */
const MAX_WINDOW_LOG = 23;
const UNPACKING = {
  params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
  maxOutputLength: MAX_CONTENT_BYTES,
  rejectGarbageAfterEnd: true,
};

const LINES_PREFIX = "L1z.";
const EVENTS_PREFIX = "E1z.";
const ANY_PREFIX = /^([LE])([1-9]\d{0,3})([a-z]{0,8})\./;
const PREFIX_VERSION = 1;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export type UnpackedMessage =
  /** Stored lines, not yet checked. */
  | { readonly kind: "lines"; readonly lines: readonly string[] }
  /** JSON text that a client packed; not yet parsed. */
  | { readonly kind: "events"; readonly json: string }
  /** Not packed: what it is remains to be seen. */
  | { readonly kind: "plain"; readonly text: string }
  /** In a format that this release does not know: to be left for a release that reads it. */
  | { readonly kind: "newer"; readonly format: string }
  /** `reason` completes the sentence "the message …" and quotes nothing of it. */
  | { readonly kind: "damaged"; readonly reason: string };

/**
 * Packs stored lines, in order, into as few messages as they fit into.
 * @param lines without newlines
 * @param maxBytes of one message; default 1 MiB
 * @throws RangeError where one line alone does not fit
 */
export function packLines(lines: readonly string[], maxBytes: number = MAX_MESSAGE_BYTES): readonly string[] {
  if (lines.length === 0) return [];
  const content = Buffer.from(lines.join("\n"));
  let partBytes = MAX_CONTENT_BYTES;
  if (content.length <= MAX_CONTENT_BYTES) {
    const body = LINES_PREFIX + packed(content);
    if (body.length <= maxBytes) return [body];
    partBytes = content.length / Math.ceil(body.length / maxBytes);
  }
  if (lines.length === 1) {
    throw new RangeError(`a line of ${content.length} bytes does not fit a message of ${maxBytes}`);
  }
  return splitLines(lines, partBytes).flatMap((part) => packLines(part, maxBytes));
}

/**
 * Packs events as a client sends them.
 * @param json the text of `{"events": […]}`
 * @throws RangeError where it is over 8 MiB, or over 1 MiB packed
 */
export function packEvents(json: string): string {
  const content = Buffer.from(json);
  if (content.length > MAX_CONTENT_BYTES) throw tooLarge(content.length, MAX_CONTENT_BYTES);
  const body = EVENTS_PREFIX + packed(content);
  if (body.length > MAX_MESSAGE_BYTES) throw tooLarge(body.length, MAX_MESSAGE_BYTES);
  return body;
}

/**
 * Never throws; takes at most 8 MiB for the content and as much for the window.
 * @param body attacker-controlled
 */
export function unpackMessage(body: string): UnpackedMessage {
  const prefix = ANY_PREFIX.exec(body);
  if (prefix === null) return { kind: "plain", text: body };
  const [format] = prefix;
  if (format !== LINES_PREFIX && format !== EVENTS_PREFIX) {
    const isNewer = Number(prefix[2]) > PREFIX_VERSION;
    return isNewer ? { kind: "newer", format } : damaged(`begins with ${format}, which no release writes`);
  }
  const content = unpacked(body.slice(format.length));
  if (typeof content !== "string") return damaged(content.problem);
  if (format === EVENTS_PREFIX) return { kind: "events", json: content };
  return { kind: "lines", lines: content === "" ? [] : content.split("\n") };
}

/** Requests that a message is billed as. */
export function chunksOf(body: string): number {
  return Math.ceil(Buffer.byteLength(body) / CHUNK_BYTES);
}

/** Parts of at most `partBytes` with their newlines, or of one line. */
function splitLines(lines: readonly string[], partBytes: number): readonly (readonly string[])[] {
  const parts: (readonly string[])[] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, line] of lines.entries()) {
    const lineBytes = Buffer.byteLength(line) + 1;
    if (index > from && bytes + lineBytes > partBytes) {
      parts.push(lines.slice(from, index));
      from = index;
      bytes = 0;
    }
    bytes += lineBytes;
  }
  parts.push(lines.slice(from));
  return parts;
}

function packed(content: Buffer): string {
  return zstdCompressSync(content, PACKING).toString("base64");
}

function unpacked(base64: string): string | { readonly problem: string } {
  // Buffer.from passes over what is no base64.
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) return { problem: "is not base64 behind its prefix" };
  let content: Buffer;
  try {
    content = zstdDecompressSync(Buffer.from(base64, "base64"), UNPACKING);
  } catch (cause) {
    return { problem: zstdProblem(cause) };
  }
  return isUtf8(content) ? content.toString() : { problem: "holds bytes that are not UTF-8" };
}

function zstdProblem(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ERR_BUFFER_TOO_LARGE") return `unpacks to more than ${MAX_CONTENT_BYTES} bytes`;
  return "is not one sound zstd frame";
}

function damaged(reason: string): UnpackedMessage {
  return { kind: "damaged", reason };
}

function tooLarge(bytes: number, maxBytes: number): RangeError {
  return new RangeError(`the message is ${bytes} bytes; the limit is ${maxBytes}`);
}
