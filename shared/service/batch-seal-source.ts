/**
 * Lines without a leaf that come in batches: those with a pending pointer, oldest first. What cannot be read is passed over,
 * and named each time, so that one damaged batch does not keep the others out of the log; order between batches is free.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { batchKey, outcomeKey } from "#service/batch-object.ts";
import type {
  LogStore,
  PendingBatch,
  SealedBatch,
  SealInput,
  SealLedger,
  SealProblem,
  SealSource,
} from "#service/log-ports.ts";
import { forEachParallel } from "#service/parallel.ts";
import type { BatchRecord, Clock, Ledger, SealedPlace } from "#service/ports.ts";
import type { ReadBatch } from "#service/seal-batches.ts";
import { batchesInput, readBatchLines } from "#service/seal-batches.ts";

export interface BatchSealSourceDeps {
  readonly archive: Pick<LogStore, "get" | "remove">;
  readonly ledger: SealLedger & Pick<Ledger, "find">;
  /** Secret bytes of the deployment, from which the ids of conflicts are derived. */
  readonly conflictKey: Uint8Array;
  readonly clock: Clock;
  /** Lines of one seal, unless one batch alone has more. @default 20,000: a segment that Athena reads in one go */
  readonly maxLeaves?: number;
  /** Bytes of these lines. @default 32 MiB: with its staging object it fits into a function of 512 MiB */
  readonly maxBytes?: number;
}

const MAX_LEAVES = 20_000;
const MAX_BYTES = 32 * 1024 * 1024;
/** Pointers asked for at first; more only while none of these can be sealed. */
const PENDING_PER_CALL = 256;
const MAX_PENDING = 16_384;
/** Batch objects read at once: up to a few MiB each. */
const PARALLEL_READS = 8;
const PARALLEL_ROWS = 16;

/** `next` throws only what time may heal. */
export function createBatchSealSource(deps: BatchSealSourceDeps): SealSource {
  return {
    next: async (size) => {
      for (let limit = PENDING_PER_CALL; ; limit *= 4) {
        const pending = await deps.ledger.pending(limit);
        const input = await nextOf(deps, pending, size);
        const hasMore = pending.length >= limit && limit < MAX_PENDING;
        if ((input?.batches.length ?? 0) > 0 || !hasMore) return input;
      }
    },
    settle: (batches) =>
      forEachParallel(batches, PARALLEL_ROWS, ({ batchId, firstLeaf, segment }) =>
        deps.ledger.markSealed(batchId, placeOf(firstLeaf, segment)),
      ),
    tidy: (batches) => deps.archive.remove(batches.flatMap(objectsOf)),
  };
}

/** Only those that were written: removing what is not there leaves a marker, too. */
function objectsOf({ batchId, winners, lineCount }: SealedBatch): readonly string[] {
  return winners.length < lineCount ? [batchKey(batchId), outcomeKey(batchId)] : [batchKey(batchId)];
}

async function nextOf(
  deps: BatchSealSourceDeps,
  pending: readonly PendingBatch[],
  size: number,
): Promise<SealInput | undefined> {
  await takePointersAway(deps, pending);
  const problems = pending
    .filter(({ row }) => row === undefined)
    .map(({ batchId }): SealProblem => ({ subject: batchId, problem: "it is pending and has no row" }));
  const rows = pending.flatMap(({ row }) => (row === undefined || row.sealed !== undefined ? [] : [row]));
  const chosen = await choose(deps, rows, problems);
  if (chosen.length > 0) return { ...batchesInput(chosen, { ...deps, size }), problems };
  if (problems.length === 0) return undefined;
  return { entries: new Uint8Array(), objects: [], batches: [], oldestMs: undefined, problems };
}

/** A pointer outlives the sealing of its batch where somebody was cut off between the two. */
async function takePointersAway(
  { ledger }: BatchSealSourceDeps,
  pending: readonly PendingBatch[],
): Promise<void> {
  await forEachParallel(pending, PARALLEL_ROWS, async ({ batchId, row }) => {
    if (row?.sealed !== undefined) await ledger.markSealed(batchId, row.sealed);
  });
}

/** Batches up to the limits, at least one. Those without a line in the log need not be read. */
async function choose(
  deps: BatchSealSourceDeps,
  rows: readonly BatchRecord[],
  problems: SealProblem[],
): Promise<readonly ReadBatch[]> {
  const { maxLeaves = MAX_LEAVES, maxBytes = MAX_BYTES } = deps;
  const chosen: ReadBatch[] = [];
  let [leaves, bytes] = [0, 0];
  for (let at = 0; at < rows.length; at += PARALLEL_READS) {
    const group = await Promise.all(rows.slice(at, at + PARALLEL_READS).map((row) => read(deps, row)));
    for (const batch of group) {
      if (batch === undefined) continue;
      if ("problem" in batch) {
        problems.push(batch);
        continue;
      }
      const isFull = leaves + batch.lines.length > maxLeaves || bytes + batch.bytes > maxBytes;
      if (isFull && leaves > 0) return chosen;
      chosen.push(batch);
      leaves += batch.lines.length;
      bytes += batch.bytes;
    }
  }
  return chosen;
}

/** undefined where another sealer has sealed it since its row was read. */
async function read(
  { archive, ledger }: BatchSealSourceDeps,
  row: BatchRecord,
): Promise<ReadBatch | SealProblem | undefined> {
  try {
    const batch = await readBatchLines(archive, row);
    if (batch !== undefined) return batch;
    const now = await ledger.find(row.batchId);
    if (now?.sealed !== undefined) return undefined;
    return { subject: row.batchId, problem: "its object is missing from the archive" };
  } catch (error) {
    if (!(error instanceof AuditStorageError) || error.retryable) throw error;
    return { subject: row.batchId, problem: error.message };
  }
}

function placeOf(firstLeaf: number, segment: string | undefined): SealedPlace {
  return segment === undefined ? { firstLeaf } : { firstLeaf, segment };
}
