/**
 * Lists batch objects in pieces. In a versioned bucket each batch that was sealed leaves a marker for a month, and a list goes
 * over all of them before it finds an object: over millions it takes minutes, and does not end before its time is up. Days
 * are listed one by one, and months and years where all markers are gone.
 */
import { BATCH_PREFIX, keyBefore } from "#service/batch-object.ts";
import type { Archive, ArchivedObject } from "#service/ports.ts";

export interface BatchSpan {
  /** Batches begun before are left out: milliseconds since 1970. */
  readonly fromMs: number;
  readonly nowMs: number;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** Listed in one piece, which is what is listed as a rule. */
const RECENT_MS = 2 * HOUR_MS;
/** Markers are gone after a month and some days: KEEP_OUTGROWN_DAYS of the bucket. */
const MARKED_MS = 45 * DAY_MS;
/** No batch is older. */
const FIRST_MS = Date.UTC(2020, 0, 1);

/** In the order of their keys; what lies beside the folders of days is found only behind them. */
export async function* listBatchObjects(
  archive: Pick<Archive, "list">,
  { fromMs, nowMs }: BatchSpan,
): AsyncGenerator<ArchivedObject> {
  const recentMs = dayOf(Math.max(0, nowMs - RECENT_MS));
  const after = keyBefore(Math.max(0, fromMs));
  for (const folder of foldersOf({ fromMs, nowMs }, recentMs)) yield* archive.list(folder, after);
  yield* archive.list(BATCH_PREFIX, keyBefore(Math.max(0, fromMs, recentMs)));
}

/** Prefixes that hold all batches of whole days before `untilMs`: of years, months and days, as large as may be. */
function* foldersOf({ fromMs, nowMs }: BatchSpan, untilMs: number): Generator<string> {
  const unmarkedMs = Math.min(untilMs, nowMs - MARKED_MS);
  for (let atMs = dayOf(Math.max(FIRST_MS, fromMs)); atMs < untilMs; ) {
    const [year, month] = [new Date(atMs).getUTCFullYear(), new Date(atMs).getUTCMonth()];
    const date = new Date(atMs).toISOString().slice(0, "2026-03-01".length);
    const [yearEndMs, monthEndMs] = [Date.UTC(year + 1, 0, 1), Date.UTC(year, month + 1, 1)];
    if (date.endsWith("-01-01") && yearEndMs <= unmarkedMs) {
      yield `${BATCH_PREFIX}dt=${date.slice(0, "2026-".length)}`;
      atMs = yearEndMs;
    } else if (date.endsWith("-01") && monthEndMs <= unmarkedMs) {
      yield `${BATCH_PREFIX}dt=${date.slice(0, "2026-03-".length)}`;
      atMs = monthEndMs;
    } else {
      yield `${BATCH_PREFIX}dt=${date}/`;
      atMs += DAY_MS;
    }
  }
}

function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}
