/**
 * Reads a file of lines, compressed or not, block by block, and hashes each line where it lies: no line becomes a string,
 * and memory holds a block or two. Gunzipping runs on another thread.
 */
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { UndecidedError } from "#verify/finding.ts";
import type { LineFile } from "#verify/line-file.ts";
import { HASH_BYTES, hashInto } from "#verify/native-hash.ts";

/** Lines that were read at once. */
export interface LineBlock {
  readonly bytes: Buffer;
  readonly count: number;
  /** Where each line begins in `bytes`, and behind the last one where the next would: lines end one byte before it. */
  readonly starts: Uint32Array;
  /** SHA-256 of each line without its newline. */
  readonly hashes: Buffer;
  /** Of the first line in the file, from 1. */
  readonly firstLine: number;
  /** Offset of `bytes` in the file, uncompressed. */
  readonly byte: number;
}

/** How a file ended. */
export interface FileEnd {
  /** Bytes behind the last newline. */
  readonly unfinishedBytes: number;
  /** Why it could not be read to its end. */
  readonly problem: string | undefined;
}

const NEWLINE = 10;
const GUNZIP_BYTES = 512 * 1024;
/** The service takes no event that makes a longer line (256 KiB and what it adds); nothing else needs to fit in memory. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Yields blocks of whole lines, and returns how the file ended. */
export async function* readLineBlocks(file: LineFile): AsyncGenerator<LineBlock, FileEnd> {
  let rest: Buffer = Buffer.alloc(0);
  let [firstLine, byte] = [1, 0];
  const end = (problem?: string): FileEnd => ({ unfinishedBytes: rest.length, problem });
  const blockOf = (bytes: Buffer): LineBlock => {
    const block = hashBlock(bytes, { firstLine, byte });
    firstLine += block.count;
    byte += bytes.length;
    return block;
  };
  try {
    for await (const chunk of chunksOf(file)) {
      const lastNewline = chunk.lastIndexOf(NEWLINE);
      if (lastNewline === -1) {
        rest = Buffer.concat([rest, chunk]);
        if (rest.length > MAX_LINE_BYTES) return end(`a line is longer than ${MAX_LINE_BYTES} bytes`);
        continue;
      }
      // A line that stands in two chunks is a block of its own, so that the chunks are not copied.
      const start = rest.length === 0 ? 0 : chunk.indexOf(NEWLINE) + 1;
      if (start > 0) yield blockOf(Buffer.concat([rest, chunk.subarray(0, start)]));
      if (start <= lastNewline) yield blockOf(chunk.subarray(start, lastNewline + 1));
      rest = Buffer.from(chunk.subarray(lastNewline + 1));
    }
    return end();
  } catch (error) {
    if (isDataError(error)) return end(error.message);
    if (error instanceof UndecidedError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UndecidedError(`${file.name} cannot be read: ${reason}`, error);
  }
}

async function* chunksOf(file: LineFile): AsyncGenerator<Buffer> {
  const { isCompressed, bytes } = file.open();
  if (!isCompressed) {
    for await (const chunk of bytes) yield asBuffer(chunk);
    return;
  }
  let failure: unknown;
  const gunzip = createGunzip({ chunkSize: GUNZIP_BYTES });
  pipeline(bytes, gunzip, (error) => {
    failure = error ?? undefined;
  });
  for await (const chunk of gunzip) {
    // cast: a stream of bytes gives bytes
    yield asBuffer(chunk as Uint8Array);
  }
  if (failure instanceof Error) throw failure;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What is wrong with the bytes themselves, as zlib says it. */
function isDataError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    /^Z_(DATA|BUF)_ERROR$/.test(error.code)
  );
}

function hashBlock(bytes: Buffer, place: { readonly firstLine: number; readonly byte: number }): LineBlock {
  let starts = new Uint32Array(Math.ceil(bytes.length / 256) + 2);
  let count = 0;
  for (let at = 0; at < bytes.length; at = bytes.indexOf(NEWLINE, at) + 1) {
    if (count + 2 > starts.length) {
      const longer = new Uint32Array(starts.length * 2);
      longer.set(starts);
      starts = longer;
    }
    starts[count++] = at;
  }
  starts[count] = bytes.length;
  const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
  for (let line = 0; line < count; line++) {
    const [from = 0, to = 0] = [starts[line], starts[line + 1]];
    hashInto(bytes.subarray(from, to - 1), hashes, line * HASH_BYTES);
  }
  return { bytes, count, starts, hashes, ...place };
}
