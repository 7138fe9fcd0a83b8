/**
 * How far a rebuild is: kept as a note in the ledger, so that one that was cut off goes on where it was. It counts only
 * for the very tables that it was written for; a table that was replaced meanwhile has everything still to come.
 */
import * as z from "zod";
import type { Ledger } from "#service/ports.ts";

/**
 * In this order: segments, whose lines are in the log; batches whose outcome the archive says; all others; what conflicts of
 * segments and of batches are noted on the events that came first, which may stand in later ones; the head of the log; done.
 */
export const PHASES = ["sealed", "settled", "open", "sealed-notes", "notes", "head", "done"] as const;
export type RebuildPhase = (typeof PHASES)[number];

export interface RebuildPosition {
  readonly phase: RebuildPhase;
  /** Key in the archive up to which the phase is through; "" at its begin. */
  readonly after: string;
}

const NOTE = "rebuild";
const FORMAT = 1;
const Note = z.object({
  format: z.literal(FORMAT),
  tables: z.array(z.string()),
  phase: z.enum(PHASES),
  after: z.string(),
});

/** Undefined where no rebuild of these tables was begun. */
export async function readPosition(
  ledger: Ledger,
  tableIds: readonly string[],
): Promise<RebuildPosition | undefined> {
  const parsed = Note.safeParse(parsedJson(await ledger.readNote(NOTE)));
  if (!parsed.success) return undefined;
  const { tables, phase, after } = parsed.data;
  const isOfThese = tables.length === tableIds.length && tables.every((id, index) => id === tableIds[index]);
  return isOfThese ? { phase, after } : undefined;
}

export async function writePosition(
  ledger: Ledger,
  tableIds: readonly string[],
  { phase, after }: RebuildPosition,
): Promise<void> {
  await ledger.writeNote(NOTE, JSON.stringify({ format: FORMAT, tables: tableIds, phase, after }));
}

function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
