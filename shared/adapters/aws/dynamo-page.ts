/**
 * Answers pages from the indexes, within 2,000 index entries, 4 MiB of lines and 5 s. One round trip asks all lanes for
 * enough of a usual page, another fetches the lines: two for most pages, however many events are stored.
 */
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { BodyReader } from "#adapters/aws/dynamo-page-bodies.ts";
import type { IndexEntry } from "#adapters/aws/dynamo-page-lanes.ts";
import { LaneMerge } from "#adapters/aws/dynamo-page-lanes.ts";
import { readFoundLine } from "#adapters/aws/event-item.ts";
import type { FacetTest } from "#adapters/aws/event-item-facets.ts";
import { compileFacetTest, filtersLeft, hasFacetFilter } from "#adapters/aws/event-item-facets.ts";
import { positionOf } from "#adapters/aws/event-item-sort.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { readEvent } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { compileFilter } from "#query/filter.ts";
import type { Position, QueryPlan } from "#query/plan.ts";
import type { FoundLine, LinePage } from "#service/ports.ts";

export interface PageSource {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly timing: Timing;
  readonly epochs: readonly LaneEpoch[];
}

const MAX_ENTRIES = 2_000;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** Where other events are read past, so many entries are tried for each match that is wanted. */
const ENTRIES_PER_MATCH = 8;
const MAX_PAGE_MS = 5_000;
/** Entries asked of a lane at once, about 7.5 read units, where it is not known how many of them match. */
const MAX_SHARE = 500;

export async function readPage(plan: QueryPlan, source: PageSource): Promise<LinePage> {
  return new PageRun(plan, source).run();
}

/** An entry that may match, and the place of what was looked at right before it. */
interface Candidate {
  readonly entry: IndexEntry;
  readonly before: Uint8Array | undefined;
}

class PageRun {
  private readonly plan: QueryPlan;
  private readonly timing: Timing;
  private readonly merge: LaneMerge;
  private readonly bodies: BodyReader;
  private readonly mayMatch: FacetTest;
  private readonly matches: ReturnType<typeof compileFilter>;
  /** Whether index entries answer every filter, so that matches can be passed over without their lines. */
  private readonly isDecidedByIndex: boolean;
  private readonly deadlineMs: number;
  private readonly lines: FoundLine[] = [];
  private pageBytes = 0;
  private readBytes = 0;
  private skipped = 0;
  /** Sort key of the last entry looked at. */
  private last: Uint8Array | undefined;

  constructor(plan: QueryPlan, source: PageSource) {
    this.plan = plan;
    this.timing = source.timing;
    this.merge = new LaneMerge({ ...source, plan, maxEntries: MAX_ENTRIES });
    this.bodies = new BodyReader(source);
    this.mayMatch = compileFacetTest(plan.filter);
    this.matches = compileFilter(plan.filter);
    this.isDecidedByIndex = filtersLeft(plan.residual).length === 0;
    this.deadlineMs = source.timing.monotonicMs() + MAX_PAGE_MS;
  }

  async run(): Promise<LinePage> {
    for (;;) {
      const wave = await this.nextWave();
      if (wave.length === 0) return this.finish(this.lastPlace());
      if (this.isFull) return this.finish(wave[0]?.before);
      const items = await this.bodies.read(wave.map(({ entry }) => entry));
      for (const { entry, before } of wave) {
        const item = items.get(entry.key);
        if (item === undefined) continue;
        if (!this.add(readFoundLine(item))) return this.finish(before);
      }
      if (this.isLate()) return this.finish(this.lastPlace());
    }
  }

  /** Undefined at the end. A page that ends before it has looked at something, or what follows would be lost. */
  private lastPlace(): Uint8Array | undefined {
    if (this.merge.isAtEnd) return undefined;
    if (this.last !== undefined) return this.last;
    throw new AuditStorageError("storage-unavailable", "an index answers no entries, and no end", {
      retryable: true,
    });
  }

  private get isFull(): boolean {
    return this.lines.length === this.plan.limit;
  }

  /** Candidates whose lines are to be fetched together; of a full page, one more that shows there is more. */
  private async nextWave(): Promise<readonly Candidate[]> {
    const wave: Candidate[] = [];
    const size = this.waveSize();
    while (wave.length < size) {
      const entry = this.merge.take();
      if (entry === undefined) {
        const isOver = this.merge.isAtEnd || this.merge.isSpent || this.isFull || this.isLate();
        if (isOver) break;
        await this.merge.fill(this.share());
        continue;
      }
      const before = this.last;
      this.last = entry.sort;
      if (!this.mayMatch(entry.facets)) continue;
      if (this.isDecidedByIndex && this.skipped < this.plan.skip) this.skipped++;
      else wave.push({ entry, before });
    }
    return wave;
  }

  private waveSize(): number {
    if (this.isFull) return 1;
    const { waveSize } = this.bodies;
    if (!this.isDecidedByIndex) return waveSize;
    const missing = this.plan.limit - this.lines.length;
    if (this.lines.length === 0) return Math.min(missing, waveSize);
    const fitting = Math.floor((MAX_PAGE_BYTES - this.pageBytes) / (this.pageBytes / this.lines.length));
    return Math.max(1, Math.min(missing, fitting));
  }

  /** Entries to ask of each lane: a page's worth where each is a match, a larger part of the budget where few are. */
  private share(): number {
    const lanes = this.merge.laneCount;
    const most = lanes === 1 ? MAX_ENTRIES : Math.floor(MAX_ENTRIES / 2 / lanes);
    const { limit, skip } = this.plan;
    // One to see that there is more, one for the place at which the page begins.
    const wanted = limit - this.lines.length + skip - this.skipped + 2;
    if (this.isDecidedByIndex && !hasFacetFilter(this.plan.filter)) return Math.min(most, wanted);
    // A small page tries with little first; what matches rarely is then looked for in large steps.
    const isFirst = this.merge.roundTrips === 0;
    return Math.min(most, MAX_SHARE, isFirst ? wanted * ENTRIES_PER_MATCH : MAX_SHARE);
  }

  private isLate(): boolean {
    return this.timing.monotonicMs() >= this.deadlineMs;
  }

  /** Whether the page goes on; a line that ends it is not part of it. */
  private add(line: FoundLine): boolean {
    const bytes = Buffer.byteLength(line.text);
    this.readBytes += bytes;
    if (!this.matches(readEvent(line.text))) return true;
    if (this.skipped < this.plan.skip) {
      this.skipped++;
      return true;
    }
    if (this.isFull || (this.lines.length > 0 && this.pageBytes + bytes > MAX_PAGE_BYTES)) return false;
    this.pageBytes += bytes;
    this.lines.push(line);
    return true;
  }

  /** @param place sort key of the last entry that the page has dealt with; undefined at the end of all */
  private finish(place: Uint8Array | undefined): LinePage {
    const { merge, bodies, lines, skipped } = this;
    const next: Position | undefined = place === undefined ? undefined : positionOf(place);
    return {
      lines,
      next,
      skipped,
      cost: {
        entries: merge.entries,
        lines: bodies.lines,
        bytes: this.readBytes,
        units: merge.units + bodies.units,
        roundTrips: merge.roundTrips + bodies.roundTrips,
      },
    };
  }
}
