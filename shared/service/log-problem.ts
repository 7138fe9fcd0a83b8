/** Why nothing is sealed, where a human must look: noted in the ledger by the sealer that stopped, read by health. */
import * as z from "zod";
import type { Clock, Ledger } from "#service/ports.ts";

const NOTE = "log-problem";
const FORMAT = 1;
const Note = z.object({
  format: z.literal(FORMAT),
  /** RFC 3339 UTC, milliseconds: since when. */
  since: z.string(),
  problem: z.string().nullable(),
});

export type NoteLogProblem = (problem: string | undefined) => Promise<void>;

/** Notes a problem, or that there is none; writes only what is new. */
export function createLogProblemNote(
  ledger: Pick<Ledger, "readNote" | "writeNote">,
  { nowMs }: Clock,
): NoteLogProblem {
  return async (problem) => {
    if ((await readLogProblem(ledger))?.problem === problem) return;
    const since = new Date(nowMs()).toISOString();
    await ledger.writeNote(NOTE, JSON.stringify({ format: FORMAT, since, problem: problem ?? null }));
  };
}

export interface LogProblem {
  readonly since: string;
  readonly problem: string;
}

/** undefined where there is none, or where a newer release has written it. */
export async function readLogProblem(ledger: Pick<Ledger, "readNote">): Promise<LogProblem | undefined> {
  const text = await ledger.readNote(NOTE);
  const parsed = Note.safeParse(text === undefined ? undefined : parsedJson(text));
  if (!parsed.success || parsed.data.problem === null) return undefined;
  return { since: parsed.data.since, problem: parsed.data.problem };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
