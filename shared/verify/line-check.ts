/**
 * Holds lines against the entries of their leaves, tile by tile, and counts what stands for itself, what was erased, and
 * what lies in quarantine. Lines that differ are kept with their places; what that means is judged when the root is known.
 */
import type { Finding } from "#verify/finding.ts";
import { hex } from "#verify/finding.ts";
import type { LateDuplicates } from "#verify/late-duplicates.ts";
import type { LineRange } from "#verify/line-files.ts";
import type { LeafRun, LineReader } from "#verify/line-reader.ts";
import { hashOf, placeOf } from "#verify/line-reader.ts";
import { HASH_BYTES, TILE_WIDTH } from "#verify/native-hash.ts";
import type { QuarantinedLines } from "#verify/quarantined-lines.ts";
import type { QuarantineMarker } from "#verify/special-lines.ts";

/** A line that is not what the entry of its leaf says. */
export interface LineMismatch {
  readonly leaf: number;
  readonly object: string;
  readonly line: number;
  readonly byte: number;
  /** SHA-256 of the line. */
  readonly found: Buffer;
}

export interface LinePlace {
  readonly leaf: number;
  readonly object: string;
  readonly line: number;
}

export interface LineCounts {
  /** Lines whose hash is the entry of their leaf. */
  readonly checked: number;
  /** Lines that were erased, leaving their entry. */
  readonly erased: number;
  /** Lines that a repair has moved aside and that are what was sealed. */
  readonly quarantined: number;
  readonly firstErased: LinePlace | undefined;
  readonly duplicates: number;
  readonly firstDuplicate: LinePlace | undefined;
  /** Lines behind the checkpoint. */
  readonly unsealed: number;
  /** Lines behind the range that was handed over, and not behind the checkpoint. */
  readonly outside: number;
  readonly bytes: number;
}

export interface LineCheck {
  /**
   * Reads the lines of a tile.
   * @param entries undefined where the bundle cannot be read: then nothing is compared
   * @returns hash of the line of each leaf that has one of its own, zeros for others
   */
  readonly tile: (first: number, width: number, entries: Buffer | undefined) => Promise<Buffer>;
  /** Counts what lies behind the checkpoint. */
  readonly rest: () => Promise<void>;
  readonly close: () => Promise<void>;
  readonly counts: () => LineCounts;
  /** The first ones, in leaf order. */
  readonly mismatches: readonly LineMismatch[];
  readonly mismatchCount: () => number;
}

export interface LineCheckOptions {
  readonly reader: LineReader;
  readonly range: LineRange;
  /** Of the checkpoint. */
  readonly size: number;
  readonly readQuarantined: (marker: QuarantineMarker) => Promise<QuarantinedLines>;
  readonly duplicates: LateDuplicates;
  readonly report: (finding: Finding) => void;
}

/** More say nothing new: one line that was taken out shifts all behind it. */
const MAX_KEPT = 100;

