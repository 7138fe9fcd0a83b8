/**
 * What is accepted and not where it belongs, found by looking at every place and not by counters that could drift: dead
 * letters, quarantined entries, messages that nobody takes, batches without a row, batches without leaves. Taken every few
 * minutes and noted in the ledger, where health reads it.
 */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import type { BatchSurvey, SurveyBatches } from "#service/inventory-batches.ts";
import { writeOrphans } from "#service/janitor-orphans.ts";
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
  /** Messages that waited for more than 5 minutes; null where the queues do not tell, absent where nobody asked them. */
  late_messages: Count.nullable().optional(),
  /** Events of batches that no seal has covered after 3 minutes; so too the next two. Absent where nothing seals. */
  late_events: Count.optional(),
  /** Events of batches whose pending pointer was lost; each batch has one again. */
  unpointed_events: Count.optional(),
  /** Batches whose pending pointer has no row. */
  lost_rows: Count.optional(),
  /** Batch objects that outlived their sealing, which is no loss; at most 100. */
  orphans: Count.optional(),
  /** Whether there were more batch objects or pointers than were looked at: all of these are lower bounds then. */
  is_at_least: z.boolean().optional(),
  /** The sum; a message counts as one, and a batch without a row. 0 when all is well. */
  unaccounted_events: Count.nullable(),
});
export type Inventory = Readonly<z.infer<typeof Inventory>>;

export interface InventoryDeps {
  readonly ledger: Ledger;
  readonly archive: Archive;
  readonly clock: Clock;
  /** Messages in both dead-letter queues. */
  readonly countDeadLetters: () => Promise<number>;
  /** Looks at batches on their way into the log; absent where nothing seals. */
  readonly survey?: SurveyBatches | undefined;
  /** Messages in the queues that waited for more than 5 minutes; undefined where that cannot be told now. */
  readonly countLateMessages?: (() => Promise<number | undefined>) | undefined;
}

/**
 * Takes the inventory and notes it.
 * @param finished batches that the janitor has just finished, which cannot be sealed yet
 */
export type TakeInventory = (
  unregisteredBatches: number | null,
  finished?: readonly string[],
) => Promise<Inventory>;

/** The function throws AuditStorageError `storage-unavailable` (retryable). */
export function createInventory(deps: InventoryDeps): TakeInventory {
  const { ledger, archive, clock, countDeadLetters, survey, countLateMessages } = deps;
  return async (unregisteredBatches, finished) => {
    const [deadLetters, quarantined, lateMessages, surveyed] = await Promise.all([
      countDeadLetters(),
      countQuarantined(archive),
      countLateMessages?.(),
      survey?.(finished),
    ]);
    const late = countLateMessages === undefined ? 0 : (lateMessages ?? null);
    const inBatches = surveyed === undefined ? {} : batchCounts(surveyed);
    const {
      late_events: lateEvents = 0,
      unpointed_events: unpointed = 0,
      lost_rows: lostRows = 0,
    } = inBatches;
    const inventory: Inventory = {
      format: 1,
      taken_at: new Date(clock.nowMs()).toISOString(),
      dead_letters: deadLetters,
      quarantined,
      unregistered_batches: unregisteredBatches,
      ...(countLateMessages !== undefined && { late_messages: late }),
      ...inBatches,
      unaccounted_events:
        unregisteredBatches === null || late === null
          ? null
          : deadLetters + quarantined + unregisteredBatches + late + lateEvents + unpointed + lostRows,
    };
    if (surveyed !== undefined) await writeOrphans(ledger, surveyed.orphans);
    await ledger.writeNote(NOTE, JSON.stringify(inventory));
    return inventory;
  };
}

type BatchCounts = Pick<
  Inventory,
  "late_events" | "unpointed_events" | "lost_rows" | "orphans" | "is_at_least"
>;

function batchCounts(survey: BatchSurvey): BatchCounts {
  return {
    late_events: survey.lateEvents,
    unpointed_events: survey.repointedEvents,
    lost_rows: survey.lostRows.length,
    orphans: survey.orphans.length,
    ...(!survey.isComplete && { is_at_least: true }),
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
