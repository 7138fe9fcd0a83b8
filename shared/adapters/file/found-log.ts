/**
 * Founds the log of a folder, once: first its signed head of no leaves, then its keys, and last the one that signs, which
 * says that all of it is there. What was cut off on the way has shown nothing to anybody, and is begun anew; where
 * anything tells that there was a log before, nothing is made in the place of what is lost.
 */
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createFile, nodeDurableIo } from "#adapters/file/durable-file.ts";
import { encodeHead, leavesOf, readHeadNow } from "#adapters/file/file-log-ledger.ts";
import type { NewKey } from "#adapters/file/key-file.ts";
import { keepKey, newKey } from "#adapters/file/key-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { syncFolder } from "#adapters/file/log-folder.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import { CHECKPOINT_KEY, VERIFIER_KEY_KEY } from "#service/log-layout.ts";
import { HASHER } from "#service/native-hash.ts";
import { encodeUtf8 } from "#tlog/bytes.ts";
import { formatCheckpoint } from "#tlog/checkpoint.ts";
import { formatNote } from "#tlog/note.ts";

const ORIGIN_BYTES = 8;

/**
 * To be called where the key that signs is not there.
 * @param origin undefined: a new name
 * @throws AuditServiceError `invalid-configuration` where a log was there before; AuditStorageError `storage-unavailable`
 * (retryable)
 */
export function foundLog(paths: LogPaths, origin: string | undefined): void {
  if (wasThere(paths)) throw lostKey(paths.logKey);
  const log = newKey(origin ?? `audit-service.local/${randomBytes(ORIGIN_BYTES).toString("hex")}`);
  try {
    // The head goes last: alone it still tells of a founding that was cut off, and a key alone does not.
    for (const path of [paths.freshnessKey, paths.head]) {
      rmSync(path, { force: true });
      syncFolder(paths.folder);
    }
    createFile(paths.head, headOf(log), { io: nodeDurableIo });
    syncFolder(paths.folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the head of the log, ${paths.head}, cannot be made: ${reason}`;
    throw new AuditStorageError("storage-unavailable", message, { cause, retryable: true });
  }
  keepKey(paths.freshnessKey, newKey(`${log.name}/freshness`));
  keepKey(paths.logKey, log);
}

/** Nothing else is made in its place: whoever keeps checkpoints would see another log. */
export function lostKey(path: string): AuditServiceError {
  const message = `the private key ${path} is missing, but the log was begun with it: bring it back from a backup; nothing was changed. See docs/operations.md#lost-keys`;
  return new AuditServiceError("invalid-configuration", message);
}

function wasThere(paths: LogPaths): boolean {
  const isPublished = [CHECKPOINT_KEY, VERIFIER_KEY_KEY].some((key) => existsSync(join(paths.folder, key)));
  const head = readHeadNow(paths);
  return isPublished || (head === undefined ? existsSync(paths.freshnessKey) : leavesOf(head) !== 0);
}

function headOf({ name, keyId, signNow }: NewKey): Uint8Array {
  const body = formatCheckpoint({ origin: name, size: 0n, root: HASHER.empty, extensions: [] });
  const signature = signNow(encodeUtf8(body));
  const checkpoint = formatNote({ body, signatures: [{ name, keyId, signature }] });
  return encodeHead({ checkpoint, staging: undefined, sealedAtMs: Date.now() });
}