export function createLineCheck(options: LineCheckOptions): LineCheck {
  const { reader, range, size, readQuarantined, duplicates, report } = options;
  const mismatches: LineMismatch[] = [];
  const counts = { checked: 0, erased: 0, quarantined: 0, duplicates: 0, unsealed: 0, outside: 0, bytes: 0 };
  let firstDuplicate: LinePlace | undefined;
  let firstErased: LinePlace | undefined;
  let mismatchCount = 0;
  const hashes = Buffer.alloc(TILE_WIDTH * HASH_BYTES);

  const differs = (run: LeafRun, n: number): void => {
    mismatchCount++;
    if (mismatches.length === MAX_KEPT) return;
    const found = Buffer.from(hashOf(run, n));
    mismatches.push({ leaf: run.firstLeaf + n, object: run.file.name, ...placeOf(run, n), found });
  };

  const checkPlain = (run: LeafRun, first: number, entries: Buffer | undefined): void => {
    const { block, firstLine, firstLeaf, count, file } = run;
    const at = (firstLeaf - first) * HASH_BYTES;
    const from = firstLine * HASH_BYTES;
    const to = from + count * HASH_BYTES;
    block.hashes.copy(hashes, at, from, to);
    counts.bytes += (block.starts[firstLine + count] ?? 0) - (block.starts[firstLine] ?? 0);
    if (entries !== undefined) {
      if (block.hashes.compare(entries, at, at + to - from, from, to) === 0) counts.checked += count;
      else {
        for (let n = 0; n < count; n++) {
          if (isEntry(entries, firstLeaf + n - first, hashOf(run, n))) counts.checked++;
          else differs(run, n);
        }
      }
    }
    for (let line = firstLine; line < firstLine + count; line++) {
      const [start = 0, next = 0] = [block.starts[line], block.starts[line + 1]];
      if (!duplicates.add(block.bytes, start, next - 1)) continue;
      counts.duplicates++;
      const leaf = firstLeaf + line - firstLine;
      firstDuplicate ??= { leaf, object: file.name, line: block.firstLine + line };
    }
  };

  const checkMarker = async (
    run: LeafRun,
    marker: QuarantineMarker,
    { first, entries }: { readonly first: number; readonly entries: Buffer },
  ): Promise<void> => {
    const lines = await readQuarantined(marker);
    for (let n = 0; n < run.count; n++) {
      const leaf = run.firstLeaf + n;
      // A marker that was there before its leaves were sealed is what they say.
      if (isEntry(entries, leaf - first, hashOf(run, n))) {
        counts.checked++;
        continue;
      }
      const at = (leaf - (run.specialLeaf ?? leaf)) * HASH_BYTES;
      const hash = lines.kind === "lines" ? lines.hashes.subarray(at, at + HASH_BYTES) : undefined;
      if (hash?.length === HASH_BYTES && isEntry(entries, leaf - first, hash)) {
        counts.quarantined++;
        continue;
      }
      const isLost = marker.bytes === 0;
      const why =
        lines.kind === "problem"
          ? lines.problem
          : `what lies in ${marker.file} is not the line that was sealed`;
      report({
        kind: "quarantine",
        object: run.file.name,
        leaf,
        ...placeOf(run, n),
        expected: hex(entries.subarray((leaf - first) * HASH_BYTES, (leaf - first + 1) * HASH_BYTES)),
        found: hash === undefined || hash.length === 0 ? "nothing" : hex(hash),
        meaning: isLost
          ? `the lines of leaves ${leaf} to ${run.firstLeaf + run.count - 1} are lost: a start of the service found them missing`
          : `the line of leaf ${leaf} was moved into quarantine, and ${why}`,
      });
      return;
    }
  };

  return {
    tile: async (first, width, entries) => {
      hashes.fill(0);
      const end = Math.min(first + width, range.end ?? Number.MAX_SAFE_INTEGER);
      for await (const run of reader.readTo(end)) {
        if (run.firstLeaf < first) continue; // an overlap, which the reader has reported
        const { special } = run;
        if (special === undefined) checkPlain(run, first, entries);
        else if (entries === undefined) continue;
        else if (special.kind === "marker") await checkMarker(run, special, { first, entries });
        else if (isEntry(entries, run.firstLeaf - first, Buffer.from(special.entry, "hex"))) {
          counts.erased++;
          firstErased ??= { leaf: run.firstLeaf, object: run.file.name, line: placeOf(run, 0).line };
        } else differs(run, 0);
      }
      return hashes;
    },
    rest: async () => {
      for await (const { firstLeaf, count } of reader.readTo(Number.MAX_SAFE_INTEGER)) {
        const outside = Math.min(count, Math.max(0, size - firstLeaf));
        counts.outside += outside;
        counts.unsealed += count - outside;
      }
    },
    close: () => reader.close(),
    counts: () => ({ ...counts, firstDuplicate, firstErased }),
    mismatches,
    mismatchCount: () => mismatchCount,
  };
}

function isEntry(entries: Buffer, place: number, hash: Buffer): boolean {
  return hash.compare(entries, place * HASH_BYTES, (place + 1) * HASH_BYTES) === 0;
}
