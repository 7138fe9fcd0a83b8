/**
 * Whole small files, made so that they are never there in part and durable on return: written beside their place, synced,
 * and then given their name. One seam, so that tests make each step fail. Synchronous: the thread that seals has nothing
 * else to do, and takes no turn of the thread pool from the one that writes the log.
 */
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { syncFolder } from "#adapters/file/log-folder.ts";

export interface DurableIo {
  /** Makes the file with these bytes on the medium; what has the name is overwritten. */
  readonly write: (path: string, bytes: Uint8Array, mode: number) => void;
  /** The same, and leaves it to the system when they get to the medium. */
  readonly writeLoosely: (path: string, bytes: Uint8Array, mode: number) => void;
  /** Returns once what a file holds is on the medium. */
  readonly sync: (path: string) => void;
  /** Gives a file a second name; fails with EEXIST where that is taken. */
  readonly link: (from: string, to: string) => void;
  readonly rename: (from: string, to: string) => void;
  readonly syncFolder: (folder: string) => void;
}

export const nodeDurableIo: DurableIo = {
  write: (path, bytes, mode) => {
    withFile(openSync(path, "w", mode), (fd) => {
      writeAll(fd, bytes);
      fsyncSync(fd);
    });
  },
  writeLoosely: (path, bytes, mode) => withFile(openSync(path, "w", mode), (fd) => writeAll(fd, bytes)),
  sync: (path) => withFile(openSync(path, "r"), fsyncSync),
  link: linkSync,
  rename: renameSync,
  syncFolder,
};

const FILE_MODE = 0o640;
/** Ends the name of a file that is being made. */
export const DRAFT_END = ".tmp";

/**
 * Makes a file where there is none. Its name is durable once its folder is synced.
 * @returns false where one is there, which stays
 */
export function createFile(
  path: string,
  bytes: Uint8Array,
  { io, mode = FILE_MODE }: { readonly io: DurableIo; readonly mode?: number },
): boolean {
  return withDraft(path, (draft) => {
    io.write(draft, bytes, mode);
    try {
      io.link(draft, path);
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

/** Makes a file where there is none, as the caller has seen: never there in part, but durable only once it is synced. */
export function createLoosely(path: string, bytes: Uint8Array, io: DurableIo): void {
  withDraft(path, (draft) => {
    io.writeLoosely(draft, bytes, FILE_MODE);
    io.rename(draft, path);
  });
}

/** Makes a file in the place of the one that is there. Its name is durable once its folder is synced. */
export function replaceFile(path: string, bytes: Uint8Array, io: DurableIo): void {
  withDraft(path, (draft) => {
    io.write(draft, bytes, FILE_MODE);
    io.rename(draft, path);
  });
}

/** A draft that is not finished must not be in the way of a full disk. */
function withDraft<T>(path: string, make: (draft: string) => T): T {
  const draft = `${path}${DRAFT_END}`;
  try {
    return make(draft);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function withFile(fd: number, work: (fd: number) => void): void {
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}
