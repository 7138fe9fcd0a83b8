/**
 * Copies damaged bytes into a file of their own beside the log, durably and before they leave the log. Never over
 * another file; where the same bytes lie there already, as after a crash, they are not copied again.
 */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { MakeOptions } from "#adapters/file/repair-io.ts";
import { makeFile } from "#adapters/file/repair-io.ts";

const BLOCK_BYTES = 1024 * 1024;

/** Bytes that may be too many to hold. */
export interface ByteSource {
  readonly size: number;
  /** Bytes [from, to) of `size`; valid until the next read. */
  readonly read: (from: number, to: number) => Buffer;
}

export interface Kept {
  readonly path: string;
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
}

/** @param path where they go; a number is put behind it where other bytes have the name */
export async function keepBytes(source: ByteSource, path: string, options: MakeOptions): Promise<Kept> {
  const sha256 = hashOf(source);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(candidate)) {
      await makeFile(candidate, options, async (append) => {
        for (const block of blocksOf(source)) append(block);
      });
    } else if (holds(candidate, { size: source.size, sha256 })) {
      options.io.syncFolder(dirname(candidate)); // a crash may have come between the rename and this
    } else continue;
    return { path: candidate, sha256 };
  }
}

/** Reads a stretch of an open file. */
export function bytesOf(fd: number, { from, bytes }: { from: number; bytes: number }): ByteSource {
  return {
    size: bytes,
    read: (start, end) => {
      const block = Buffer.allocUnsafeSlow(end - start);
      let filled = 0;
      while (filled < block.length) {
        const count = readSync(fd, block, filled, block.length - filled, from + start + filled);
        if (count === 0) throw new RangeError(`the file ends at byte ${from + start + filled}`);
        filled += count;
      }
      return block;
    },
  };
}

export function* blocksOf({ size, read }: ByteSource): Generator<Buffer> {
  for (let from = 0; from < size; from += BLOCK_BYTES) yield read(from, Math.min(size, from + BLOCK_BYTES));
}

function hashOf(source: ByteSource): string {
  const hash = createHash("sha256");
  for (const block of blocksOf(source)) hash.update(block);
  return hash.digest("hex");
}

function holds(path: string, { size, sha256 }: { size: number; sha256: string }): boolean {
  if (statSync(path).size !== size) return false;
  const fd = openSync(path, "r");
  try {
    return hashOf(bytesOf(fd, { from: 0, bytes: size })) === sha256;
  } finally {
    closeSync(fd);
  }
}
