/** What a rebuild works through: manifests in leaf order, and batch objects in the order of their time. */
import { batchTimeMs, outcomeKey, readBatchKey } from "#service/batch-object.ts";
import { listBatchObjects } from "#service/list-batches.ts";
import { MANIFEST_PREFIX } from "#service/log-layout.ts";
import type { Archive } from "#service/ports.ts";
import { manifestEnd } from "#service/reconcile-segments.ts";

type Listing = Pick<Archive, "list">;

export interface ListedManifest {
  readonly key: string;
  /** The leaf behind the last one of the manifest before it, which should be its first. */
  readonly from: number;
  /** The leaf behind its last one. */
  readonly end: number;
}

/** Manifests behind a key, of a log of so many leaves. */
export async function* listManifests(
  archive: Listing,
  { after, size }: { readonly after: string; readonly size: number },
): AsyncGenerator<ListedManifest> {
  let from = manifestEnd(after) ?? 0;
  for await (const { key } of archive.list(MANIFEST_PREFIX, after)) {
    const end = manifestEnd(key);
    if (end === undefined) continue;
    if (end > size) return;
    yield { key, from, end };
    from = end;
  }
}

/** An object below `batches/`. */
export interface ListedBatch {
  readonly key: string;
  /** Key from which a list goes on behind it and its outcome. */
  readonly reached: string;
  /** undefined for what this release does not know. */
  readonly batchId: string | undefined;
  readonly hasObject: boolean;
  readonly hasOutcome: boolean;
}

/** All behind a key, in order. */
export async function* listBatches(
  archive: Listing,
  { after, nowMs }: { readonly after: string; readonly nowMs: number },
): AsyncGenerator<ListedBatch> {
  let batch: Omit<ListedBatch, "hasOutcome"> | undefined;
  for await (const { key } of listBatchObjects(archive, { fromMs: timeOf(after), nowMs })) {
    if (key <= after) continue;
    const reading = readBatchKey(key);
    if (reading.kind === "unknown") {
      yield { key, reached: key, batchId: undefined, hasObject: true, hasOutcome: false };
      continue;
    }
    const { batchId } = reading;
    const isItsOutcome = reading.kind === "outcome" && batchId === batch?.batchId;
    if (batch !== undefined) yield { ...batch, hasOutcome: isItsOutcome };
    const reached = outcomeKey(batchId);
    batch = reading.kind === "batch" ? { key, reached, batchId, hasObject: true } : undefined;
    if (reading.kind === "outcome" && !isItsOutcome)
      yield { key, reached, batchId, hasObject: false, hasOutcome: true };
  }
  if (batch !== undefined) yield { ...batch, hasOutcome: false };
}

/** When the batch of a key was begun; 0 for what this release does not know. */
function timeOf(key: string): number {
  const reading = readBatchKey(key);
  return reading.kind === "unknown" ? 0 : batchTimeMs(reading.batchId);
}
