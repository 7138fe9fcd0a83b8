/** Reads a log file from its beginning, line by line, with the offset of each line in the uncompressed file. */
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import type { DamagedBytes } from "#adapters/file/damage.ts";
import {
  gunzipMember,
  MAX_MEMBER_BYTES,
  MEMBER_HEADER_BYTES,
  memberSize,
  statedBytes,
} from "#adapters/file/gzip-members.ts";
import type { MemberMap } from "#adapters/file/log-file.ts";

const BLOCK_BYTES = 1024 * 1024;
const NEWLINE = 10;

export interface LineVisitor {
  /** A whole line, its newline not included; `bytes` is its length on the disk, with the newline. */
  readonly onLine: (text: string, offset: number, bytes: number) => void;
  /** A stretch that cannot be read as lines. */
  readonly onDamage: (damage: DamagedBytes) => void;
  /** Called now and then with the bytes of the file (as it lies on the disk) read so far. */
  readonly onBytes: (count: number) => void;
}

export interface PlainScan {
  /** Bytes up to and including the last newline. */
  readonly size: number;
  /** Bytes behind it: a line that was cut. */
  readonly tornBytes: number;
}

/** Reads an uncompressed file through one buffer, which grows only for a longer line. */
export async function scanPlain(path: string, visitor: LineVisitor): Promise<PlainScan> {
  const handle = await open(path, "r");
  try {
    let buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    let position = 0; // in the file, of the first byte of the buffer
    let rest = 0; // bytes at the beginning of the buffer that belong to a line whose end is not read yet
    for (;;) {
      if (rest === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafeSlow(buffer.length)]);
      const { bytesRead } = await handle.read(buffer, rest, buffer.length - rest, position + rest);
      if (bytesRead === 0) return { size: position, tornBytes: rest };
      const filled = rest + bytesRead;
      const used = visitLines(buffer.subarray(0, filled), position, visitor.onLine);
      buffer.copyWithin(0, used, filled);
      rest = filled - used;
      position += used;
      visitor.onBytes(bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Visits each whole line in `bytes`, which begin at `offset`; answers how many bytes that took. */
function visitLines(bytes: Buffer, offset: number, onLine: LineVisitor["onLine"]): number {
  let from = 0;
  for (;;) {
    const newline = bytes.indexOf(NEWLINE, from);
    if (newline === -1) return from;
    onLine(bytes.toString("utf8", from, newline), offset + from, newline + 1 - from);
    from = newline + 1;
  }
}

/** Reads a compressed file member by member; a damaged one is reported and passed over. */
export async function scanGzip(path: string, visitor: LineVisitor): Promise<MemberMap> {
  const handle = await open(path, "r");
  try {
    const starts = [0];
    const compressedStarts = [0];
    const { size } = await handle.stat();
    let at = 0;
    let offset = 0;
    while (at < size) {
      const header = await readAt(handle, at, MEMBER_HEADER_BYTES);
      const length = memberSize(header);
      if (length === undefined || at + length > size) {
        const next = await findMember(handle, at + 1, size);
        const reason = `bytes ${at} to ${next} of ${path} are no compressed member of this log`;
        const bytes = next - at;
        visitor.onDamage({ kind: "member", offset, from: at, bytes, room: MAX_MEMBER_BYTES, reason });
        visitor.onBytes(next - at);
        at = next;
        starts.push(offset); // an entry without lines, so that the member before it keeps its end
        compressedStarts.push(at);
        continue;
      }
      const member = await readAt(handle, at, length);
      const reading = visitMember(member, offset, visitor);
      const lineBytes = typeof reading === "number" ? reading : 0;
      let next = at + length;
      if (typeof reading === "string") {
        // A damaged member may state a wrong size, which must not hide the sound ones behind it.
        next = await findMember(handle, at + 1, size);
        const room = next === at + length ? statedBytes(member) : MAX_MEMBER_BYTES;
        visitor.onDamage({ kind: "member", offset, from: at, bytes: next - at, room, reason: reading });
      }
      visitor.onBytes(next - at);
      at = next;
      offset += lineBytes;
      starts.push(offset);
      compressedStarts.push(at);
    }
    return { starts, compressedStarts };
  } finally {
    await handle.close();
  }
}

/** Answers the uncompressed bytes of the member, or why it cannot be read. */
function visitMember(member: Buffer, offset: number, visitor: LineVisitor): number | string {
  let lines: Buffer;
  try {
    lines = gunzipMember(member);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const used = visitLines(lines, offset, visitor.onLine);
  if (used < lines.length) {
    const from = offset + used;
    const bytes = lines.length - used;
    const reason = "a compressed member ends within a line";
    visitor.onDamage({ kind: "fragment", offset: from, from, bytes, room: bytes, reason });
  }
  return lines.length;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Where the next readable member begins, at or behind `from`; the end of the file where none does. */
async function findMember(handle: FileHandle, from: number, size: number): Promise<number> {
  const step = 1024 * 1024;
  for (let at = from; at < size; at += step) {
    const block = await readAt(handle, at, step + MEMBER_HEADER_BYTES);
    for (let found = block.indexOf(0x1f); found !== -1; found = block.indexOf(0x1f, found + 1)) {
      if (memberSize(block.subarray(found, found + MEMBER_HEADER_BYTES)) !== undefined) return at + found;
    }
  }
  return size;
}
