/**
 * Walks a whole log once, tile by tile from its first leaf: entries against level-0 tiles, lines against entries, and the
 * tree computed from the entries on the way. Then the tiles of all levels above. What differs is noted, not yet judged.
 */
import type { Finding } from "#verify/finding.ts";
import type { ComputedTree } from "#verify/computed-tree.ts";
import { createComputedTree } from "#verify/computed-tree.ts";
import type { LineCheck } from "#verify/line-check.ts";
import type { LogSource } from "#verify/log-source.ts";
import { readInOrder } from "#verify/log-source.ts";
import { HASH_BYTES, hashLeaves, TILE_WIDTH, tileLevels } from "#verify/native-hash.ts";
import type { TileReader } from "#verify/tile-reader.ts";

/** A hash of a stored tile that is not what was computed. */
export interface HashMismatch {
  readonly level: number;
  /** Of the tile. */
  readonly index: number;
  /** Of the hash in it, from 0. */
  readonly place: number;
  readonly computed: Buffer;
  readonly stored: Buffer;
}

export interface WalkProgress {
  readonly leaves: number;
  readonly size: number;
}

export interface WalkOptions {
  readonly source: LogSource;
  readonly size: number;
  readonly tiles: TileReader;
  /** undefined where lines are not at hand. */
  readonly lines: LineCheck | undefined;
  /** Sizes of older checkpoints, none above `size`. */
  readonly oldSizes: readonly number[];
  readonly report: (finding: Finding) => void;
  readonly onProgress?: ((progress: WalkProgress) => Promise<void>) | undefined;
}

export interface Walk {
  readonly tree: ComputedTree;
  /** The first of each tile, in order of levels and places; at most a few. */
  readonly mismatches: readonly HashMismatch[];
}

const MAX_KEPT = 100;
const PROGRESS_TILES = 32;
/** Of 2.5 million leaves. A signed size may be anything up to 2^53: who has the key could keep a verifier busy for ever. */
const MAX_MISSING_TILES = 10_000;

/** There is too little of the tree to go on. */
export class AbandonedWalkError extends Error {
  constructor(leaf: number, size: number) {
    super(
      `the checkpoint says ${size} leaves, and nothing is there of ${MAX_MISSING_TILES} tiles up to leaf ${leaf}`,
    );
    this.name = "AbandonedWalkError";
  }
}

/** @throws AbandonedWalkError */
export async function walkLog(options: WalkOptions): Promise<Walk> {
  const { source, size, tiles, lines, oldSizes, onProgress } = options;
  const tree = createComputedTree(oldSizes);
  const mismatches: HashMismatch[] = [];
  const note = (level: number, index: number, hashes: Hashes): void => {
    const place = firstDifference(hashes);
    if (place === -1 || mismatches.length >= MAX_KEPT) return;
    const [at, end] = [place * HASH_BYTES, (place + 1) * HASH_BYTES];
    const { computed, stored } = hashes;
    mismatches.push({
      level,
      index,
      place,
      computed: Buffer.from(computed.subarray(at, end)),
      stored: Buffer.from(stored.subarray(at, end)),
    });
  };

  const count = Math.ceil(size / TILE_WIDTH);
  const read = async (index: number): Promise<readonly [Buffer | undefined, Buffer | undefined]> =>
    Promise.all([tiles.entries(index), tiles.hashes(0, index)]);
  let index = 0;
  let missing = 0;
  for await (const [entries, stored] of readInOrder(numbersBelow(count), source.parallel, read)) {
    const first = index * TILE_WIDTH;
    missing = entries === undefined && stored === undefined ? missing + 1 : 0;
    if (missing === MAX_MISSING_TILES) throw new AbandonedWalkError(first, size);
    const width = Math.min(TILE_WIDTH, size - first);
    const hashes = await lines?.tile(first, width, entries);
    const computed = entries === undefined ? undefined : hashLeaves(entries);
    if (computed !== undefined && stored !== undefined) note(0, index, { computed, stored });
    tree.add(
      computed ??
        stored ??
        hashLeaves(Buffer.from(hashes?.subarray(0, width * HASH_BYTES) ?? Buffer.alloc(width * HASH_BYTES))),
    );
    index++;
    if (index % PROGRESS_TILES === 0) await onProgress?.({ leaves: first + width, size });
  }
  await lines?.rest();

  for (let level = 1; level < tileLevels(size); level++) {
    const hashes = tree.level(level);
    const tileBytes = TILE_WIDTH * HASH_BYTES;
    const indexes = numbersBelow(Math.ceil(hashes.length / tileBytes));
    let tile = 0;
    for await (const stored of readInOrder(indexes, source.parallel, (n) => tiles.hashes(level, n))) {
      const computed = hashes.subarray(tile * tileBytes, (tile + 1) * tileBytes);
      if (stored !== undefined) note(level, tile, { computed, stored });
      tile++;
    }
  }
  return { tree, mismatches };
}

interface Hashes {
  readonly computed: Buffer;
  readonly stored: Buffer;
}

function firstDifference({ computed, stored }: Hashes): number {
  if (computed.equals(stored)) return -1;
  let place = 0;
  while (
    computed.compare(
      stored,
      place * HASH_BYTES,
      (place + 1) * HASH_BYTES,
      place * HASH_BYTES,
      (place + 1) * HASH_BYTES,
    ) === 0
  )
    place++;
  return place;
}

function* numbersBelow(end: number): Generator<number> {
  for (let number = 0; number < end; number++) yield number;
}
