/** The total order of events: by instant, then by event id in UTF-16 code units. Every page and cursor rests on it. */
import { compareInstants } from "#lib/instant.ts";
import type { Position } from "#query/plan.ts";

/** Negative where `a` is earlier in ascending order, 0 only for the same place. */
export function comparePositions(a: Position, b: Position): number {
  const byInstant = compareInstants(a.instant, b.instant);
  if (byInstant !== 0 || a.eventId === b.eventId) return byInstant;
  return a.eventId < b.eventId ? -1 : 1;
}
