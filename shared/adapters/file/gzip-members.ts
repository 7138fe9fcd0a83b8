/**
 * Compressed log files: standard gzip (RFC 1952) of many independent members, so that one line is one small member
 * away and any gunzip reads the whole. Each member states its own compressed size in an extra field, as bgzip does,
 * so that a file is indexed by walking its headers.
 */
import { promisify } from "node:util";
import { crc32, deflateRaw, inflateRawSync } from "node:zlib";

/**
 * Uncompressed bytes of a member, unless one line is longer. 64 KiB inflate in about 0.2 ms; larger members save
 * little, since deflate looks back 32 KiB at most.
 */
export const MEMBER_BYTES = 64 * 1024;
/** Room for the longest line: an event of 256 KiB and what the service adds. */
const MAX_LINE_BYTES = 512 * 1024;
/** Uncompressed bytes of the largest member. */
export const MAX_MEMBER_BYTES = MEMBER_BYTES + MAX_LINE_BYTES;

/** magic, deflate, FEXTRA, mtime 0, no flags, OS unknown, XLEN 8, subfield "AL" of 4 bytes: the member's size */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 8, 0, 0x41, 0x4c, 4, 0, 0, 0, 0, 0]);
const SIZE_AT = 16;
const FOOTER_BYTES = 8;
const MIN_MEMBER_BYTES = HEADER.length + FOOTER_BYTES;

const deflate = promisify(deflateRaw);

/** Compresses whole lines into one member; the work is done off the main thread. */
export async function gzipMember(lines: Uint8Array): Promise<Buffer> {
  const body = await deflate(lines, { level: 6 });
  const header = Buffer.from(HEADER);
  header.writeUInt32LE(header.length + body.length + FOOTER_BYTES, SIZE_AT);
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt32LE(crc32(lines), 0);
  footer.writeUInt32LE(lines.length, 4);
  return Buffer.concat([header, body, footer]);
}

/** Total bytes of the member that begins with these bytes, or undefined where it is none of ours. */
export function memberSize(header: Buffer): number | undefined {
  if (header.length < HEADER.length) return undefined;
  if (!header.subarray(0, SIZE_AT).equals(HEADER.subarray(0, SIZE_AT))) return undefined;
  const size = header.readUInt32LE(SIZE_AT);
  return size < MIN_MEMBER_BYTES ? undefined : size;
}

/** Uncompressed bytes that a whole member states; where it is damaged, no more than a member can hold. */
export function statedBytes(member: Buffer): number {
  return Math.min(member.readUInt32LE(member.length - FOOTER_BYTES + 4), MAX_MEMBER_BYTES);
}

export const MEMBER_HEADER_BYTES = HEADER.length;

/** @throws RangeError where the member is damaged */
export function gunzipMember(member: Buffer): Buffer {
  const footer = member.length - FOOTER_BYTES;
  const expected = member.readUInt32LE(footer + 4);
  let lines: Buffer;
  try {
    lines = inflateRawSync(member.subarray(HEADER.length, footer), {
      maxOutputLength: Math.max(1, expected),
    });
  } catch (cause) {
    throw new RangeError("a compressed member is damaged", { cause });
  }
  if (lines.length !== expected || crc32(lines) !== member.readUInt32LE(footer)) {
    throw new RangeError("a compressed member is damaged: its checksum differs");
  }
  return lines;
}
