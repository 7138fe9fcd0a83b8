/**
 * Whether a wake-up by the ledger is worth a seal: each costs the same, whether it covers one event or thousands. A busy log
 * is sealed every ten seconds, a quiet one by the schedule, once a minute.
 */
import type { SealPace } from "#functions/aws-variables.ts";
import { batchTimeMs } from "#service/batch-object.ts";
import type { LogLedger, SealLedger } from "#service/log-ports.ts";
import type { Clock } from "#service/ports.ts";

export interface PaceDeps {
  readonly ledger: Pick<SealLedger, "pending">;
  readonly log: Pick<LogLedger, "readHead">;
  readonly clock: Clock;
  readonly sealPace: SealPace;
}

const MIN_INTERVAL_MS = 10_000;
/** Together with the schedule of one minute, no event waits for longer than that. */
const MAX_WAIT_MS = 45_000;
/** Since the oldest one that waits. */
const BUSY_EVENTS_PER_S = 1;
/** More batches than these are a busy log however few events they hold. */
const MAX_PENDING = 100;

/** Whether to seal now. The function throws AuditStorageError `storage-unavailable`. */
export function createPace({ ledger, log, clock, sealPace }: PaceDeps): () => Promise<boolean> {
  return async () => {
    if (sealPace === "eager") return true;
    const head = await log.readHead();
    if (head === undefined) return true;
    const sinceMs = clock.nowMs() - head.sealedAtMs;
    if (sinceMs < MIN_INTERVAL_MS) return false;
    const pending = await ledger.pending(MAX_PENDING);
    const [oldest] = pending;
    if (oldest === undefined) return false;
    if (pending.length === MAX_PENDING) return true;
    const events = pending.reduce((sum, { row }) => sum + (row?.lineCount ?? 0), 0);
    const waitedMs = clock.nowMs() - batchTimeMs(oldest.batchId);
    const isBusy = events >= (BUSY_EVENTS_PER_S * Math.max(waitedMs, MIN_INTERVAL_MS)) / 1000;
    return isBusy || waitedMs >= MAX_WAIT_MS;
  };
}
