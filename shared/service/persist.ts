/**
 * Persists accepted lines, archive first: the batch object, then the items, then other batches that turned out to hold
 * some of the lines, then the batch's own row. Returning is the acknowledgement: every line is then in a batch object,
 * stands once in the hot store, and belongs to a batch that has its row. Nothing else may count as one.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import { batchKey, encodeBatch } from "#service/batch-object.ts";
import type { CompleteDeps } from "#service/complete-batch.ts";
import { createCompleteBatch, putSame, recordBatch } from "#service/complete-batch.ts";
import { conflictIdOf } from "#service/conflict-id.ts";
import { placeLines } from "#service/place-lines.ts";

export interface PersistDeps extends CompleteDeps {
  /** A UUIDv7 in lower case that was never used before. */
  readonly newBatchId: () => string;
}

/** Under which id an event is kept whose own id other content holds. */
export interface ConflictIds {
  readonly tenantId: string;
  /** As it was sent. */
  readonly eventId: string;
  readonly conflictId: string;
}

/** Counts of one call; stored + duplicates + conflicts = lines. */
export interface PersistReport {
  /** Undefined only where there were no lines. */
  readonly batchId: string | undefined;
  readonly lines: number;
  /** Lines that stand in this batch under the id of their event. */
  readonly stored: number;
  /** Lines whose content stands in another batch, or came twice in this call. */
  readonly duplicates: number;
  /** Lines that stand in this batch under a derived id. */
  readonly conflicts: number;
  /** The ids of the first of these, at most 20. */
  readonly conflictIds: readonly ConflictIds[];
  /** Lines among stored and conflicts that are to be indexed later. */
  readonly unindexed: number;
  /** Batches of others that had no row and were finished here. */
  readonly completedBatches: number;
  /** Size of the batch object. */
  readonly archivedBytes: number;
}

/**
 * Persists at most 10,000 lines of at most 32 MiB together; the caller sees to that.
 * Any part may have happened after a rejection; sending the lines again, in any grouping, is safe and necessary.
 */
export type Persist = (lines: readonly PreparedLine[]) => Promise<PersistReport>;

/** Ids that a report tells, so that a log line of them stays small. */
export const MAX_TOLD_CONFLICTS = 20;

const NOTHING: PersistReport = {
  batchId: undefined,
  lines: 0,
  stored: 0,
  duplicates: 0,
  conflicts: 0,
  conflictIds: [],
  unindexed: 0,
  completedBatches: 0,
  archivedBytes: 0,
};

/**
 * The function throws AuditStorageError `storage-unavailable`: retryable where a port said so; not where an object that
 * the table names is missing or damaged.
 */
export function createPersist(deps: PersistDeps): Persist {
  const complete = createCompleteBatch(deps);
  return async (given) => {
    if (given.length === 0) return NOTHING;
    const lines = withoutRepeats(given);
    const batchId = deps.newBatchId();
    const object = encodeBatch(lines.map(({ text }) => text));
    await putSame(deps.archive, batchKey(batchId), object);
    const placement = await placeLines(deps, batchId, lines);
    const left = await unregistered(deps, placement.otherBatches);
    for (const other of left) await complete(other);
    await recordBatch(deps, { batchId, lineCount: lines.length, placement });
    const { winners, conflicts, unindexed } = placement;
    return {
      batchId,
      lines: given.length,
      stored: winners.length,
      duplicates: given.length - winners.length - conflicts.length,
      conflicts: conflicts.length,
      conflictIds: conflictIds(deps, lines, conflicts),
      unindexed: unindexed.length,
      completedBatches: left.length,
      archivedBytes: object.byteLength,
    };
  };
}

function conflictIds(
  { conflictKey }: PersistDeps,
  lines: readonly PreparedLine[],
  conflicts: readonly number[],
): readonly ConflictIds[] {
  return conflicts.slice(0, MAX_TOLD_CONFLICTS).flatMap((at) => {
    const line = lines[at];
    if (line === undefined) return [];
    const { contentHash, event } = line;
    const { tenant_id: tenantId, event_id: eventId } = event;
    return [{ tenantId, eventId, conflictId: conflictIdOf({ conflictKey, eventId, contentHash }) }];
  });
}

/** The first of lines with the same identity and content. */
function withoutRepeats(lines: readonly PreparedLine[]): readonly PreparedLine[] {
  const seen = new Set<string>();
  return lines.filter(({ event, contentHash }) => {
    const before = seen.size;
    return seen.add(`${event.tenant_id}#${event.event_id}#${contentHash}`).size > before;
  });
}

/** A line may be acknowledged only when the batch in which it stands is sure to be sealed, hence has a row. */
async function unregistered(
  { ledger }: PersistDeps,
  batchIds: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (batchIds.size === 0) return [];
  const registered = await ledger.registered([...batchIds]);
  return [...batchIds].filter((batchId) => !registered.has(batchId));
}
