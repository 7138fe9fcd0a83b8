/**
 * The head of a file log: one small file, replaced as a whole. The folder belongs to one process, one of whose threads
 * seals; reading, comparing and replacing are one synchronous step there, and thereby atomic.
 */
import { existsSync, readFileSync } from "node:fs";
import * as z from "zod";
import type { DurableIo } from "#adapters/file/durable-file.ts";
import { nodeDurableIo, replaceFile } from "#adapters/file/durable-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { LogHead, LogLedger } from "#service/log-ports.ts";

const RETRY_AFTER_S = 1;

/** As it is stored: never changed, only added to. */
const StoredHead = z.object({
  format: z.literal(1),
  checkpoint: z.string(),
  /** null where there was nothing to stage. */
  staging: z.string().nullable(),
  /** RFC 3339 in UTC. */
  sealed_at: z.iso.datetime({ precision: 3 }),
});

export function createFileLogLedger(paths: LogPaths, io: DurableIo = nodeDurableIo): LogLedger {
  return {
    readHead: async () => readHeadNow(paths),
    swapHead: async (expected, next) =>
      guarded(paths, () => {
        if (readHeadNow(paths)?.checkpoint !== expected?.checkpoint) return "lost";
        replaceFile(paths.head, encodeHead(next), io);
        io.syncFolder(paths.folder);
        return "swapped";
      }),
  };
}

/** @throws AuditStorageError `storage-unavailable` (retryable) */
export function readHeadNow(paths: LogPaths): LogHead | undefined {
  return guarded(paths, () => {
    if (!existsSync(paths.head)) return undefined;
    const stored = StoredHead.parse(JSON.parse(readFileSync(paths.head, "utf8")));
    const { checkpoint, staging, sealed_at: sealedAt } = stored;
    return { checkpoint, staging: staging ?? undefined, sealedAtMs: Date.parse(sealedAt) };
  });
}

/** What the file of a head holds. */
export function encodeHead({ checkpoint, staging, sealedAtMs }: LogHead): Uint8Array {
  const sealedAt = new Date(sealedAtMs).toISOString();
  const stored: z.infer<typeof StoredHead> = {
    format: 1,
    checkpoint,
    staging: staging ?? null,
    sealed_at: sealedAt,
  };
  return Buffer.from(`${JSON.stringify(stored)}\n`);
}

/** Leaves that a head is over, as its checkpoint says: its signature is not checked. */
export function leavesOf({ checkpoint }: LogHead): number {
  return Number(checkpoint.split("\n", 2)[1]);
}

function guarded<T>(paths: LogPaths, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuditStorageError("storage-unavailable", `the head of the log, ${paths.head}: ${reason}`, {
      cause,
      retryable: true,
      retryAfterS: RETRY_AFTER_S,
    });
  }
}
