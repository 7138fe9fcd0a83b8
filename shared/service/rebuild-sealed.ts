/**
 * Restores what the log holds: items, rows and notes of the lines of one segment, as its manifest says. What was sealed is
 * decided; nothing of it competes again.
 */
import type { CompleteDeps } from "#service/complete-batch.ts";
import { preparedLine } from "#service/complete-batch.ts";
import type { SealLedger } from "#service/log-ports.ts";
import type { Manifest, ManifestBatch } from "#service/manifest.ts";
import { leafLines } from "#service/manifest.ts";
import type { EventTable, TableEntry } from "#service/ports.ts";
import { restoreRow } from "#service/reconcile-rows.ts";
import { readManifest, readSegment } from "#service/reconcile-segments.ts";
import type { RestoredBatch } from "#service/settled-batch.ts";

export interface SealedDeps extends Pick<CompleteDeps, "archive" | "table" | "ledger"> {
  readonly sealing: Pick<SealLedger, "markSealed">;
}

export interface RestoredSegment extends RestoredBatch {
  readonly firstLeaf: number;
  readonly batches: number;
}

/** What one call of the table is given: it has a minute for it. */
const LINES_PER_CALL = 5_000;

/**
 * Inserts the lines of a segment and writes the rows of its batches.
 * @throws AuditStorageError `storage-unavailable`, not retryable where manifest or segment are missing, damaged or of a
 *   newer release; `log-diverged` where a row says that its batch stands elsewhere
 */
export async function restoreSealed(deps: SealedDeps, manifestKey: string): Promise<RestoredSegment> {
  const manifest = await readManifest(deps.archive, manifestKey);
  const lines = await readSegment(deps.archive, manifest.segment);
  let overlaps = 0;
  for (const batch of manifest.batches) {
    const entries = entriesOf({ manifest, batch, lines });
    const placed = await insertAll(deps.table, entries);
    overlaps += placed.overlaps;
    await restoreRow(deps, manifest, { batch, unindexed: placed.unindexed });
  }
  const { firstLeaf, batches } = manifest;
  return { firstLeaf, batches: batches.length, lines: lines.length, overlaps };
}

/** Notes the conflicts of a segment on the events that came first; those that are no longer stored are passed over. */
export async function restoreSealedNotes(deps: SealedDeps, manifestKey: string): Promise<number> {
  const manifest = await readManifest(deps.archive, manifestKey);
  if (manifest.derivedIds.size === 0) return 0;
  const lines = await readSegment(deps.archive, manifest.segment);
  for (const batch of manifest.batches) {
    const conflicts = new Set(batch.conflicts);
    if (conflicts.size === 0) continue;
    for (const entry of entriesOf({ manifest, batch, lines }))
      if (conflicts.has(entry.line)) await deps.table.noteConflict(entry);
  }
  return manifest.derivedIds.size;
}

interface SealedLines {
  readonly manifest: Manifest;
  readonly batch: ManifestBatch;
  readonly lines: readonly string[];
}

function entriesOf({ manifest, batch, lines }: SealedLines): readonly TableEntry[] {
  const { batchId } = batch;
  return leafLines(batch).map((line, rank) => {
    const leaf = batch.firstLeaf + rank;
    const prepared = preparedLine(lines[leaf - manifest.firstLeaf] ?? "", { batchId, line });
    return { batchId, line, eventId: manifest.derivedIds.get(leaf) ?? prepared.event.event_id, prepared };
  });
}

interface Placed {
  readonly overlaps: number;
  readonly unindexed: readonly number[];
}

async function insertAll(table: EventTable, entries: readonly TableEntry[]): Promise<Placed> {
  let overlaps = 0;
  const unindexed: number[] = [];
  for (let at = 0; at < entries.length; at += LINES_PER_CALL) {
    const group = entries.slice(at, at + LINES_PER_CALL);
    const outcomes = await table.insert(group);
    for (const [index, { batchId, line }] of group.entries()) {
      const found = outcomes[index];
      if (found === undefined)
        throw new RangeError(`${outcomes.length} outcomes for ${group.length} entries`);
      const isHere = found.kind === "inserted" || (found.at.batchId === batchId && found.at.line === line);
      if (!isHere) overlaps++;
      else if (!found.isIndexed) unindexed.push(line);
    }
  }
  return { overlaps, unindexed };
}
