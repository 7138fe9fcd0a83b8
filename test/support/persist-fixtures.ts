// What tests of persisting begin with: ports in memory, lines and batch ids of a virtual time.
import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { batchKey, encodeBatch } from "#service/batch-object.ts";
import type { Clock } from "#service/ports.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

export const CONFLICT_KEY = Buffer.alloc(32, 5);

export interface PersistParts {
  readonly archive: MemoryArchive;
  readonly table: MemoryEventTable;
  readonly ledger: MemoryLedger;
  readonly conflictKey: Uint8Array;
  /** A batch id of the clock's time, greater than all before. */
  readonly newBatchId: () => string;
  readonly clock: Clock;
  readonly pass: (ms: number) => void;
}

export function persistParts(): PersistParts {
  const { clock, pass } = virtualTime();
  const ids = createIdentifiers({ nowMs: clock.nowMs, fillRandom: (bytes) => bytes.fill(3) });
  return {
    archive: new MemoryArchive(),
    table: new MemoryEventTable(),
    ledger: new MemoryLedger(),
    conflictKey: CONFLICT_KEY,
    newBatchId: ids.newEventId,
    clock,
    pass,
  };
}

/** An event of the tenant "t". */
export function line(eventId: string, message = "first"): PreparedLine {
  return sampleLine({ tenant_id: "t", event_id: eventId, message });
}

/** A batch object as a consumer leaves it that is cut off behind it; answers its id. */
export async function leaveBatch(
  { archive, newBatchId }: PersistParts,
  lines: readonly PreparedLine[],
): Promise<string> {
  const batchId = newBatchId();
  await archive.putIfAbsent(batchKey(batchId), encodeBatch(lines.map(({ text }) => text)));
  return batchId;
}
