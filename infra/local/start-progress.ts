/** How far the start has come, on one line that is written over: only where it takes long enough for people to wonder. */
import type { RecoveryProgress } from "#adapters/file/log-survey.ts";

export interface StartProgressOptions {
  readonly nowMs: () => number;
  readonly write: (text: string) => void;
}

/** A start that is done sooner says nothing. */
const FIRST_AFTER_MS = 1000;
const INTERVAL_MS = 250;
const BYTES_PER_MB = 1024 * 1024;

export function createStartProgress({
  nowMs,
  write,
}: StartProgressOptions): (progress: RecoveryProgress) => void {
  let nextMs = nowMs() + FIRST_AFTER_MS;
  let isShown = false;
  return ({ bytesRead, bytesTotal, lines }) => {
    const isDone = bytesRead >= bytesTotal;
    const now = nowMs();
    if (isDone ? !isShown : now < nextMs) return;
    nextMs = now + INTERVAL_MS;
    isShown = !isDone;
    const percent = bytesTotal === 0 ? 100 : Math.floor((bytesRead * 100) / bytesTotal);
    const size = `${Math.round(bytesRead / BYTES_PER_MB)} of ${Math.round(bytesTotal / BYTES_PER_MB)} MiB`;
    write(`\rreading the log: ${percent} % (${size}, ${lines} events)${isDone ? "\n" : ""}`);
  };
}
