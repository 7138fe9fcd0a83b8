/**
 * Finishes batches: what a consumer does last with its own, what it does with one that another began and left, and what
 * the janitor does with those that nobody came back to. Any number of processes may finish the same batch at once, since
 * all find the same outcome. A batch that has its row is complete: each of its lines stands where the row says, or in
 * another batch.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import { readStoredLine } from "#event/read-line.ts";
import { assertNever } from "#lib/assert-never.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { batchKey, decodeBatch, encodeOutcome, outcomeKey } from "#service/batch-object.ts";
import type { Placement } from "#service/place-lines.ts";
import { placeLines } from "#service/place-lines.ts";
import type { Archive, EventTable, Ledger, LinePlace } from "#service/ports.ts";

export interface CompleteDeps {
  readonly archive: Archive;
  readonly table: EventTable;
  readonly ledger: Ledger;
  /** Secret bytes of the deployment, from which the ids of conflicts are derived. */
  readonly conflictKey: Uint8Array;
}

/** Places all lines of a batch and writes its row. */
export type CompleteBatch = (batchId: string) => Promise<void>;

/**
 * The function throws AuditStorageError `storage-unavailable`: retryable where a port said so; not where the batch object
 * is missing, damaged or of a newer release.
 */
export function createCompleteBatch(deps: CompleteDeps): CompleteBatch {
  return async (batchId) => {
    const object = await deps.archive.get(batchKey(batchId));
    // Others may have finished it since its row was missed; once its lines are in the log its object is gone.
    if (object === undefined && (await deps.ledger.find(batchId)) !== undefined) return;
    const lines = preparedLines(object, batchId);
    const placement = await placeLines(deps, batchId, lines);
    await recordBatch(deps, { batchId, lineCount: lines.length, placement });
  };
}

/** @throws AuditStorageError `storage-unavailable` where the batch cannot be read, or not by this release */
export async function readBatch(archive: Archive, batchId: string): Promise<readonly PreparedLine[]> {
  return preparedLines(await archive.get(batchKey(batchId)), batchId);
}

/**
 * @param bytes of the batch object; undefined where there is none
 * @throws AuditStorageError `storage-unavailable` where the batch cannot be read, or not by this release
 */
export function preparedLines(bytes: Uint8Array | undefined, batchId: string): readonly PreparedLine[] {
  if (bytes === undefined) throw unreadable(batchId, "is missing from the archive");
  return decodeBatch(bytes, batchId).map((text, line) => preparedLine(text, { batchId, line }));
}

/** @throws AuditStorageError `storage-unavailable` where the line cannot be read, or not by this release */
export function preparedLine(text: string, { batchId, line }: LinePlace): PreparedLine {
  const read = readStoredLine(text);
  switch (read.kind) {
    case "line":
      return read.line;
    case "newer":
      throw unreadable(batchId, `is of a newer release: line ${line} has format version ${read.version}`);
    case "damaged":
      throw unreadable(batchId, `is damaged: line ${line} ${read.reason}`);
    default:
      return assertNever(read);
  }
}

export interface PlacedBatch {
  readonly batchId: string;
  readonly lineCount: number;
  readonly placement: Placement;
}

/**
 * Writes the row of a batch whose lines all have their places, and before it, where not all of them won, the object that
 * says so, from which the row can be restored.
 */
export async function recordBatch(
  { archive, ledger }: Pick<CompleteDeps, "archive" | "ledger">,
  { batchId, lineCount, placement }: PlacedBatch,
): Promise<void> {
  const { winners, conflicts, unindexed } = placement;
  const outcome = { batchId, lineCount, winners, conflicts };
  if (winners.length < lineCount) await putSame(archive, outcomeKey(batchId), encodeOutcome(outcome));
  await ledger.register({ ...outcome, unindexed });
}

/**
 * Stores an object that others may have stored already, with the same bytes and no others.
 * @throws AuditStorageError `storage-unavailable` where other bytes are stored under the key; retryable where the object went
 *   away meanwhile, as it does when its batch is sealed
 */
export async function putSame(archive: Archive, key: string, bytes: Uint8Array): Promise<void> {
  if ((await archive.putIfAbsent(key, bytes)) === "created") return;
  const stored = await archive.get(key);
  if (stored !== undefined && Buffer.compare(stored, bytes) === 0) return;
  const retryable = stored === undefined;
  const message = retryable
    ? `object ${key} was stored already, and is gone`
    : `object ${key} is stored already, with other content`;
  throw new AuditStorageError("storage-unavailable", message, { details: { key }, retryable });
}

function unreadable(batchId: string, problem: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `batch object ${batchId} ${problem}`, {
    details: { batchId },
  });
}
