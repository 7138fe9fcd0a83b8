// The ports kept by the plainest means: an array, searched in full and sorted for every page. Correct by being naive,
// it is the oracle of property tests and the store of tests that need no disk.
import type { PreparedLine } from "#event/prepare-event.ts";
import { decodeLine, readEvent } from "#event/stored-line.ts";
import { compareInstants } from "#lib/instant.ts";
import { compileFilter } from "#query/filter.ts";
import { comparePositions } from "#query/order.ts";
import type { Position, QueryPlan } from "#query/plan.ts";
import type {
  EventKey,
  EventQueue,
  EventStore,
  FoundLine,
  LineCount,
  LinePage,
  ReadCost,
  SendOutcome,
  StoreHealth,
} from "#service/ports.ts";

const MAX_PAGE_BYTES = 4 * 1024 * 1024;

interface StoredLine extends Position {
  readonly tenantId: string;
  readonly text: string;
}

export class MemoryStore implements EventQueue, EventStore {
  readonly lines: StoredLine[] = [];
  /** Lines that a page may look at. */
  readonly maxReads: number;
  health: StoreHealth = { status: "healthy", problems: [], details: { type: "memory" } };

  constructor({ maxReads = Number.POSITIVE_INFINITY }: { readonly maxReads?: number } = {}) {
    this.maxReads = maxReads;
  }

  async send(lines: readonly PreparedLine[]): Promise<readonly SendOutcome[]> {
    return lines.map((line) => {
      const { tenant_id: tenantId, event_id: eventId } = line.event;
      const stored = this.find({ tenantId, eventId });
      if (stored === undefined) {
        this.lines.push({ tenantId, eventId, instant: line.instant, text: line.text });
        return { kind: "accepted" };
      }
      const isSame = decodeLine(stored.text).contentHash === line.contentHash;
      return isSame ? { kind: "duplicate", readLine: async () => stored.text } : { kind: "conflict" };
    });
  }

  async get(key: EventKey): Promise<FoundLine | undefined> {
    const line = this.find(key);
    return line && { text: line.text };
  }

  async page(plan: QueryPlan): Promise<LinePage> {
    const inOrder = this.candidates(plan).filter((line) => isBehind(line, plan));
    const matches = compileFilter(plan.filter);
    const found: FoundLine[] = [];
    let skipped = 0;
    let reads = 0;
    let bytes = 0;
    let last: StoredLine | undefined;
    for (const line of inOrder) {
      const isFull = found.length === plan.limit || reads === this.maxReads;
      const isTooLarge = found.length > 0 && bytes + Buffer.byteLength(line.text) > MAX_PAGE_BYTES;
      if (isFull || isTooLarge) return { lines: found, next: last, skipped, cost: costOf(reads, bytes) };
      reads++;
      last = line;
      if (!matches(readEvent(line.text))) continue;
      if (skipped < plan.skip) skipped++;
      else {
        found.push({ text: line.text });
        bytes += Buffer.byteLength(line.text);
      }
    }
    return { lines: found, next: undefined, skipped, cost: costOf(reads, bytes) };
  }

  async count(plan: QueryPlan, maxMatches: number): Promise<LineCount> {
    const matches = compileFilter(plan.filter);
    const candidates = this.candidates(plan);
    const count = candidates.filter((line) => matches(readEvent(line.text))).length;
    return { matches: count > maxMatches ? null : count, cost: costOf(candidates.length, 0) };
  }

  async flush(): Promise<void> {
    await Promise.resolve();
  }

  async probe(): Promise<StoreHealth> {
    return this.health;
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  private find({ tenantId, eventId }: EventKey): StoredLine | undefined {
    return this.lines.find((line) => line.tenantId === tenantId && line.eventId === eventId);
  }

  private candidates({ tenantId, from, to, isDescending }: QueryPlan): StoredLine[] {
    const inside = this.lines.filter(
      (line) =>
        line.tenantId === tenantId &&
        (from === undefined || compareInstants(line.instant, from) >= 0) &&
        (to === undefined || compareInstants(line.instant, to) <= 0),
    );
    return inside.sort((a, b) => (isDescending ? comparePositions(b, a) : comparePositions(a, b)));
  }
}

function isBehind(line: StoredLine, { after, isDescending }: QueryPlan): boolean {
  if (after === undefined) return true;
  const order = comparePositions(line, after);
  return isDescending ? order < 0 : order > 0;
}

function costOf(lines: number, bytes: number): ReadCost {
  return { entries: lines, lines, bytes };
}
