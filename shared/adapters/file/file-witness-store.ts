/**
 * The checkpoints that a witness has cosigned, one small file per log in a folder that one process owns. A file is replaced
 * whole: written beside, flushed, renamed, and the folder flushed, before anybody hears of it.
 */
import { hash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { lockFolder } from "#adapters/file/folder-lock.ts";
import { logPaths, makeFolder, syncFolder } from "#adapters/file/log-folder.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import type { WitnessStore } from "#service/witness-ports.ts";

export interface FileWitnessStore extends WitnessStore {
  readonly close: () => void;
}

/**
 * @param folder is created where it is missing
 * @throws AuditStorageError `folder-locked` where a process has it, a log's or another witness's; `storage-unavailable`
 */
export function openFileWitnessStore(folder: string): FileWitnessStore {
  const lock = attempt(`the folder ${folder}`, () => {
    makeFolder(folder);
    return lockFolder(logPaths(join(folder, "witness")));
  });
  const pathOf = (origin: string): string => join(folder, `${hash("sha256", origin)}.checkpoint`);
  const readNow = (origin: string): string | undefined => {
    const path = pathOf(origin);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  };
  return {
    read: async (origin) => attempt(`the checkpoint of ${origin}`, () => readNow(origin)),
    // One synchronous stretch: no other request of this process comes between, and the lock keeps other processes out.
    swap: async (origin, { expected, next }) =>
      attempt(`the checkpoint of ${origin}`, () => {
        if (readNow(origin) !== expected) return "lost";
        replaceFile(pathOf(origin), next);
        syncFolder(folder);
        return "swapped";
      }),
    close: lock.release,
  };
}

function replaceFile(path: string, content: string): void {
  const draft = `${path}.tmp`;
  const file = openSync(draft, "w", 0o600);
  try {
    const bytes = Buffer.from(content);
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

function attempt<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof AuditServiceError) throw cause;
    throw new AuditStorageError("storage-unavailable", `${what} cannot be used: ${String(cause)}`, {
      cause,
      retryable: true,
    });
  }
}
