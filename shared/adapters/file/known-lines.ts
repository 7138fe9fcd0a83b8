/**
 * Compares lines that were sent with those that are stored under their ids already. Stored lines are read in short
 * stretches that take turns with all other reading, and are let go at once: a small batch can name large events.
 */
import { performance } from "node:perf_hooks";
import { parseStoredLine } from "#adapters/file/indexed-line.ts";
import type { LogSet } from "#adapters/file/log-set.ts";
import type { ReadTurns } from "#adapters/file/read-turns.ts";
import { decodeLine } from "#event/stored-line.ts";

/** What is left of a line that was sent while the stored one is read. */
export interface KnownLine {
  /** In the call. */
  readonly place: number;
  readonly row: number;
  readonly contentHash: string;
}

/** `unreadable`: the id is taken, but by what can no longer be told. */
export type KnownVerdict = "same" | "other" | "unreadable";

const STRETCH_LINES = 256;
const STRETCH_MS = 10;

/** One verdict per line, in order. */
export async function compareKnown(
  known: readonly KnownLine[],
  { logs, turns }: { readonly logs: LogSet; readonly turns: ReadTurns },
): Promise<readonly KnownVerdict[]> {
  const verdicts: KnownVerdict[] = [];
  while (verdicts.length < known.length) {
    const stretch = known.slice(verdicts.length, verdicts.length + STRETCH_LINES);
    verdicts.push(...(await turns.run(() => compareStretch(stretch, logs))));
  }
  return verdicts;
}

/** Verdicts on the first lines of a stretch, one at least; the others could not be read in time. */
function compareStretch(stretch: readonly KnownLine[], logs: LogSet): KnownVerdict[] {
  const deadline = performance.now() + STRETCH_MS;
  const isOverdue = (): boolean => performance.now() > deadline;
  const texts = logs.read(
    stretch.map(({ row }) => row),
    isOverdue,
  );
  const verdicts: KnownVerdict[] = [];
  for (const { row, contentHash } of stretch) {
    if (!texts.has(row) || (verdicts.length > 0 && isOverdue())) break;
    verdicts.push(compare(texts.get(row), contentHash));
  }
  return verdicts;
}

function compare(text: string | undefined, contentHash: string): KnownVerdict {
  if (text === undefined || parseStoredLine(text) === undefined) return "unreadable";
  return decodeLine(text).contentHash === contentHash ? "same" : "other";
}
