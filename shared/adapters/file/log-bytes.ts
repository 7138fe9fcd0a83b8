/**
 * Reads the bytes of a log file in order, by their place in the uncompressed file, whichever form it has. What was opened
 * stays readable when the file gets another name or is removed meanwhile.
 */
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { gunzipMember, MEMBER_HEADER_BYTES, memberSize } from "#adapters/file/gzip-members.ts";

export interface LogBytes {
  /** Some bytes from `offset` on; none at the end of the file. Valid until the next call. */
  readonly at: (offset: number) => Promise<Buffer>;
  readonly close: () => Promise<void>;
}

const BLOCK_BYTES = 1024 * 1024;
const NONE = Buffer.alloc(0);

/** @throws Error as the file system reports it */
export async function openLogBytes(path: string, isCompressed: boolean): Promise<LogBytes> {
  const handle = await open(path, "r");
  const close = async (): Promise<void> => handle.close();
  return { at: isCompressed ? memberReader(handle) : blockReader(handle), close };
}

function blockReader(handle: FileHandle): LogBytes["at"] {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  return async (offset) => {
    const { bytesRead } = await handle.read(block, 0, block.length, offset);
    return block.subarray(0, bytesRead);
  };
}

/** @throws RangeError from what it returns, where a member is damaged */
function memberReader(handle: FileHandle): LogBytes["at"] {
  let lines: Buffer = NONE;
  let start = 0; // of `lines`, in the uncompressed file
  let next = 0; // compressed place of the member behind
  return async (offset) => {
    if (offset < start) {
      lines = NONE;
      start = 0;
      next = 0;
    }
    while (offset >= start + lines.length) {
      const member = await readMember(handle, next);
      if (member === undefined) return NONE;
      start += lines.length;
      next += member.length;
      lines = gunzipMember(member);
    }
    return lines.subarray(offset - start);
  };
}

async function readMember(handle: FileHandle, from: number): Promise<Buffer | undefined> {
  const header = await readAt(handle, from, MEMBER_HEADER_BYTES);
  if (header.length === 0) return undefined;
  const size = memberSize(header);
  const member = size === undefined ? NONE : await readAt(handle, from, size);
  if (member.length !== size) throw new RangeError(`byte ${from} begins no compressed member of this log`);
  return member;
}

async function readAt(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(bytes, 0, length, from);
  return bytes.subarray(0, bytesRead);
}
