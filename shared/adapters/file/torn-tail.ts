/**
 * The end of a live file that a crash has cut: bytes behind the last newline, which nobody was told are stored. They
 * are moved aside, never deleted, and never over what an earlier crash has left.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { freePath, syncFolder } from "#adapters/file/log-folder.ts";

const BLOCK_BYTES = 1024 * 1024;

/** Where the tail begins and the number of the line that it was to become. */
export interface TornTail {
  readonly offset: number;
  readonly line: number;
}

/** Copies what follows byte `offset` to a file of its own, then cuts it off. Answers the path of the copy. */
export function moveTornTail(paths: LogPaths, { offset, line }: TornTail): string {
  const live = openSync(paths.live, "r+");
  try {
    const path = freePath(paths.torn(line, offset));
    try {
      copyTail(live, offset, path);
    } catch (error) {
      rmSync(path, { force: true }); // a part of it, where the disk is full; the tail itself is still in its place
      throw error;
    }
    syncFolder(paths.folder);
    ftruncateSync(live, offset);
    fsyncSync(live);
    return path;
  } finally {
    closeSync(live);
  }
}

function copyTail(live: number, offset: number, path: string): void {
  const copy = openSync(path, "wx", 0o640);
  try {
    const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    let position = offset;
    for (;;) {
      const count = readSync(live, block, 0, block.length, position);
      if (count === 0) break;
      for (let written = 0; written < count; ) written += writeSync(copy, block, written, count - written);
      position += count;
    }
    fsyncSync(copy);
  } finally {
    closeSync(copy);
  }
}
