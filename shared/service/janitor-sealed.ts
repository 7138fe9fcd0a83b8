/**
 * What keeps the janitor from placing a batch twice: one whose lines are in the log, but whose row was lost and whose object
 * is still there, looks like one that was left. It is recognised by the manifests, and gets the row that they say.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { batchTimeMs } from "#service/batch-object.ts";
import type { CompleteBatch } from "#service/complete-batch.ts";
import { manifestKey, SEGMENT_PREFIX } from "#service/log-layout.ts";
import type { Manifest, ManifestBatch } from "#service/manifest.ts";
import type { Archive } from "#service/ports.ts";
import type { RowLedgers } from "#service/reconcile-rows.ts";
import { restoreRow } from "#service/reconcile-rows.ts";
import { readManifest } from "#service/reconcile-segments.ts";
import { segmentRange } from "#service/segment.ts";

export interface SealedCheckDeps extends RowLedgers {
  readonly archive: Pick<Archive, "get" | "list">;
  readonly complete: CompleteBatch;
}

interface FoundInLog {
  readonly key: string;
  readonly manifest: Manifest;
  readonly batch: ManifestBatch;
}

const HOUR_MS = 60 * 60_000;
/** Clocks of consumers and sealers may differ. */
const LOOK_BACK_MS = HOUR_MS;
/** Segments of two busy days: a batch is sealed within minutes of its row, and gets that within hours. */
const MAX_MANIFESTS = 20_000;
const PARALLEL_READS = 16;

/**
 * `complete` for batches that the log does not hold. For one that it holds the function throws AuditStorageError
 * `storage-unavailable`, not retryable, once the row is restored: that it was lost must be told.
 */
export function createCompleteUnsealed(deps: SealedCheckDeps): CompleteBatch {
  return async (batchId) => {
    const found = await findInLog(deps.archive, batchId);
    if (found === undefined) return deps.complete(batchId);
    await restoreRow(deps, found.manifest, found);
    const message = `the row of batch ${batchId} was lost; it is restored from ${found.key}`;
    throw new AuditStorageError("storage-unavailable", message, { details: { batchId } });
  };
}

/** The manifest that names a batch, among those of segments sealed since it was begun. */
async function findInLog(
  archive: SealedCheckDeps["archive"],
  batchId: string,
): Promise<FoundInLog | undefined> {
  const from = new Date(Math.max(0, batchTimeMs(batchId) - LOOK_BACK_MS)).toISOString();
  const after = `${SEGMENT_PREFIX}dt=${from.slice(0, 10)}/hh=${from.slice(11, 13)}/`;
  let looked = 0;
  let group: string[] = [];
  for await (const { key } of archive.list(SEGMENT_PREFIX, after)) {
    const range = segmentRange(key);
    if (range === undefined) continue;
    group.push(manifestKey(range.firstLeaf + range.count));
    if (group.length < PARALLEL_READS) continue;
    const found = await findInGroup(archive, batchId, group);
    if (found !== undefined) return found;
    looked += group.length;
    group = [];
    if (looked >= MAX_MANIFESTS) return undefined;
  }
  return findInGroup(archive, batchId, group);
}

async function findInGroup(
  archive: SealedCheckDeps["archive"],
  batchId: string,
  keys: readonly string[],
): Promise<FoundInLog | undefined> {
  const looks = keys.map(async (key): Promise<readonly FoundInLog[]> => {
    const manifest = await readable(archive, key);
    const batch = manifest?.batches.find((one) => one.batchId === batchId);
    return manifest === undefined || batch === undefined ? [] : [{ key, manifest, batch }];
  });
  return (await Promise.all(looks)).flat()[0];
}

/** What is missing or damaged there is for the nightly comparison to name. */
async function readable(archive: Pick<Archive, "get">, key: string): Promise<Manifest | undefined> {
  try {
    return await readManifest(archive, key);
  } catch (error) {
    if (error instanceof AuditStorageError && !error.retryable) return undefined;
    throw error;
  }
}
