/** Reads a log file from its beginning, line by line, with the offset of each line in the uncompressed file. */
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { gunzipMember, MEMBER_HEADER_BYTES, memberSize } from "#adapters/file/gzip-members.ts";
import type { MemberMap } from "#adapters/file/log-file.ts";

const BLOCK_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

export interface LineVisitor {
  /** A whole line, its newline not included. */
  readonly onLine: (text: string, offset: number) => void;
  /** A stretch that cannot be read as lines. */
  readonly onDamage: (offset: number, reason: string) => void;
  /** Called now and then with the bytes of the file (as it lies on the disk) read so far. */
  readonly onBytes: (count: number) => void;
}

export interface PlainScan {
  /** Bytes up to and including the last newline. */
  readonly size: number;
  /** Bytes behind it: a line that was cut. */
  readonly tornBytes: number;
}

/** Reads an uncompressed file. The next block is read while the last one is parsed. */
export async function scanPlain(path: string, visitor: LineVisitor): Promise<PlainScan> {
  const handle = await open(path, "r");
  try {
    let rest = Buffer.alloc(0);
    let position = 0; // of the next block in the file
    let pending = readBlock(handle, position);
    for (;;) {
      const block = await pending;
      if (block.length === 0) break;
      position += block.length;
      pending = readBlock(handle, position);
      const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
      const used = visitLines(bytes, position - bytes.length, visitor.onLine);
      rest = Buffer.from(bytes.subarray(used));
      visitor.onBytes(block.length);
    }
    return { size: position - rest.length, tornBytes: rest.length };
  } finally {
    await handle.close();
  }
}

async function readBlock(handle: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  const { bytesRead } = await handle.read(buffer, 0, BLOCK_BYTES, position);
  return buffer.subarray(0, bytesRead);
}

/** Visits each whole line in `bytes`, which begin at `offset`; answers how many bytes that took. */
function visitLines(bytes: Buffer, offset: number, onLine: LineVisitor["onLine"]): number {
  let from = 0;
  for (;;) {
    const newline = bytes.indexOf(NEWLINE, from);
    if (newline === -1) return from;
    onLine(bytes.toString("utf8", from, newline), offset + from);
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
        visitor.onDamage(offset, `bytes ${at} to ${next} of ${path} are no compressed member of this log`);
        visitor.onBytes(next - at);
        at = next;
        compressedStarts[compressedStarts.length - 1] = at;
        continue;
      }
      const member = await readAt(handle, at, length);
      at += length;
      offset += visitMember(member, offset, visitor);
      starts.push(offset);
      compressedStarts.push(at);
      visitor.onBytes(length);
    }
    return { starts, compressedStarts };
  } finally {
    await handle.close();
  }
}

function visitMember(member: Buffer, offset: number, visitor: LineVisitor): number {
  let lines: Buffer;
  try {
    lines = gunzipMember(member);
  } catch (error) {
    visitor.onDamage(offset, error instanceof Error ? error.message : String(error));
    return 0;
  }
  const used = visitLines(lines, offset, visitor.onLine);
  if (used < lines.length) visitor.onDamage(offset + used, "a compressed member ends within a line");
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
