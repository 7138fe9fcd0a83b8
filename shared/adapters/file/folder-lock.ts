/**
 * One process owns a folder. The lock is the kernel's, taken through SQLite on a file of its own, and so ends with the
 * process however it dies. Any other open and close of that file in the same process would drop the lock (POSIX locks
 * belong to a process and a file), so nothing else ever touches it.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { AuditStorageError } from "#lib/errors.ts";

export interface FolderLock {
  readonly release: () => void;
  /** Leaves a note for people and the command line on who owns the folder, and where its server listens. */
  readonly announce: (url: string) => void;
}

const Owner = z.object({ pid: z.number().optional(), url: z.string().optional() });

/** @throws AuditStorageError `folder-locked` where another process, or this one, owns the folder; `details.url` is its server */
export function lockFolder(paths: LogPaths): FolderLock {
  const database = new DatabaseSync(paths.lock);
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    rmSync(paths.owner, { force: true }); // the note of a process that was killed
  } catch (cause) {
    database.close();
    if (!(cause instanceof Error) || !/locked|busy/i.test(cause.message)) {
      throw new AuditStorageError(
        "storage-unavailable",
        `the folder ${paths.folder} cannot be locked: ${String(cause)}`,
        { cause },
      );
    }
    const owner = readOwner(paths.owner);
    const who = owner.pid === undefined ? "another process" : `process ${owner.pid}`;
    const where = owner.url === undefined ? "" : `, which serves ${owner.url}`;
    const message = `the folder ${paths.folder} belongs to ${who}${where}; one process at a time may write a log`;
    throw new AuditStorageError("folder-locked", message, { cause, details: { ...owner } });
  }
  return {
    release: () => {
      try {
        rmSync(paths.owner, { force: true });
      } finally {
        database.close();
      }
    },
    announce: (url) => leaveNote(paths.owner, url),
  };
}

function leaveNote(path: string, url: string): void {
  try {
    writeFileSync(path, `${JSON.stringify({ pid: process.pid, url })}\n`);
  } catch {
    // The disk may be full, which health tells; a note must not keep the log from being read.
  }
}

function readOwner(path: string): z.infer<typeof Owner> {
  try {
    return Owner.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return {}; // the owner has not said yet
  }
}
