/**
 * Gives each line of a batch its place in the hot store: under the id of its event, or, where other content stands there,
 * under a derived id. What stands is never changed, so that whoever places the lines of a batch, and however often, finds
 * the same outcome: that is what lets one process finish the work of another.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { conflictIdOf, MAX_NOTED_CONFLICTS } from "#service/conflict-id.ts";
import type { EventTable, InsertOutcome, TableEntry } from "#service/ports.ts";

export interface PlaceDeps {
  readonly table: EventTable;
  /** Secret bytes of the deployment, from which derived ids are made. */
  readonly conflictKey: Uint8Array;
}

/** What became of the lines. Line numbers ascend. */
export interface Placement {
  /** Lines that stand under the id of their event. */
  readonly winners: readonly number[];
  /** Lines that stand under a derived id. */
  readonly conflicts: readonly number[];
  /** Lines among these that the indexes do not show yet. */
  readonly unindexed: readonly number[];
  /** Batches, without this one, in which the content of other lines stands. */
  readonly otherBatches: ReadonlySet<string>;
}

const PARALLEL_NOTES = 16;

/**
 * @param lines all lines of the batch, in the order of its object, which must be stored already
 * @throws AuditStorageError `storage-unavailable`; any of the lines may have its place then, and a repetition is safe
 */
export async function placeLines(
  deps: PlaceDeps,
  batchId: string,
  lines: readonly PreparedLine[],
): Promise<Placement> {
  const own = lines.map((prepared, line): TableEntry => {
    return { batchId, line, eventId: prepared.event.event_id, prepared };
  });
  const first = sortOut(own, await insertAll(deps.table, own));
  const derived = first.foreign.map((entry) => derivedEntry(entry, deps.conflictKey));
  const second = sortOut(derived, await insertAll(deps.table, derived));
  const [collision] = second.foreign;
  if (collision !== undefined) throw collided(collision);
  await noteConflicts(deps.table, second.placed);
  return {
    winners: first.placed.map(({ line }) => line),
    conflicts: second.placed.map(({ line }) => line),
    unindexed: [...first.unindexed, ...second.unindexed].sort((a, b) => a - b),
    otherBatches: new Set([...first.otherBatches, ...second.otherBatches]),
  };
}

/** The entry of a line whose event id other content holds. */
export function derivedEntry(entry: TableEntry, conflictKey: Uint8Array): TableEntry {
  const { event, contentHash } = entry.prepared;
  return { ...entry, eventId: conflictIdOf({ conflictKey, eventId: event.event_id, contentHash }) };
}

async function insertAll(
  table: EventTable,
  entries: readonly TableEntry[],
): Promise<readonly InsertOutcome[]> {
  if (entries.length === 0) return [];
  const outcomes = await table.insert(entries);
  if (outcomes.length === entries.length) return outcomes;
  throw new RangeError(`${outcomes.length} outcomes for ${entries.length} entries`);
}

interface Sorted {
  /** Stand under the id tried, where they are. */
  readonly placed: readonly TableEntry[];
  readonly unindexed: readonly number[];
  /** Other content stands under the id tried. */
  readonly foreign: readonly TableEntry[];
  readonly otherBatches: readonly string[];
}

function sortOut(entries: readonly TableEntry[], outcomes: readonly InsertOutcome[]): Sorted {
  const placed: TableEntry[] = [];
  const unindexed: number[] = [];
  const foreign: TableEntry[] = [];
  const otherBatches: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) continue;
    if (outcome.kind === "inserted" || isAt(entry, outcome.at)) {
      placed.push(entry);
      if (!outcome.isIndexed) unindexed.push(entry.line);
    } else if (outcome.contentHash !== entry.prepared.contentHash) foreign.push(entry);
    else if (outcome.at.batchId !== entry.batchId) otherBatches.push(outcome.at.batchId);
  }
  return { placed, unindexed, foreign, otherBatches };
}

function isAt(entry: TableEntry, at: { readonly batchId: string; readonly line: number }): boolean {
  return entry.batchId === at.batchId && entry.line === at.line;
}

function collided({ eventId, batchId, line }: TableEntry): AuditStorageError {
  const message = `other content stands under the derived id ${eventId}, which line ${line} of batch ${batchId} would take`;
  return new AuditStorageError("storage-unavailable", message, { details: { batchId, line } });
}

/**
 * Notes conflicts, as many of one event as the store keeps, on the event that came first; the one that stands in another batch is noted by whoever completes that.
 * Of many conflicts of one event, the one that is kept longest is among those noted.
 */
async function noteConflicts(table: EventTable, conflicts: readonly TableEntry[]): Promise<void> {
  const notes = [...byEvent(conflicts).values()].flatMap(withLatest);
  for (let at = 0; at < notes.length; at += PARALLEL_NOTES) {
    await Promise.all(notes.slice(at, at + PARALLEL_NOTES).map((conflict) => table.noteConflict(conflict)));
  }
}

function byEvent(conflicts: readonly TableEntry[]): ReadonlyMap<string, readonly TableEntry[]> {
  return Map.groupBy(conflicts, ({ prepared: { event } }) => `${event.tenant_id}#${event.event_id}`);
}

function withLatest(conflicts: readonly TableEntry[]): readonly TableEntry[] {
  const noted = conflicts.slice(0, MAX_NOTED_CONFLICTS);
  const rest = conflicts.slice(MAX_NOTED_CONFLICTS);
  const [first] = rest;
  if (first === undefined) return noted;
  const latest = rest.reduce((a, b) =>
    receivedAtMs(b.prepared.text) > receivedAtMs(a.prepared.text) ? b : a,
  );
  return [...noted, latest];
}
