/** Waiting for something to become true, bounded: what `GET /events/{event_id}?wait=` and `POST /flush` rest on. */

/** Resolves after so many milliseconds, or at once when `signal` aborts; may fail with `closed` where the service stops. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export interface PollOptions {
  /** Longest time in all. */
  readonly waitMs: number;
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
const PAUSE_GROWTH = 1.5;

/** Asks with growing pauses until `isDone` says so or the time is up; answers the last thing it got. */
export async function pollUntil<T>(
  ask: () => Promise<T>,
  isDone: (answer: T) => boolean,
  { waitMs, monotonicMs, sleep }: PollOptions,
): Promise<T> {
  const deadline = monotonicMs() + waitMs;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const answer = await ask();
    const leftMs = deadline - monotonicMs();
    if (isDone(answer) || leftMs <= 0) return answer;
    await sleep(Math.min(pauseMs, leftMs));
    pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS);
  }
}

/** Answers `done` once `work` is settled, or `late` when the time is up; `work` goes on. Rejects as `work` does. */
export async function withDeadline(
  work: Promise<unknown>,
  waitMs: number,
  sleep: Sleep,
): Promise<"done" | "late"> {
  const settled = new AbortController();
  try {
    const late = sleep(waitMs, settled.signal).then(() => "late" as const);
    return await Promise.race([work.then(() => "done" as const), late]);
  } finally {
    settled.abort();
  }
}
