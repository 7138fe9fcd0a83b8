/**
 * Restores what a rebuild finds in the archive about one batch: its items, its row, and the conflicts noted on events.
 * What the outcome object of a batch says was so before the object was written; nothing of it is decided again here.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { BatchOutcome } from "#service/batch-object.ts";
import { decodeOutcome, outcomeKey } from "#service/batch-object.ts";
import type { CompleteDeps } from "#service/complete-batch.ts";
import { readBatch } from "#service/complete-batch.ts";
import { derivedEntry } from "#service/place-lines.ts";
import type { Archive, EventTable, TableEntry } from "#service/ports.ts";

export interface RestoredBatch {
  readonly lines: number;
  /** Lines whose place another batch claims as well, and has taken. */
  readonly overlaps: number;
}

/**
 * Inserts the winners and conflicts of a batch that has an outcome object, and writes its row.
 * @throws AuditStorageError `storage-unavailable`; not retryable where an object is missing, damaged or of a newer release
 */
export async function restoreSettled(deps: CompleteDeps, batchId: string): Promise<RestoredBatch> {
  const { outcome, lines } = await readSettled(deps.archive, batchId);
  const entries = placesOf({ outcome, lines }, deps.conflictKey);
  const outcomes = entries.length === 0 ? [] : await deps.table.insert(entries);
  let overlaps = 0;
  const unindexed: number[] = [];
  for (const [index, { line }] of entries.entries()) {
    const found = outcomes[index];
    if (found === undefined)
      throw new RangeError(`${outcomes.length} outcomes for ${entries.length} entries`);
    const isHere = found.kind === "inserted" || (found.at.batchId === batchId && found.at.line === line);
    if (!isHere) overlaps++;
    else if (!found.isIndexed) unindexed.push(line);
  }
  await deps.ledger.register({ ...outcome, unindexed: unindexed.sort((a, b) => a - b) });
  return { lines: lines.length, overlaps };
}

/** Notes the conflicts of a batch on the events that came first; those that are no longer stored are passed over. */
export async function restoreNotes(deps: CompleteDeps, batchId: string): Promise<number> {
  const outcome = await readOutcome(deps.archive, batchId);
  if (outcome.conflicts.length === 0) return 0;
  const settled = await readSettled(deps.archive, batchId);
  const places = placesOf(settled, deps.conflictKey).slice(outcome.winners.length);
  for (const conflict of places) await deps.table.noteConflict(conflict);
  return places.length;
}

interface SettledBatch {
  readonly outcome: BatchOutcome;
  readonly lines: readonly PreparedLine[];
}

/** Winners first, then conflicts. */
function placesOf({ outcome, lines }: SettledBatch, conflictKey: Uint8Array): readonly TableEntry[] {
  const entryAt = (line: number): TableEntry => {
    const prepared = lines[line];
    if (prepared === undefined) throw new RangeError(`batch ${outcome.batchId} has no line ${line}`);
    return { batchId: outcome.batchId, line, eventId: prepared.event.event_id, prepared };
  };
  const conflicts = outcome.conflicts.map((line) => derivedEntry(entryAt(line), conflictKey));
  return [...outcome.winners.map(entryAt), ...conflicts];
}

async function readSettled(archive: Archive, batchId: string): Promise<SettledBatch> {
  const [outcome, lines] = await Promise.all([readOutcome(archive, batchId), readBatch(archive, batchId)]);
  if (outcome.lineCount === lines.length) return { outcome, lines };
  const counts = `${outcome.lineCount} lines, its batch object ${lines.length}`;
  throw new AuditStorageError("storage-unavailable", `outcome object of batch ${batchId} says ${counts}`);
}

/** @throws AuditStorageError `storage-unavailable`; not retryable where it is missing, damaged or of a newer release */
export async function readOutcome(archive: Archive, batchId: string): Promise<BatchOutcome> {
  const bytes = await archive.get(outcomeKey(batchId));
  if (bytes !== undefined) return decodeOutcome(bytes, batchId);
  throw new AuditStorageError("storage-unavailable", `outcome object of batch ${batchId} is missing`);
}

/** Whether the hot store keeps a line no longer. */
export type IsExpired = (text: string) => boolean;

/** The table for a rebuild: entries that are no longer kept count as inserted, and are not. */
export function keepingOnly(table: EventTable, isExpired: IsExpired): EventTable {
  return {
    insert: async (entries) => {
      const kept = entries.filter(({ prepared }) => !isExpired(prepared.text));
      const outcomes = kept.length === 0 ? [] : await table.insert(kept);
      const byEntry = new Map(kept.map((entry, index) => [entry, outcomes[index]]));
      return entries.map((entry) => byEntry.get(entry) ?? { kind: "inserted", isIndexed: true });
    },
    index: (entries) => table.index(entries),
    noteConflict: (conflict) => table.noteConflict(conflict),
  };
}
