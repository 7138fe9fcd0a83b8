/**
 * Whether segments and manifests cover the log without a gap, by their names alone: a list of a million names takes 2,000
 * calls and some minutes, while reading what they name would take hours. It goes on over several runs where one does not
 * suffice, and holds few names at a time.
 */
import * as z from "zod";
import { MANIFEST_PREFIX, manifestKey, SEGMENT_PREFIX } from "#service/log-layout.ts";
import type { Archive } from "#service/ports.ts";
import { manifestEnd } from "#service/reconcile-segments.ts";
import type { Tally } from "#service/reconcile-tally.ts";
import type { SegmentRange } from "#service/segment.ts";
import { segmentRange } from "#service/segment.ts";

const Count = z.int().min(0);

/** How far the comparison of names is, as the note keeps it. */
export const ChainPosition = z.object({
  /** Key of the segment that was listed last. */
  after: z.string(),
  /** End of the manifest that was listed last. */
  end: Count,
  /** The leaf behind the segments that were compared. */
  next: Count,
  /** First leaf and count of segments that were listed and stand behind a gap, in the order of leaves. */
  ahead: z.array(z.tuple([Count, Count])),
});
export type ChainPosition = Readonly<z.infer<typeof ChainPosition>>;

export const NO_NAMES: ChainPosition = { after: "", end: 0, next: 0, ahead: [] };

export interface ChainParts {
  readonly archive: Pick<Archive, "list">;
  /** Of the published log; what lies beyond it is being published. */
  readonly size: number;
  readonly tally: Tally;
  /** Hears the ends of manifests that are missing, for each segment that has none. */
  readonly missing: { readonly add: (end: number) => unknown };
}

/**
 * Keys of segments sort by the time of sealing, by clocks that may differ: in order of leaves nearly, not quite. So many names
 * behind a leaf, hours of a busy log, its segment is missing.
 */
const MAX_AHEAD = 1000;

export class Chain {
  private readonly parts: ChainParts;
  private readonly ahead: SegmentRange[];
  private after: string;
  private next: number;
  private readonly manifests: ManifestEnds;

  constructor(parts: ChainParts, { after, end, next, ahead }: ChainPosition) {
    this.parts = parts;
    this.after = after;
    this.next = next;
    this.ahead = ahead.map(([firstLeaf, count]) => ({ firstLeaf, count }));
    this.manifests = new ManifestEnds(parts, end);
  }

  /**
   * @param isOver asked before each name
   * @returns whether all names are compared; otherwise `position` tells where to go on
   */
  async goOn(isOver: () => boolean): Promise<boolean> {
    const { archive, size } = this.parts;
    for await (const { key } of archive.list(SEGMENT_PREFIX, this.after)) {
      if (isOver()) return false;
      this.after = key;
      const range = segmentRange(key);
      if (range !== undefined && range.firstLeaf < size) await this.meet(range);
    }
    await this.advance(0);
    if (this.next < size) await this.reportGap(size);
    return true;
  }

  position(): ChainPosition {
    const { after, next, ahead, manifests } = this;
    return {
      after,
      end: manifests.reached,
      next,
      ahead: ahead.map(({ firstLeaf, count }) => [firstLeaf, count]),
    };
  }

  private async meet(range: SegmentRange): Promise<void> {
    const { ahead } = this;
    const isInOrder = range.firstLeaf >= (ahead.at(-1)?.firstLeaf ?? 0);
    ahead.push(range);
    if (!isInOrder) ahead.sort((a, b) => a.firstLeaf - b.firstLeaf);
    await this.advance(MAX_AHEAD);
  }

  /** Compares what goes on without a gap, and what lies behind one where more than so many do. */
  private async advance(maxAhead: number): Promise<void> {
    for (let [first] = this.ahead; first !== undefined; [first] = this.ahead) {
      if (first.firstLeaf > this.next && this.ahead.length <= maxAhead) return;
      this.ahead.shift();
      await this.compare(first);
    }
  }

  private async compare({ firstLeaf, count }: SegmentRange): Promise<void> {
    const { tally, missing } = this.parts;
    if (firstLeaf > this.next) await this.reportGap(firstLeaf);
    if (firstLeaf < this.next) {
      tally.find("missing_segments", `two segments hold leaf ${firstLeaf}`);
      this.next = Math.max(this.next, firstLeaf + count);
      return;
    }
    this.next = firstLeaf + count;
    if (await this.manifests.has(this.next)) return;
    tally.find("missing_segments", `manifest ${manifestKey(this.next)} is missing`);
    missing.add(this.next);
  }

  /** As many segments are missing as manifests end in the gap, at least one. */
  private async reportGap(to: number): Promise<void> {
    const { tally } = this.parts;
    const count = await this.manifests.countWithin(this.next, to);
    tally.find("missing_segments", `the segment of leaves ${this.next} to ${to - 1} is missing`);
    if (count > 1) tally.add("missing_segments", count - 1);
    this.next = to;
  }
}

/** The ends of manifests, in order, each asked for once. */
class ManifestEnds {
  /** The last one that was passed. */
  reached: number;
  private readonly parts: ChainParts;
  private listing: AsyncIterator<number> | undefined;
  /** The first one that was not passed; undefined behind the last. */
  private waiting: number | undefined;

  constructor(parts: ChainParts, reached: number) {
    this.parts = parts;
    this.reached = reached;
  }

  async has(end: number): Promise<boolean> {
    await this.passUntil(end);
    return this.waiting === end;
  }

  /** How many end behind `from` and not behind `to`. */
  async countWithin(from: number, to: number): Promise<number> {
    await this.passUntil(from + 1);
    let count = 0;
    for (; this.waiting !== undefined && this.waiting <= to; await this.pass()) count++;
    return count;
  }

  private async passUntil(end: number): Promise<void> {
    if (this.listing === undefined) await this.pass();
    while (this.waiting !== undefined && this.waiting < end) await this.pass();
  }

  private async pass(): Promise<void> {
    this.listing ??= listEnds(this.parts, this.reached);
    this.reached = this.waiting ?? this.reached;
    const found = await this.listing.next();
    this.waiting = found.done === true ? undefined : found.value;
  }
}

async function* listEnds({ archive, size }: ChainParts, behind: number): AsyncGenerator<number> {
  for await (const { key } of archive.list(MANIFEST_PREFIX, manifestKey(behind))) {
    const end = manifestEnd(key);
    if (end === undefined) continue;
    if (end > size) return;
    yield end;
  }
}
