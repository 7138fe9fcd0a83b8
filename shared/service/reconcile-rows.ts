/**
 * Rows of sealed batches held against manifests, which say the same and are never changed. A row that is missing, or does
 * not say where its lines stand, is restored from them; one that says something else is for a human.
 */
import type { SealLedger } from "#service/log-ports.ts";
import type { Manifest, ManifestBatch } from "#service/manifest.ts";
import { leafLines } from "#service/manifest.ts";
import type { BatchRecord, Ledger, SealedPlace } from "#service/ports.ts";

export interface RowLedgers {
  readonly ledger: Pick<Ledger, "find" | "register">;
  readonly sealing: Pick<SealLedger, "markSealed">;
}

export type RowFinding =
  /** It says what the manifest says. */
  | { readonly kind: "same" }
  | { readonly kind: "missing" }
  /** It does not say that its batch is sealed. */
  | { readonly kind: "unsealed" }
  | { readonly kind: "differs"; readonly what: string };

/** Where a manifest says that the lines of a batch stand. */
function placeOf({ segment }: Pick<Manifest, "segment">, batch: ManifestBatch): SealedPlace {
  return leafLines(batch).length === 0
    ? { firstLeaf: batch.firstLeaf }
    : { firstLeaf: batch.firstLeaf, segment };
}

export function checkRow(
  manifest: Pick<Manifest, "segment">,
  batch: ManifestBatch,
  row: BatchRecord | undefined,
): RowFinding {
  if (row === undefined) return { kind: "missing" };
  const lines = batch.lineCount === row.lineCount ? undefined : `${row.lineCount} lines`;
  const outcome =
    same(batch.winners, row.winners) && same(batch.conflicts, row.conflicts) ? undefined : "other winners";
  const what = lines ?? outcome;
  if (what !== undefined) return { kind: "differs", what };
  if (row.sealed === undefined) return { kind: "unsealed" };
  const { firstLeaf, segment } = placeOf(manifest, batch);
  // A batch without leaves has no place; only that it is sealed counts.
  if (segment === undefined || (row.sealed.firstLeaf === firstLeaf && row.sealed.segment === segment))
    return { kind: "same" };
  return { kind: "differs", what: `leaf ${row.sealed.firstLeaf} of ${row.sealed.segment ?? "no segment"}` };
}

/**
 * Writes what the manifest says, of lines that are all indexed as far as is known.
 * @param unindexed lines of the batch that the indexes do not show
 * @throws AuditStorageError `storage-unavailable`; `log-diverged` where the row says another place
 */
export async function restoreRow(
  { ledger, sealing }: RowLedgers,
  manifest: Pick<Manifest, "segment">,
  { batch, unindexed = [] }: { readonly batch: ManifestBatch; readonly unindexed?: readonly number[] },
): Promise<void> {
  const { batchId, lineCount, winners, conflicts } = batch;
  const sealed = placeOf(manifest, batch);
  // With its place at once: without it a sealer could take its lines again.
  await ledger.register({ batchId, lineCount, winners, conflicts, unindexed, sealed });
  if ((await ledger.find(batchId))?.sealed === undefined) await sealing.markSealed(batchId, sealed);
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at]);
}
