/**
 * Manifests: which batches the lines of a segment came in, and under which ids its conflicts stand. With segments alone the
 * tables can be restored: a manifest says what outcome objects said, which are gone once their batch is sealed. Version 1.
 */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import { segmentRange } from "#service/segment.ts";

/** A batch in a segment. Its winners and conflicts take leaves in the order of their line numbers, from `firstLeaf` on. */
export interface ManifestBatch {
  readonly batchId: string;
  readonly lineCount: number;
  /** Line numbers, ascending. */
  readonly winners: readonly number[];
  readonly conflicts: readonly number[];
  /** 0 where none of its lines has a leaf. */
  readonly firstLeaf: number;
}

export interface Manifest {
  readonly segment: string;
  readonly firstLeaf: number;
  readonly count: number;
  readonly sealedAtMs: number;
  /** In leaf order; those without a leaf anywhere between. */
  readonly batches: readonly ManifestBatch[];
  /** Ids under which conflicts stand, by leaf. */
  readonly derivedIds: ReadonlyMap<number, string>;
}

const FORMAT = 1;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const Leaf = z.int().min(0);
const LineNumbers = z
  .array(z.int().min(0))
  .refine((lines) => lines.every((line, at) => at === 0 || line > (lines[at - 1] ?? line)), {
    error: "its line numbers do not ascend",
  });

/** Form of a batch and its leaves in stored JSON; staging objects have it too. */
export const StoredBatch = z.strictObject({
  batch: z.string().regex(UUID_V7),
  lines: z.int().min(1),
  winners: LineNumbers,
  conflicts: LineNumbers,
  first_leaf: Leaf,
});

const StoredManifest = z.strictObject({
  format: z.literal(FORMAT),
  segment: z.string(),
  first_leaf: Leaf,
  count: z.int().min(1),
  sealed_at: z.iso.datetime({ precision: 3 }),
  batches: z.array(StoredBatch),
  derived_ids: z.record(z.string().regex(/^(?:0|[1-9]\d{0,15})$/), z.string().includes("!")),
});

/** The same bytes for the same manifest. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { segment, firstLeaf, count, sealedAtMs, batches, derivedIds } = manifest;
  const stored: z.infer<typeof StoredManifest> = {
    format: FORMAT,
    segment,
    first_leaf: firstLeaf,
    count,
    sealed_at: new Date(sealedAtMs).toISOString(),
    batches: batches.map(storedBatch),
    derived_ids: Object.fromEntries(derivedIds),
  };
  return Buffer.from(JSON.stringify(stored), "utf8");
}

/** @throws AuditStorageError `storage-unavailable` where the object is damaged or of a newer format */
export function decodeManifest(bytes: Uint8Array, key: string): Manifest {
  const parsed = StoredManifest.safeParse(parsedJson(bytes, key));
  if (!parsed.success) throw unreadable(key, z.prettifyError(parsed.error));
  const { segment, first_leaf: firstLeaf, count, sealed_at: sealedAt, batches, derived_ids } = parsed.data;
  const manifest: Manifest = {
    segment,
    firstLeaf,
    count,
    sealedAtMs: Date.parse(sealedAt),
    batches: batches.map(batchOfStored),
    derivedIds: new Map(Object.entries(derived_ids).map(([leaf, id]) => [Number(leaf), id])),
  };
  const problem = inconsistency(manifest);
  if (problem !== undefined) throw unreadable(key, problem);
  return manifest;
}

/** A batch in the form of stored JSON. */
export function storedBatch(batch: ManifestBatch): z.infer<typeof StoredBatch> {
  const { batchId, lineCount, winners, conflicts, firstLeaf } = batch;
  return {
    batch: batchId,
    lines: lineCount,
    winners: [...winners],
    conflicts: [...conflicts],
    first_leaf: firstLeaf,
  };
}

export function batchOfStored(stored: z.infer<typeof StoredBatch>): ManifestBatch {
  const { batch, lines, winners, conflicts, first_leaf } = stored;
  return { batchId: batch, lineCount: lines, winners, conflicts, firstLeaf: first_leaf };
}

/** Line numbers of a batch that have leaves, in leaf order. */
export function leafLines({
  winners,
  conflicts,
}: Pick<ManifestBatch, "winners" | "conflicts">): readonly number[] {
  return conflicts.length === 0 ? winners : [...winners, ...conflicts].sort((a, b) => a - b);
}

function inconsistency({ segment, firstLeaf, count, batches, derivedIds }: Manifest): string | undefined {
  const range = segmentRange(segment);
  if (range?.firstLeaf !== firstLeaf || range.count !== count) return `its segment is ${segment}`;
  let next = firstLeaf;
  const conflicts = new Set<number>();
  for (const batch of batches) {
    const lines = leafLines(batch);
    if (new Set(lines).size !== lines.length || (lines.at(-1) ?? 0) >= batch.lineCount)
      return `line numbers of batch ${batch.batchId} repeat or pass its last line`;
    if (lines.length === 0) continue;
    if (batch.firstLeaf !== next)
      return `batch ${batch.batchId} begins at leaf ${batch.firstLeaf}, not ${next}`;
    const kept = new Set(batch.conflicts);
    for (const [rank, line] of lines.entries()) if (kept.has(line)) conflicts.add(next + rank);
    next += lines.length;
  }
  if (next !== firstLeaf + count) return `its batches hold ${next - firstLeaf} leaves, its segment ${count}`;
  const isNamed =
    derivedIds.size === conflicts.size && [...derivedIds.keys()].every((leaf) => conflicts.has(leaf));
  return isNamed ? undefined : "its derived ids are not those of its conflicts";
}

function parsedJson(bytes: Uint8Array, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw unreadable(key, "it is not JSON", error);
  }
}

function unreadable(key: string, problem: string, cause?: unknown): AuditStorageError {
  const message = `manifest ${key} is damaged or of a newer format: ${problem}`;
  return new AuditStorageError("storage-unavailable", message, { cause, details: { key } });
}
