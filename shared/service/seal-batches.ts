/**
 * What batches give to one seal: the lines that have a place in the hot store, in the order of batches and of their line
 * numbers, as entries of leaves, as a segment, and as the manifest that says which is whose.
 */

import { readStoredLine } from "#event/read-line.ts";
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { batchKey, decodeBatch } from "#service/batch-object.ts";
import { conflictIdOf } from "#service/conflict-id.ts";
import { manifestKey, segmentKey } from "#service/log-layout.ts";
import type { SealedBatch, SealInput } from "#service/log-ports.ts";
import { hashInto } from "#service/native-hash.ts";
import { encodeManifest, leafLines } from "#service/manifest.ts";
import type { Archive, BatchRecord, Clock } from "#service/ports.ts";
import { encodeSegment } from "#service/segment.ts";

/** A line that takes a leaf. */
interface LeafText {
  readonly text: string;
  /** Of a conflict: what its derived id is made of. */
  readonly conflict: { readonly eventId: string; readonly contentHash: string } | undefined;
}

/** A batch whose lines with a leaf are read. */
export interface ReadBatch {
  readonly row: BatchRecord;
  readonly lines: readonly LeafText[];
  /** Of these with their newlines. */
  readonly bytes: number;
}

export interface SealPlace {
  /** Of the log so far. */
  readonly size: number;
  readonly conflictKey: Uint8Array;
  readonly clock: Clock;
}

const ENTRY_BYTES = 32;

/**
 * The lines of a batch that take leaves; undefined where its object is missing. One without such lines is not read.
 * @throws AuditStorageError `storage-unavailable`; not retryable where the object is damaged or does not fit its row
 */
export async function readBatchLines(
  archive: Pick<Archive, "get">,
  row: BatchRecord,
): Promise<ReadBatch | undefined> {
  const numbers = leafLines(row);
  if (numbers.length === 0) return { row, lines: [], bytes: 0 };
  const object = await archive.get(batchKey(row.batchId));
  if (object === undefined) return undefined;
  const texts = decodeBatch(object, row.batchId);
  if (texts.length !== row.lineCount)
    throw unfit(row, `holds ${texts.length} lines, its row says ${row.lineCount}`);
  const conflicts = new Set(row.conflicts);
  const lines = numbers.map((number): LeafText => {
    const text = texts[number];
    if (text === undefined) throw unfit(row, `has no line ${number}`);
    return { text, conflict: conflicts.has(number) ? conflictOf(row, number, text) : undefined };
  });
  const bytes = lines.reduce((sum, { text }) => sum + Buffer.byteLength(text, "utf8") + 1, 0);
  return { row, lines, bytes };
}

/** A batch without a line in the log stands at leaf 0 whatever the size is, so that all who settle it say the same. */
export function batchesInput(
  batches: readonly ReadBatch[],
  { size, conflictKey, clock }: SealPlace,
): SealInput {
  const lines = batches.flatMap((batch) => batch.lines);
  const sealedAtMs = clock.nowMs();
  const segment = lines.length === 0 ? undefined : segmentKey(sealedAtMs, size, lines.length);
  let next = size;
  const sealed = batches.map(({ row, lines: own }): SealedBatch => {
    const { batchId, lineCount, winners, conflicts } = row;
    const isEmpty = own.length === 0;
    const firstLeaf = isEmpty ? 0 : next;
    next += own.length;
    return { batchId, lineCount, winners, conflicts, firstLeaf, segment: isEmpty ? undefined : segment };
  });
  const input = { entries: entriesOf(lines), batches: sealed, oldestMs: oldestOf(lines) };
  if (segment === undefined) return { ...input, objects: [] };
  const derivedIds = new Map(
    lines.flatMap(({ conflict }, rank): [number, string][] =>
      conflict === undefined ? [] : [[size + rank, conflictIdOf({ conflictKey, ...conflict })]],
    ),
  );
  const manifest = { segment, firstLeaf: size, count: lines.length, sealedAtMs, batches: sealed, derivedIds };
  const objects = [
    { key: segment, bytes: encodeSegment(lines.map(({ text }) => text)) },
    { key: manifestKey(size + lines.length), bytes: encodeManifest(manifest) },
  ];
  return { ...input, objects };
}

function entriesOf(lines: readonly LeafText[]): Uint8Array {
  const entries = Buffer.alloc(lines.length * ENTRY_BYTES);
  for (const [rank, { text }] of lines.entries()) hashInto(text, entries, rank * ENTRY_BYTES);
  return entries;
}

function oldestOf(lines: readonly LeafText[]): number | undefined {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const { text } of lines) {
    const timeMs = receivedAtMs(text);
    if (timeMs < oldestMs) oldestMs = timeMs;
  }
  return Number.isFinite(oldestMs) ? oldestMs : undefined;
}

function conflictOf(row: BatchRecord, number: number, text: string): LeafText["conflict"] {
  const read = readStoredLine(text);
  if (read.kind === "line") return { eventId: read.line.event.event_id, contentHash: read.line.contentHash };
  const what = read.kind === "newer" ? `has format version ${read.version}` : read.reason;
  throw unfit(row, `cannot be read: line ${number} ${what}`);
}

function unfit({ batchId }: BatchRecord, problem: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `batch object ${batchId} ${problem}`, {
    details: { batchId },
  });
}
