/**
 * The objects of a batch in the archive: its lines, and beside them, where some of its lines did not win, what became of
 * them. Keys are functions of the batch id alone, so that whoever knows the id finds the object, keys sort by time, and
 * a query engine finds the partitions (dt, hh) without a catalogue. Both formats are version 1.
 */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import { unzipText, zip } from "#service/gzip.ts";
import type { BatchRecord } from "#service/ports.ts";

/** All batches lie under it. */
export const BATCH_PREFIX = "batches/";
/** Lines that one batch may hold; the number of a line takes 14 bits. */
const MAX_BATCH_LINES = 10_000;
/** Bytes of the lines with their newlines: what callers may put into one batch is half of it. */
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const BATCH_NAME = /^batches\/dt=[\d-]{10}\/hh=\d\d\/([0-9a-f-]{36})\.jsonl\.gz$/;
const OUTCOME_NAME = /^batches\/dt=[\d-]{10}\/hh=\d\d\/([0-9a-f-]{36})\.outcome\.json$/;

/** When a batch was begun, in milliseconds since 1970: the time of its UUIDv7. */
export function batchTimeMs(batchId: string): number {
  if (!UUID_V7.test(batchId)) throw new RangeError(`${batchId} is not a UUIDv7 in lower case`);
  return Number.parseInt(batchId.slice(0, 8) + batchId.slice(9, 13), 16);
}

export function batchKey(batchId: string): string {
  return `${folderAt(batchTimeMs(batchId))}${batchId}.jsonl.gz`;
}

export function outcomeKey(batchId: string): string {
  return `${folderAt(batchTimeMs(batchId))}${batchId}.outcome.json`;
}

/** Sorts before the keys of all batches begun at this time or later, and behind all earlier ones. */
export function keyBefore(timeMs: number): string {
  const hex = timeMs.toString(16).padStart(12, "0");
  return `${folderAt(timeMs)}${hex.slice(0, 8)}-${hex.slice(8)}`;
}

function folderAt(timeMs: number): string {
  const time = new Date(timeMs).toISOString();
  return `${BATCH_PREFIX}dt=${time.slice(0, 10)}/hh=${time.slice(11, 13)}/`;
}

/** What lies under a key below BATCH_PREFIX; `unknown` may be of a newer format. */
export type BatchKeyReading =
  | { readonly kind: "batch" | "outcome"; readonly batchId: string }
  | { readonly kind: "unknown" };

export function readBatchKey(key: string): BatchKeyReading {
  const batchId = batchIdOf(key);
  if (batchId !== undefined) return { kind: "batch", batchId };
  const outcomeOf = OUTCOME_NAME.exec(key)?.[1];
  if (outcomeOf !== undefined && UUID_V7.test(outcomeOf) && outcomeKey(outcomeOf) === key)
    return { kind: "outcome", batchId: outcomeOf };
  return { kind: "unknown" };
}

/** The batch whose lines lie under `key`; undefined where it is no key of `batchKey`. */
export function batchIdOf(key: string): string | undefined {
  const batchId = BATCH_NAME.exec(key)?.[1];
  return batchId !== undefined && UUID_V7.test(batchId) && batchKey(batchId) === key ? batchId : undefined;
}

/**
 * @param lines texts of stored lines, without newlines; the number of a line is its position
 * @throws RangeError where there are none, or more than a batch may hold
 */
export function encodeBatch(lines: readonly string[]): Uint8Array {
  const text = Buffer.from(`${lines.join("\n")}\n`, "utf8");
  if (lines.length === 0 || lines.length > MAX_BATCH_LINES || text.byteLength > MAX_BATCH_BYTES)
    throw new RangeError(
      `a batch of ${lines.length} lines, ${text.byteLength} bytes; it holds 1 to ${MAX_BATCH_LINES} lines, ${MAX_BATCH_BYTES} bytes`,
    );
  return zip(text);
}

/** @throws AuditStorageError `storage-unavailable` where the bytes are not what `encodeBatch` makes */
export function decodeBatch(bytes: Uint8Array, batchId: string): readonly string[] {
  const text = unzipped(bytes, batchId);
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.length === 0) throw damaged(batchId, "it does not end with a whole line");
  if (lines.length > MAX_BATCH_LINES) throw damaged(batchId, `it holds ${lines.length} lines`);
  return lines;
}

function unzipped(bytes: Uint8Array, batchId: string): string {
  try {
    return unzipText(bytes, MAX_BATCH_BYTES);
  } catch (error) {
    throw damaged(batchId, "it is not gzip of UTF-8 text", error);
  }
}

function damaged(batchId: string, problem: string, cause?: unknown): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `batch object ${batchId} is damaged: ${problem}`, {
    cause,
    details: { batchId },
  });
}

/** What became of the lines of a batch; lines that are in neither list stand in other batches. */
export type BatchOutcome = Omit<BatchRecord, "unindexed">;

const OUTCOME_FORMAT = 1;
const LineNumbers = z.array(
  z
    .int()
    .min(0)
    .max(MAX_BATCH_LINES - 1),
);
const StoredOutcome = z.strictObject({
  format: z.literal(OUTCOME_FORMAT),
  batch: z.string().regex(UUID_V7),
  lines: z.int().min(1).max(MAX_BATCH_LINES),
  winners: LineNumbers,
  conflicts: LineNumbers,
});

/** The same bytes for the same outcome, whoever writes it. */
export function encodeOutcome({ batchId, lineCount, winners, conflicts }: BatchOutcome): Uint8Array {
  return Buffer.from(
    JSON.stringify({ format: OUTCOME_FORMAT, batch: batchId, lines: lineCount, winners, conflicts }),
    "utf8",
  );
}

/** @throws AuditStorageError `storage-unavailable` where the object is damaged or of a newer format */
export function decodeOutcome(bytes: Uint8Array, batchId: string): BatchOutcome {
  const parsed = StoredOutcome.safeParse(parsedJson(bytes, batchId));
  if (!parsed.success) throw unreadableOutcome(batchId, z.prettifyError(parsed.error));
  const { batch, lines, winners, conflicts } = parsed.data;
  const numbers = [...winners, ...conflicts];
  if (batch !== batchId) throw unreadableOutcome(batchId, `it is of batch ${batch}`);
  if (new Set(numbers).size !== numbers.length || numbers.some((line) => line >= lines))
    throw unreadableOutcome(batchId, "its line numbers repeat or pass the last line");
  return { batchId, lineCount: lines, winners, conflicts };
}

function parsedJson(bytes: Uint8Array, batchId: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw unreadableOutcome(batchId, "it is not JSON", error);
  }
}

function unreadableOutcome(batchId: string, problem: string, cause?: unknown): AuditStorageError {
  const message = `outcome object of batch ${batchId} is damaged or of a newer format: ${problem}`;
  return new AuditStorageError("storage-unavailable", message, { cause, details: { batchId } });
}
