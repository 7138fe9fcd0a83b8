/**
 * Whether segments and manifests cover the log without a gap, by their names alone: a list of a million names takes 2,000
 * calls and some minutes, while reading what they name would take hours.
 */
import { MANIFEST_PREFIX, manifestKey, SEGMENT_PREFIX } from "#service/log-layout.ts";
import type { Archive } from "#service/ports.ts";
import { manifestEnd } from "#service/reconcile-segments.ts";
import type { Tally } from "#service/reconcile-tally.ts";
import type { SegmentRange } from "#service/segment.ts";
import { segmentRange } from "#service/segment.ts";

/**
 * @param size of the published log; what lies beyond it is being published
 * @returns ends of manifests that are missing, for each segment that has none
 */
export async function checkChain(
  archive: Pick<Archive, "list">,
  size: number,
  tally: Tally,
): Promise<readonly number[]> {
  const [ranges, ends] = await Promise.all([listSegments(archive, size), listManifests(archive, size)]);
  let next = 0;
  for (const { firstLeaf, count } of ranges) {
    if (firstLeaf > next) reportGap({ from: next, to: firstLeaf, ends }, tally);
    if (firstLeaf < next) tally.find("missing_segments", `two segments hold leaf ${firstLeaf}`);
    next = Math.max(next, firstLeaf + count);
  }
  if (next < size) reportGap({ from: next, to: size, ends }, tally);
  const missing = ranges.map(({ firstLeaf, count }) => firstLeaf + count).filter((end) => !ends.has(end));
  for (const end of missing) tally.find("missing_segments", `manifest ${manifestKey(end)} is missing`);
  return missing;
}

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly ends: ReadonlySet<number>;
}

/** As many segments are missing as manifests end in the gap, at least one. */
function reportGap({ from, to, ends }: Gap, tally: Tally): void {
  const count = [...ends].filter((end) => end > from && end <= to).length;
  tally.find("missing_segments", `the segment of leaves ${from} to ${to - 1} is missing`);
  if (count > 1) tally.add("missing_segments", count - 1);
}

/** Keys sort by the time of sealing, by clocks that may differ: in order of leaves nearly, not quite. */
async function listSegments(archive: Pick<Archive, "list">, size: number): Promise<readonly SegmentRange[]> {
  const ranges: SegmentRange[] = [];
  for await (const { key } of archive.list(SEGMENT_PREFIX)) {
    const range = segmentRange(key);
    if (range !== undefined && range.firstLeaf < size) ranges.push(range);
  }
  return ranges.sort((a, b) => a.firstLeaf - b.firstLeaf);
}

async function listManifests(archive: Pick<Archive, "list">, size: number): Promise<ReadonlySet<number>> {
  const ends = new Set<number>();
  for await (const { key } of archive.list(MANIFEST_PREFIX)) {
    const end = manifestEnd(key);
    if (end !== undefined && end <= size) ends.add(end);
  }
  return ends;
}
