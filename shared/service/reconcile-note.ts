/** How far the nightly comparison has come and what the last one found, kept as a note in the ledger. */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import type { Ledger } from "#service/ports.ts";
import { ChainPosition } from "#service/reconcile-chain.ts";
import { Problems, ReconcileCounts } from "#service/reconcile-tally.ts";

const NOTE = "reconcile";
const FORMAT = 1;
const Count = z.int().min(0);
/** RFC 3339 UTC, milliseconds. */
const Time = z.iso.datetime({ precision: 3 });

/** Both sides of the equation: of leaves, so many stand in rows, so many in segments. */
const Sides = z.object({ row_leaves: Count, segment_lines: Count });

/** What a finished comparison found. Members as in the note and on the wire. */
export const ReconcileReport = ReconcileCounts.extend(Sides.shape).extend({
  begun_at: Time,
  finished_at: Time,
  /** Leaves of the published log when it began. */
  log_size: Count,
  /** By how much rows or segments differ from it, the larger of both; 0 when all is well. */
  log_size_difference: Count,
  problems: Problems,
});
export type ReconcileReport = Readonly<z.infer<typeof ReconcileReport>>;

/** A comparison under way. */
const Run = z.object({
  begun_at: Time,
  log_size: Count,
  /** Ends of manifests that were not sound before and have not been looked at again. */
  again: z.array(Count),
  /** Whether names were compared. */
  is_chained: z.boolean(),
  /** Names that were compared so far; null where none were. */
  chain: ChainPosition.nullable().default(null),
  /** What manifests that are not sound add, which may change until the next night. */
  unsound: Sides,
  counts: ReconcileCounts,
  problems: Problems,
});
export type ReconcileRun = Readonly<z.infer<typeof Run>>;

const Note = z.object({
  format: z.literal(FORMAT),
  /** All leaves below were looked at once. */
  reached: Count,
  /** What manifests below it that are sound add. */
  sound: Sides,
  /** Ends of manifests below it that are not. */
  left: z.array(Count),
  run: Run.nullable(),
  last: ReconcileReport.nullable(),
});
export type ReconcileNote = Readonly<Omit<z.infer<typeof Note>, "format">>;

const NOTHING: ReconcileNote = {
  reached: 0,
  sound: { row_leaves: 0, segment_lines: 0 },
  left: [],
  run: null,
  last: null,
};

/** @throws AuditStorageError `storage-unavailable` where the ledger does, or a newer release has written the note */
export async function readReconcileNote(ledger: Pick<Ledger, "readNote">): Promise<ReconcileNote> {
  const text = await ledger.readNote(NOTE);
  if (text === undefined) return NOTHING;
  const parsed = Note.safeParse(parsedJson(text));
  if (parsed.success) return parsed.data;
  throw new AuditStorageError("storage-unavailable", `ledger note ${NOTE} is damaged or of a newer release`);
}

export async function writeReconcileNote(
  ledger: Pick<Ledger, "writeNote">,
  note: ReconcileNote,
): Promise<void> {
  await ledger.writeNote(NOTE, JSON.stringify({ format: FORMAT, ...note }));
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
