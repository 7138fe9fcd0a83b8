/**
 * What is accepted and not where it belongs, found by looking at every place and not by counters that could drift:
 * dead letters, quarantined entries, batches without a row. Taken every few minutes and noted in the ledger, where
 * health reads it.
 */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import type { Archive, Clock, Ledger } from "#service/ports.ts";
import { QUARANTINE_PREFIX } from "#service/quarantine.ts";

const NOTE = "inventory";
/** More is as alarming: 20 calls to the archive count so many. */
const MAX_COUNTED = 20_000;

const Count = z.int().min(0);

/** Members as in the note. A count is null while it cannot be told. */
export const Inventory = z.object({
  format: z.literal(1),
  /** RFC 3339 UTC, milliseconds. */
  taken_at: z.string(),
  /** Messages, of which each may hold many events. */
  dead_letters: Count,
  /** At most 20,000. */
  quarantined: Count,
  /** Batches that were overdue when they were found. */
  unregistered_batches: Count.nullable(),
  /** The sum; a message or batch counts as one. 0 when all is well. */
  unaccounted_events: Count.nullable(),
});
export type Inventory = Readonly<z.infer<typeof Inventory>>;

export interface InventoryDeps {
  readonly ledger: Ledger;
  readonly archive: Archive;
  readonly clock: Clock;
  /** Messages in both dead-letter queues. */
  readonly countDeadLetters: () => Promise<number>;
}

/** Takes the inventory and notes it. */
export type TakeInventory = (unregisteredBatches: number | null) => Promise<Inventory>;

/** The function throws AuditStorageError `storage-unavailable` (retryable). */
export function createInventory({ ledger, archive, clock, countDeadLetters }: InventoryDeps): TakeInventory {
  return async (unregisteredBatches) => {
    const [deadLetters, quarantined] = await Promise.all([countDeadLetters(), countQuarantined(archive)]);
    const inventory: Inventory = {
      format: 1,
      taken_at: new Date(clock.nowMs()).toISOString(),
      dead_letters: deadLetters,
      quarantined,
      unregistered_batches: unregisteredBatches,
      unaccounted_events:
        unregisteredBatches === null ? null : deadLetters + quarantined + unregisteredBatches,
    };
    await ledger.writeNote(NOTE, JSON.stringify(inventory));
    return inventory;
  };
}

/**
 * The last inventory; undefined before the first.
 * @throws AuditStorageError `storage-unavailable` where the ledger does, or its note is not of this format
 */
export async function readInventory(ledger: Pick<Ledger, "readNote">): Promise<Inventory | undefined> {
  const text = await ledger.readNote(NOTE);
  if (text === undefined) return undefined;
  const parsed = Inventory.safeParse(parsedJson(text));
  if (parsed.success) return parsed.data;
  throw new AuditStorageError("storage-unavailable", `ledger note ${NOTE} is damaged or of a newer release`);
}

async function countQuarantined(archive: Archive): Promise<number> {
  let count = 0;
  for await (const _ of archive.list(QUARANTINE_PREFIX)) if (++count === MAX_COUNTED) break;
  return count;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
