/** How far the janitor has come, kept as a note in the ledger. */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import type { Ledger } from "#service/ports.ts";

export interface JanitorNote {
  /** All batches begun before it are complete, but for those that are left. */
  readonly completeBeforeMs: number;
  /** Keys of objects that time will not heal, in the order in which they were met. */
  readonly left: readonly string[];
}

const NOTE = "janitor";
const FORMAT = 1;
const Note = z.object({
  format: z.literal(FORMAT),
  complete_before_ms: z.int().min(0),
  left: z.array(z.string()).default([]),
});

/** @throws AuditStorageError `storage-unavailable` where the ledger does, or a newer release has written the note */
export async function readNote(ledger: Ledger): Promise<JanitorNote> {
  const text = await ledger.readNote(NOTE);
  if (text === undefined) return { completeBeforeMs: 0, left: [] };
  const parsed = Note.safeParse(parsedJson(text));
  if (parsed.success) return { completeBeforeMs: parsed.data.complete_before_ms, left: parsed.data.left };
  throw new AuditStorageError("storage-unavailable", `ledger note ${NOTE} is damaged or of a newer release`);
}

/** Writes the note where it says something else than the one before. */
export async function writeNote(ledger: Ledger, note: JanitorNote, before: JanitorNote): Promise<void> {
  if (noteText(note) !== noteText(before)) await ledger.writeNote(NOTE, noteText(note));
}

function noteText({ completeBeforeMs, left }: JanitorNote): string {
  return JSON.stringify({ format: FORMAT, complete_before_ms: completeBeforeMs, left });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
