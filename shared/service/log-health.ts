/**
 * How sealing stands, as health reports it. A log that is behind, or stands still, is `degraded` and never worse: events
 * are taken and kept all the same, and get their leaves later.
 */
import type { Clock, StoreHealth } from "#service/ports.ts";

export interface LogFacts {
  /** Name of the log; undefined before it was founded. */
  readonly origin: string | undefined;
  /** Leaves. */
  readonly size: number;
  /** When its newest checkpoint was made: milliseconds since 1970. */
  readonly publishedAtMs: number | undefined;
  /** Events without a leaf. */
  readonly unsealed: number;
  /** Whether there are more than were counted. */
  readonly isMoreUnsealed?: boolean;
  /** When the oldest of them was accepted, as far as known: milliseconds since 1970. */
  readonly oldestUnsealedMs: number | undefined;
  /** What keeps it from growing, for a human. */
  readonly problems: readonly string[];
}

/** Sealing covers an event within a minute; three are a failure. */
export const SEAL_OVERDUE_MS = 3 * 60_000;

export function logHealth(facts: LogFacts, { nowMs }: Clock): StoreHealth {
  const { origin, size, publishedAtMs, unsealed, isMoreUnsealed = false, oldestUnsealedMs } = facts;
  const oldestMs = oldestUnsealedMs === undefined ? undefined : Math.max(0, nowMs() - oldestUnsealedMs);
  const isOverdue = oldestMs !== undefined && oldestMs > SEAL_OVERDUE_MS;
  const late = isOverdue ? [`the oldest event without a leaf has waited for ${seconds(oldestMs)} s`] : [];
  const problems = [...facts.problems, ...late];
  return {
    status: problems.length === 0 ? "healthy" : "degraded",
    problems,
    details: {
      size,
      published_at: publishedAtMs === undefined ? null : new Date(publishedAtMs).toISOString(),
      unsealed,
      ...(isMoreUnsealed && { unsealed_at_least: true }),
      oldest_unsealed_s: oldestMs === undefined ? null : seconds(oldestMs),
      origin: origin ?? null,
    },
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
