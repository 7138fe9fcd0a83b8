/**
 * Counts matches from the indexes alone where they answer every filter, else by reading the lines, few at once. Exact, or
 * null where that would take more than 20,000 entries, 10,000 lines or 8 s.
 */
import { BodyReader } from "#adapters/aws/dynamo-page-bodies.ts";
import type { IndexEntry } from "#adapters/aws/dynamo-page-lanes.ts";
import { LaneMerge } from "#adapters/aws/dynamo-page-lanes.ts";
import type { PageSource } from "#adapters/aws/dynamo-page.ts";
import { readFoundLine } from "#adapters/aws/event-item.ts";
import { compileFacetTest, filtersLeft } from "#adapters/aws/event-item-facets.ts";
import { readEvent } from "#event/stored-line.ts";
import { compileFilter } from "#query/filter.ts";
import type { QueryPlan } from "#query/plan.ts";
import type { LineCount } from "#service/ports.ts";

const MAX_ENTRIES = 20_000;
/** As many as matches are counted: where each line is a match, the count is exact as far as anybody asks. */
const MAX_LINES = 10_000;
/** With the page before it (5 s), well within the 29 s that an answer has. */
const MAX_COUNT_MS = 8_000;
/** Entries asked of each lane at once: about a third of the 1 MB that a query answers at most. */
const SHARE = 2_000;

export async function countMatches(
  plan: QueryPlan,
  maxMatches: number,
  source: PageSource,
): Promise<LineCount> {
  const merge = new LaneMerge({ ...source, plan: { ...plan, after: undefined }, maxEntries: MAX_ENTRIES });
  const bodies = new BodyReader(source);
  const mayMatch = compileFacetTest(plan.filter);
  const isMatch = compileFilter(plan.filter);
  const isDecidedByIndex = filtersLeft(plan.residual).length === 0;
  const deadlineMs = source.timing.monotonicMs() + MAX_COUNT_MS;
  const isLate = (): boolean => source.timing.monotonicMs() >= deadlineMs;
  let bytes = 0;
  let matches = 0;

  /** Whether all were looked at within the budget. */
  const countLines = async (entries: readonly IndexEntry[]): Promise<boolean> => {
    for (let from = 0; from < entries.length; ) {
      const wave = entries.slice(from, from + Math.min(bodies.waveSize, MAX_LINES - bodies.lines));
      if (wave.length === 0 || matches > maxMatches || isLate()) return false;
      from += wave.length;
      for (const item of (await bodies.read(wave)).values()) {
        const { text } = readFoundLine(item);
        bytes += Buffer.byteLength(text);
        if (isMatch(readEvent(text))) matches++;
      }
    }
    return true;
  };

  let isExact = true;
  while (isExact && !merge.isAtEnd) {
    if (merge.isSpent || isLate()) isExact = false;
    else {
      await merge.fill(SHARE);
      const entries = merge.takeAll().filter(({ facets }) => mayMatch(facets));
      if (isDecidedByIndex) matches += entries.length;
      else isExact = await countLines(entries);
      if (matches > maxMatches) isExact = false;
    }
  }
  return {
    matches: isExact ? matches : null,
    cost: {
      entries: merge.entries,
      lines: bodies.lines,
      bytes,
      units: merge.units + bodies.units,
      roundTrips: merge.roundTrips + bodies.roundTrips,
    },
  };
}
