/**
 * Answers a plan from index and files within the read budget: 20,000 lines or 25 ms of work a page, whichever is
 * first. The work is one synchronous stretch, so a page sees one moment of the log; stretches take turns, so writers
 * wait for one at most.
 */
import { performance } from "node:perf_hooks";
import { IndexScan } from "#adapters/file/index-scan.ts";
import { CHUNK_ROWS } from "#adapters/file/index-chunk.ts";
import type { LineIndex } from "#adapters/file/line-index.ts";
import { parseStoredLine } from "#adapters/file/indexed-line.ts";
import { createPrefilter } from "#adapters/file/line-prefilter.ts";
import type { LogSet } from "#adapters/file/log-set.ts";
import type { ReadTurns } from "#adapters/file/read-turns.ts";
import { compileFilter } from "#query/filter.ts";
import type { EventFilter, Position, QueryPlan } from "#query/plan.ts";
import type { FoundLine, LineCount, LinePage, ReadCost } from "#service/ports.ts";

const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const BUDGET_LINES = 20_000;
const BUDGET_MS = 25;
/** Index entries walked between two looks at the clock. */
const ENTRIES_PER_LOOK = 2000;
/** Bytes of lines that are checked between two: a line can be 256 KiB, and then takes a millisecond. */
const BYTES_PER_LOOK = 1024 * 1024;
/** Candidates whose lines are read together. */
const MIN_CANDIDATES = 32;
const MAX_CANDIDATES = 256;
/** A count goes on for so many budgets, one a turn, before it gives up. */
const COUNT_BUDGETS = 40;

export interface PageReaderDependencies {
  readonly index: LineIndex;
  readonly logs: LogSet;
  readonly turns: ReadTurns;
  /** Told of every row whose line cannot be read back. */
  readonly onDamage: (row: number) => void;
}

/** What a walk over a plan's matches meets. */
interface Walk {
  readonly scan: IndexScan;
  readonly cost: { entries: number; lines: number; bytes: number };
  /** Whether the walk ended because nothing is left. */
  isComplete: boolean;
  /** The row up to which everything has been looked at. */
  lastRow: number;
}

export interface PageReader {
  readonly page: (plan: QueryPlan) => Promise<LinePage>;
  readonly count: (plan: QueryPlan, maxMatches: number) => Promise<LineCount>;
}

