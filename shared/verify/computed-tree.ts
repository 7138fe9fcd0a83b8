/**
 * The tree as it is computed from the leaves: hashes of all full tiles, level by level, and of the last leaves. Thirty-two
 * bytes per 256 leaves: that is all a verification must remember of a log. Gives the root at any size it is told in time.
 */
import { edgeWidth, foldHashes, HASH_BYTES, rootOfEdge, TILE_WIDTH } from "#verify/native-hash.ts";

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

export interface ComputedTree {
  /** Adds a tile of leaf hashes; only the last one may be partial. */
  readonly add: (leaves: Buffer) => void;
  /** Hashes of a level from 1 on: one per full tile of the level below. */
  readonly level: (level: number) => Buffer;
  /** Leaf hashes of the last tile, where it is partial. */
  readonly lastLeaves: () => Buffer;
  readonly root: () => Buffer;
  /** Root at each size that was asked for. */
  readonly roots: ReadonlyMap<number, Buffer>;
}

/** @param wanted sizes at which the root is to be kept */
export function createComputedTree(wanted: readonly number[]): ComputedTree {
  const levels: GrowingBuffer[] = [];
  const roots = new Map<number, Buffer>();
  const sizes = [...new Set(wanted)].sort((a, b) => a - b);
  let size = 0;
  let lastLeaves: Buffer = Buffer.alloc(0);

  const append = (level: number, hash: Buffer): void => {
    const hashes = (levels[level] ??= createGrowingBuffer());
    hashes.append(hash);
    const all = hashes.bytes();
    if (all.length % TILE_BYTES === 0) append(level + 1, foldHashes(all.subarray(all.length - TILE_BYTES)));
  };
  const keepRoots = (before: number, leaves: Buffer): void => {
    while (sizes[0] !== undefined && sizes[0] <= size) {
      const at = sizes.shift() ?? 0;
      const own = at % TILE_WIDTH === 0 ? 0 : at - before;
      roots.set(at, rootAt(at, leaves.subarray(0, own * HASH_BYTES)));
    }
  };
  const levelOf = (level: number): Buffer => levels[level]?.bytes() ?? Buffer.alloc(0);
  const rootAt = (at: number, leaves: Buffer): Buffer => {
    const edge = [leaves];
    for (let level = 1; level <= levels.length; level++) {
      const end = Math.floor(at / TILE_WIDTH ** level) * HASH_BYTES;
      edge.push(levelOf(level).subarray(end - edgeWidth(at, level) * HASH_BYTES, end));
    }
    return rootOfEdge(edge);
  };

  keepRoots(0, lastLeaves); // that of the empty tree
  return {
    add: (leaves) => {
      const before = size;
      size += leaves.length / HASH_BYTES;
      if (leaves.length === TILE_BYTES) append(1, foldHashes(leaves));
      else lastLeaves = Buffer.from(leaves);
      keepRoots(before, leaves);
    },
    level: levelOf,
    lastLeaves: () => lastLeaves,
    root: () => rootAt(size, lastLeaves),
    roots,
  };
}

interface GrowingBuffer {
  readonly append: (hash: Buffer) => void;
  readonly bytes: () => Buffer;
}

function createGrowingBuffer(): GrowingBuffer {
  let room = Buffer.alloc(TILE_BYTES);
  let used = 0;
  return {
    append: (hash) => {
      if (used === room.length) room = Buffer.concat([room], room.length * 2);
      hash.copy(room, used);
      used += HASH_BYTES;
    },
    bytes: () => room.subarray(0, used),
  };
}
