// Batch ids and entries for the contract suites of archive, table and ledger, fresh for each test, so that a suite can
// run against one that already holds other batches.
import { randomBytes } from "node:crypto";

import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { TableEntry } from "#service/ports.ts";

export const BATCH_TIME_MS = Date.parse("2026-03-01T12:00:00.000Z");

/** A UUIDv7 that no other test uses; later calls with the same time give greater ones only by chance. */
export function freshBatchId(timeMs: number = BATCH_TIME_MS): string {
  const fillRandom = (bytes: Buffer): unknown => randomBytes(bytes.length).copy(bytes);
  return createIdentifiers({ nowMs: () => timeMs, fillRandom }).newEventId();
}

/** Lines as the entries of one batch, under the ids of their events. */
export function entriesOf(
  lines: readonly PreparedLine[],
  batchId: string = freshBatchId(),
): readonly TableEntry[] {
  return lines.map((prepared, line) => ({ batchId, line, eventId: prepared.event.event_id, prepared }));
}
