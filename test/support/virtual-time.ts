// Time that passes only when a test or a wait says so: a wait of ten seconds takes no time at all.
import type { Clock } from "#service/ports.ts";
import type { Sleep } from "#service/waiting.ts";

export interface VirtualTime {
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  /** Passes the time and resolves, after whatever is already due. */
  readonly sleep: Sleep;
  readonly pass: (ms: number) => void;
}

const BEGINNING_MS = Date.parse("2026-03-01T12:00:00Z");

export function virtualTime(): VirtualTime {
  let passedMs = 0;
  const pass = (ms: number): void => {
    passedMs += ms;
  };
  const sleep: Sleep = async (ms, signal) => {
    await new Promise(setImmediate);
    if (signal?.aborted !== true) pass(ms);
  };
  return { clock: { nowMs: () => BEGINNING_MS + passedMs }, monotonicMs: () => passedMs, sleep, pass };
}
