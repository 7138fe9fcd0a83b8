/**
 * One manifest held against what it speaks of: its segment, the rows of its batches, and the items of its lines as long as
 * the hot store keeps them. Items say which line they are: one that names another place stands for another leaf of the
 * same event.
 */
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { preparedLine } from "#service/complete-batch.ts";
import { manifestKey } from "#service/log-layout.ts";
import type { Manifest, ManifestBatch } from "#service/manifest.ts";
import { leafLines } from "#service/manifest.ts";
import type { Archive, EventKey, ItemPlaces, Ledger, LinePlace } from "#service/ports.ts";
import type { RowLedgers } from "#service/reconcile-rows.ts";
import { checkRow, restoreRow } from "#service/reconcile-rows.ts";
import { isMissing, readManifest, readSegment } from "#service/reconcile-segments.ts";
import type { Tally } from "#service/reconcile-tally.ts";

export interface ManifestCheckDeps {
  readonly archive: Pick<Archive, "get">;
  readonly ledger: Pick<Ledger, "find">;
  readonly items: ItemPlaces;
  /** Writes rows anew that are missing; absent: they are only counted. */
  readonly restore?: RowLedgers | undefined;
}

export interface ManifestCheck {
  /** The leaf behind its last one. */
  readonly end: number;
  /** Lines received before may have left the hot store: milliseconds since 1970. */
  readonly keptFromMs: number;
}

/** What one manifest adds to both sides of the equation. */
export interface CheckedManifest {
  /** Winners and conflicts that rows count. */
  readonly rowLeaves: number;
  /** Lines in the segment. */
  readonly segmentLines: number;
  /** Whether there is something to look at again. */
  readonly isSound: boolean;
}

const PARALLEL_READS = 16;
const ITEMS_PER_CALL = 800;

/** @throws AuditStorageError `storage-unavailable` (retryable) where a port does */
export async function checkManifest(
  deps: ManifestCheckDeps,
  { end, keptFromMs }: ManifestCheck,
  tally: Tally,
): Promise<CheckedManifest> {
  const key = manifestKey(end);
  const manifest = await readable(() => readManifest(deps.archive, key), tally);
  if (manifest === undefined) return { rowLeaves: 0, segmentLines: 0, isSound: false };
  const rows = await checkRows(deps, { key, manifest }, tally);
  const lines = await readable(() => readSegment(deps.archive, manifest.segment), tally);
  if (lines === undefined) return { rowLeaves: rows.leaves, segmentLines: 0, isSound: false };
  const entries = await readable(async () => entriesOf(manifest, lines, keptFromMs), tally);
  const areItemsThere = entries !== undefined && (await checkItems(deps.items, entries, tally));
  tally.add("reconciled_leaves", lines.length);
  return {
    rowLeaves: rows.leaves,
    segmentLines: lines.length,
    isSound: rows.areSame && areItemsThere,
  };
}

/** What is damaged is counted; what is missing was counted by its name, and what time may heal is not. */
async function readable<T>(read: () => Promise<T>, tally: Tally): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AuditStorageError) || error.retryable) throw error;
    if (!isMissing(error)) tally.find("missing_segments", error.message);
    return undefined;
  }
}

interface RowsOfManifest {
  readonly leaves: number;
  readonly areSame: boolean;
}

async function checkRows(
  { ledger, restore }: ManifestCheckDeps,
  { key, manifest }: { readonly key: string; readonly manifest: Manifest },
  tally: Tally,
): Promise<RowsOfManifest> {
  let leaves = 0;
  let areSame = true;
  for (let at = 0; at < manifest.batches.length; at += PARALLEL_READS) {
    const batches = manifest.batches.slice(at, at + PARALLEL_READS);
    const rows = await Promise.all(batches.map(({ batchId }) => ledger.find(batchId)));
    for (const [index, batch] of batches.entries()) {
      const row = rows[index];
      leaves += row === undefined ? 0 : row.winners.length + row.conflicts.length;
      const finding = checkRow(manifest, batch, row);
      if (finding.kind === "same") continue;
      areSame = false;
      const name = `the row of batch ${batch.batchId}`;
      if (finding.kind === "differs") {
        tally.find("wrong_rows", `${name} says ${finding.what}, unlike ${key}`);
        continue;
      }
      const what = finding.kind === "missing" ? "was missing" : "did not say that it is sealed";
      if (restore !== undefined) await restoreRow(restore, manifest, { batch });
      tally.find("missing_rows", `${name} ${what}${restore === undefined ? "" : `; restored from ${key}`}`);
    }
  }
  return { leaves, areSame };
}

/** A line that the hot store should hold. */
interface Entry extends EventKey, LinePlace {
  readonly leaf: number;
}

function entriesOf(manifest: Manifest, lines: readonly string[], keptFromMs: number): readonly Entry[] {
  return manifest.batches.flatMap((batch) => entriesOfBatch(manifest, batch, lines)).filter(isKept);

  function isKept({ leaf }: Entry): boolean {
    return receivedAtMs(lines[leaf - manifest.firstLeaf] ?? "") > keptFromMs;
  }
}

function entriesOfBatch(
  { firstLeaf, derivedIds }: Manifest,
  batch: ManifestBatch,
  lines: readonly string[],
): readonly Entry[] {
  const { batchId } = batch;
  return leafLines(batch).map((line, rank) => {
    const leaf = batch.firstLeaf + rank;
    const { event } = preparedLine(lines[leaf - firstLeaf] ?? "", { batchId, line });
    return {
      tenantId: event.tenant_id,
      eventId: derivedIds.get(leaf) ?? event.event_id,
      batchId,
      line,
      leaf,
    };
  });
}

/** @returns whether all are there, be it for another leaf of the same event, which nothing can mend */
async function checkItems(items: ItemPlaces, entries: readonly Entry[], tally: Tally): Promise<boolean> {
  let areThere = true;
  for (let at = 0; at < entries.length; at += ITEMS_PER_CALL) {
    const group = entries.slice(at, at + ITEMS_PER_CALL);
    const keys = new Map(group.map((entry) => [keyText(entry), entry]));
    const places = await items.placesOf([...keys.values()]);
    const found = new Map([...keys.keys()].map((text, index) => [text, places[index]]));
    for (const entry of group) {
      const place = found.get(keyText(entry));
      if (place?.batchId === entry.batchId && place.line === entry.line) continue;
      const name = `event ${entry.eventId} of tenant ${entry.tenantId}, leaf ${entry.leaf},`;
      if (place === undefined) {
        areThere = false;
        tally.find("missing_items", `${name} is missing in the hot store`);
        continue;
      }
      const here = `line ${entry.line} of batch ${entry.batchId}`;
      const other = `line ${place.line} of batch ${place.batchId}`;
      tally.find("late_duplicates", `${name} is ${here}; the hot store has ${other}`);
    }
  }
  return areThere;
}

function keyText({ tenantId, eventId }: EventKey): string {
  return `${tenantId}#${eventId}`;
}