export function createPageReader({ index, logs, turns, onDamage }: PageReaderDependencies): PageReader {
  /** Hands each match to `onMatch` in order until it answers false, nothing is left, or the budget is used up. */
  const walk = (plan: QueryPlan, wanted: () => number, onMatch: (text: string) => boolean): Walk => {
    const scan = new IndexScan(index, plan);
    const result: Walk = { scan, cost: { entries: 0, lines: 0, bytes: 0 }, isComplete: false, lastRow: -1 };
    const matches = lineMatcher(plan.filter);
    const deadline = performance.now() + BUDGET_MS;
    const isOverdue = (): boolean => performance.now() > deadline;
    let lookAtBytes = BYTES_PER_LOOK;
    for (;;) {
      const rows: number[] = [];
      const capacity = Math.min(MAX_CANDIDATES, Math.max(MIN_CANDIDATES, wanted()));
      let isSpent = false;
      while (rows.length < capacity) {
        const row = scan.next(ENTRIES_PER_LOOK);
        if (row !== -1) rows.push(row);
        else if (scan.isAtEnd) break;
        else if (isOverdue()) {
          isSpent = true;
          break;
        }
      }
      const lines = logs.read(rows, isOverdue);
      for (const row of rows) {
        if (!lines.has(row)) return finish(result, false);
        const text = lines.get(row);
        result.cost.lines++;
        if (text === undefined) onDamage(row);
        else {
          result.cost.bytes += Buffer.byteLength(text);
          const verdict = matches(text);
          if (verdict === "damaged") onDamage(row);
          else if (verdict === "match" && !onMatch(text)) return finish(result, false);
        }
        result.lastRow = row;
        if (result.cost.bytes >= lookAtBytes) {
          if (isOverdue()) return finish(result, false);
          lookAtBytes = result.cost.bytes + BYTES_PER_LOOK;
        }
      }
      if (isSpent) result.lastRow = scan.lastRow;
      if (!isSpent && rows.length < capacity) return finish(result, true);
      if (isSpent || isOverdue() || result.cost.lines >= BUDGET_LINES) return finish(result, false);
    }
  };

  const positionOf = (row: number): Position | undefined => {
    if (row < 0) return undefined;
    const chunk = index.chunkOf(row);
    const local = row % CHUNK_ROWS;
    const instant = { seconds: chunk.seconds[local] ?? 0, nanos: chunk.nanos[local] ?? 0 };
    return { instant, eventId: chunk.eventId(local) };
  };

  /**
   * Passes over the first matches by the index alone, where that is exact: tenant, time, level and category are kept
   * as they are, everything else as hashes. Answers how many, and where the plan goes on.
   */
  const passOver = (plan: QueryPlan): { readonly passed: number; readonly rest: QueryPlan } => {
    const { levels: _levels, categories: _categories, ...others } = plan.filter;
    if (plan.skip === 0 || hasFilter(others)) return { passed: 0, rest: plan };
    const scan = new IndexScan(index, plan);
    const deadline = performance.now() + BUDGET_MS;
    let passed = 0;
    let lastRow = -1;
    while (passed < plan.skip) {
      const row = scan.next(ENTRIES_PER_LOOK);
      if (row === -1 && (scan.isAtEnd || performance.now() > deadline)) break;
      if (row === -1) continue;
      passed++;
      lastRow = row;
    }
    return { passed, rest: { ...plan, skip: plan.skip - passed, after: positionOf(lastRow) ?? plan.after } };
  };

  const pageNow = (wholePlan: QueryPlan): LinePage => {
    const { passed, rest: plan } = passOver(wholePlan);
    const lines: FoundLine[] = [];
    let bytes = 0;
    let skipped = 0;
    const result = walk(
      plan,
      () => plan.limit + 1 - lines.length + plan.skip - skipped,
      (text) => {
        if (skipped < plan.skip) {
          skipped++;
          return true;
        }
        if (lines.length === plan.limit) return false;
        const size = Buffer.byteLength(text);
        if (lines.length > 0 && bytes + size > MAX_PAGE_BYTES) return false;
        bytes += size;
        lines.push({ text });
        return true;
      },
    );
    const next = result.isComplete ? undefined : (positionOf(result.lastRow) ?? plan.after);
    return { lines, next, skipped: passed + skipped, cost: result.cost };
  };

  const count: PageReader["count"] = async (plan, maxMatches) => {
    if (!hasFilter(plan.filter) && plan.from === undefined && plan.to === undefined) {
      const events = index.eventsOf(plan.tenantId);
      return { matches: events > maxMatches ? null : events, cost: { entries: 0, lines: 0, bytes: 0 } };
    }
    const cost = { entries: 0, lines: 0, bytes: 0 };
    let matches = 0;
    let after: Position | undefined;
    for (let budget = 0; budget < COUNT_BUDGETS; budget++) {
      const part: QueryPlan = { ...plan, after, skip: 0 };
      const result = await turns.run(() =>
        walk(
          part,
          () => MAX_CANDIDATES,
          () => ++matches <= maxMatches,
        ),
      );
      addCost(cost, result.cost);
      if (matches > maxMatches) break;
      if (result.isComplete) return { matches, cost };
      after = positionOf(result.lastRow) ?? after;
    }
    return { matches: null, cost };
  };

  return { page: (plan) => turns.run(() => pageNow(plan)), count };
}

function finish(walk: Walk, isComplete: boolean): Walk {
  walk.cost.entries = walk.scan.entries;
  walk.isComplete = isComplete;
  return walk;
}

function hasFilter(filter: EventFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

type Verdict = "match" | "no match" | "damaged";

/** Judges lines; one that is not JSON any more is damaged, and is never answered. */
function lineMatcher(filter: EventFilter): (text: string) => Verdict {
  const mayMatch = createPrefilter(filter);
  const matches = compileFilter(filter);
  return (text) => {
    if (!mayMatch(text)) return "no match";
    const event = parseStoredLine(text);
    if (event === undefined) return "damaged";
    return matches(event) ? "match" : "no match";
  };
}

function addCost(total: { -readonly [Member in keyof ReadCost]: ReadCost[Member] }, part: ReadCost): void {
  total.entries += part.entries;
  total.lines += part.lines;
  total.bytes += part.bytes;
}
