/**
 * Rows of batches: how a record is written in few bytes. Lines are bitmaps (line n is bit n mod 8, from the lowest, of
 * byte n div 8), left out where they say the usual: all lines won, none conflicts, all are indexed. Where its lines stand
 * in the log is added later, and changes nothing of how the rest is read.
 */
import type { Item } from "#adapters/aws/event-item.ts";
import { ROW } from "#adapters/aws/keys.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { BatchRecord, SealedPlace } from "#service/ports.ts";

const ROW_FORMAT = 1;

const LINE_COUNT = "l";
const WINNERS = "w";
const CONFLICTS = "c";
const UNINDEXED = "u";

/** Attributes that a row gets when the log has leaves for its lines. */
export const SEALED = {
  /** N: leaf of the first of its winners and conflicts. */
  firstLeaf: "f",
  /** S: key of the segment; absent where no line of the batch has a leaf. */
  segment: "sg",
} as const;

/** The attributes beside the key. */
export function recordAttributes(record: BatchRecord): Item {
  const { lineCount, winners, conflicts, unindexed, sealed } = record;
  return {
    [ROW.format]: { N: String(ROW_FORMAT) },
    [LINE_COUNT]: { N: String(lineCount) },
    ...(winners.length < lineCount && { [WINNERS]: { B: toBitmap(winners, lineCount) } }),
    ...(conflicts.length > 0 && { [CONFLICTS]: { B: toBitmap(conflicts, lineCount) } }),
    ...(unindexed.length > 0 && { [UNINDEXED]: { B: toBitmap(unindexed, lineCount) } }),
    ...(sealed !== undefined && sealedAttributes(sealed)),
  };
}

export function sealedAttributes({ firstLeaf, segment }: SealedPlace): Item {
  return {
    [SEALED.firstLeaf]: { N: String(firstLeaf) },
    ...(segment !== undefined && { [SEALED.segment]: { S: segment } }),
  };
}

/** @throws AuditStorageError `storage-unavailable` where the row is of a newer format, or damaged */
export function readRecord(batchId: string, row: Item): BatchRecord {
  const format = row[ROW.format]?.N;
  if (format !== String(ROW_FORMAT)) {
    const message = `the row of batch ${batchId} is of format ${format ?? "none"}; this version of the service reads ${ROW_FORMAT}`;
    throw new AuditStorageError("storage-unavailable", message);
  }
  const lineCount = Number(row[LINE_COUNT]?.N);
  if (!Number.isSafeInteger(lineCount)) {
    throw new AuditStorageError("storage-unavailable", `the row of batch ${batchId} has no number of lines`);
  }
  const winners = row[WINNERS]?.B;
  return {
    batchId,
    lineCount,
    winners:
      winners === undefined ? Array.from({ length: lineCount }, (_, line) => line) : fromBitmap(winners),
    conflicts: fromBitmap(row[CONFLICTS]?.B),
    unindexed: fromBitmap(row[UNINDEXED]?.B),
    ...sealedMember(batchId, row),
  };
}

function sealedMember(batchId: string, row: Item): Pick<BatchRecord, "sealed"> {
  const text = row[SEALED.firstLeaf]?.N;
  if (text === undefined) return {};
  const firstLeaf = Number(text);
  if (!Number.isSafeInteger(firstLeaf) || firstLeaf < 0) {
    throw new AuditStorageError(
      "storage-unavailable",
      `the row of batch ${batchId} names ${text}, which is no leaf`,
    );
  }
  const segment = row[SEALED.segment]?.S;
  return { sealed: { firstLeaf, ...(segment !== undefined && { segment }) } };
}

function toBitmap(lines: readonly number[], lineCount: number): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil(lineCount / 8));
  for (const line of lines) bytes[line >> 3] = (bytes[line >> 3] ?? 0) | (1 << (line & 7));
  return bytes;
}

function fromBitmap(bytes: Uint8Array = Buffer.alloc(0)): readonly number[] {
  const lines: number[] = [];
  for (const [at, byte] of bytes.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) lines.push(at * 8 + bit);
  }
  return lines;
}
