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
  const read = (): LogHead | undefined => {
    if (!existsSync(paths.head)) return undefined;
    const stored = StoredHead.parse(JSON.parse(readFileSync(paths.head, "utf8")));
    const { checkpoint, staging, sealed_at: sealedAt } = stored;
    return { checkpoint, staging: staging ?? undefined, sealedAtMs: Date.parse(sealedAt) };
  };
  return {
    readHead: async () => guarded(paths, read),
    swapHead: async (expected, next) =>
      guarded(paths, () => {
        if (read()?.checkpoint !== expected?.checkpoint) return "lost";
        const sealedAt = new Date(next.sealedAtMs).toISOString();
        const { checkpoint, staging = null } = next;
        const stored: z.infer<typeof StoredHead> = { format: 1, checkpoint, staging, sealed_at: sealedAt };
        replaceFile(paths.head, Buffer.from(`${JSON.stringify(stored)}\n`), io);
        io.syncFolder(paths.folder);
        return "swapped";
      }),
  };
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
