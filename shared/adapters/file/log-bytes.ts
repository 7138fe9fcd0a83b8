/**
 * Reads the bytes of a log file in order, by their place in the uncompressed file, whichever form it has. What was opened
 * stays readable when the file gets another name or is removed meanwhile. Synchronous: the thread that seals takes no turn
 * of the thread pool from the one that writes the log.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { gunzipMember, MEMBER_HEADER_BYTES, memberSize } from "#adapters/file/gzip-members.ts";

export interface LogBytes {
  /** Some bytes from `offset` on; none at the end of the file. Valid until the next call. */
  readonly at: (offset: number) => Buffer;
  readonly close: () => void;
}

const BLOCK_BYTES = 1024 * 1024;
const NONE = Buffer.alloc(0);

/** @throws Error as the file system reports it */
export function openLogBytes(path: string, isCompressed: boolean): LogBytes {
  const fd = openSync(path, "r");
  return { at: isCompressed ? memberReader(fd) : blockReader(fd), close: () => closeSync(fd) };
}

function blockReader(fd: number): LogBytes["at"] {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  return (offset) => block.subarray(0, readSync(fd, block, 0, block.length, offset));
}

/** @throws RangeError from what it returns, where a member is damaged */
function memberReader(fd: number): LogBytes["at"] {
  let lines: Buffer = NONE;
  let start = 0; // of `lines`, in the uncompressed file
  let next = 0; // compressed place of the member behind
  return (offset) => {
    if (offset < start) {
      lines = NONE;
      start = 0;
      next = 0;
    }
    while (offset >= start + lines.length) {
      const member = readMember(fd, next);
      if (member === undefined) return NONE;
      start += lines.length;
      next += member.length;
      lines = gunzipMember(member);
    }
    return lines.subarray(offset - start);
  };
}

function readMember(fd: number, from: number): Buffer | undefined {
  const header = readAt(fd, from, MEMBER_HEADER_BYTES);
  if (header.length === 0) return undefined;
  const size = memberSize(header);
  const member = size === undefined ? NONE : readAt(fd, from, size);
  if (member.length !== size) throw new RangeError(`byte ${from} begins no compressed member of this log`);
  return member;
}

function readAt(fd: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, from));
}
