/**
 * How far an import is: a bar that is redrawn on a terminal, a plain line every few seconds elsewhere, on standard
 * error. Lines that are to stay are written through it, so that they do not tear the bar.
 */
import type { Output } from "#cli/context.ts";
import { formatCount } from "#cli/terminal-text.ts";

export interface ProgressState {
  readonly readBytes: number;
  readonly totalBytes: number;
  /** Events whose fate is known. */
  readonly events: number;
  readonly refused: number;
}

export interface Progress {
  /** Draws when it is time to. */
  readonly update: (state: ProgressState) => Promise<void>;
  /** Writes a line that stays. */
  readonly log: (line: string) => Promise<void>;
  /** Takes the bar away. */
  readonly finish: () => Promise<void>;
}

const REDRAW_MS = 100;
const LINE_MS = 5000;
const BAR_WIDTH = 24;
const CLEAR_LINE = "\r\u001b[2K";

export function createProgress({ write, isTty, columns }: Output, nowMs: () => number): Progress {
  const startedMs = nowMs();
  let drawnMs = isTty ? 0 : startedMs;
  let isDrawn = false;

  const clear = async (): Promise<void> => {
    if (isDrawn) await write(CLEAR_LINE);
    isDrawn = false;
  };

  return {
    update: async (state) => {
      const now = nowMs();
      if (now - drawnMs < (isTty ? REDRAW_MS : LINE_MS)) return;
      drawnMs = now;
      const text = describe(state, now - startedMs);
      if (!isTty) return write(`${text}\n`);
      isDrawn = true;
      return write(`${CLEAR_LINE}${`${bar(share(state))} ${text}`.slice(0, (columns ?? 80) - 1)}`);
    },
    log: async (line) => {
      await clear();
      await write(`${line}\n`);
    },
    finish: clear,
  };
}

function share({ readBytes, totalBytes }: ProgressState): number {
  return totalBytes === 0 ? 1 : Math.min(1, readBytes / totalBytes);
}

function bar(done: number): string {
  const full = Math.round(done * BAR_WIDTH);
  return `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}]`;
}

function describe(state: ProgressState, elapsedMs: number): string {
  const percent = Math.floor(share(state) * 100);
  const rate = elapsedMs > 0 ? Math.round((state.events * 1000) / elapsedMs) : 0;
  const refused = state.refused > 0 ? `, ${formatCount(state.refused)} refused` : "";
  return `${percent} %, ${formatCount(state.events)} events, ${formatCount(rate)}/s${refused}`;
}
