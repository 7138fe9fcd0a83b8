/**
 * Hashes of subtrees, over hashes that lie one behind the other in a buffer or in tiles whose place in the tree has been
 * shown. What the tree's own arithmetic needs and callers do not.
 */
import { equalBytes, toHex } from "#tlog/bytes.ts";
import type { TileBytes, TileId } from "#tlog/tile.ts";
import { edgeTiles, TILE_HEIGHT, TILE_WIDTH, tileOfSize, tilePath } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import type { TreeHasher } from "#tlog/tree-hash.ts";
import { HASH_BYTES } from "#tlog/tree-hash.ts";

/** The bytes of a tile. @throws TlogError `missing-tile`, or `malformed` where it has another length than its width says */
export function tileBytes(tile: TileId, tiles: TileBytes): Uint8Array {
  const path = tilePath(tile);
  const bytes = tiles.get(path);
  if (bytes === undefined) throw new TlogError("missing-tile", `${path} is missing`);
  if (bytes.length !== tile.width * HASH_BYTES) {
    throw new TlogError("malformed", `${path} is ${bytes.length} bytes, not ${tile.width * HASH_BYTES}`);
  }
  return bytes;
}

/** The root over `count` hashes from `from` on, where count is a power of two. */
export function perfectRoot(
  hashes: Uint8Array,
  at: { from: number; count: number },
  hasher: TreeHasher,
): Uint8Array {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  // A copy, which `slice` of Node's Buffer would not be.
  const row = new Uint8Array(hashes.subarray(at.from * HASH_BYTES, (at.from + at.count) * HASH_BYTES));
  for (let count = at.count; count > 1; count /= 2) {
    for (let node = 0; node < count / 2; node += 1) {
      pair.set(row.subarray(node * 2 * HASH_BYTES, (node + 1) * 2 * HASH_BYTES), 1);
      row.set(hasher.sha256(pair), node * HASH_BYTES);
    }
  }
  return row.slice(0, HASH_BYTES);
}

/** Roots of the full subtrees at the right edge of a tree, highest first, from its edge tiles. */
export function edgeRoots(size: bigint, tiles: TileBytes, hasher: TreeHasher): Uint8Array[] {
  return edgeTiles(size)
    .toReversed()
    .flatMap((tile) => {
      const bytes = tileBytes(tile, tiles);
      const roots: Uint8Array[] = [];
      let from = 0;
      for (let count = TILE_WIDTH / 2; count >= 1; count /= 2) {
        if ((tile.width & count) === 0) continue;
        roots.push(perfectRoot(bytes, { from, count }, hasher));
        from += count;
      }
      return roots;
    });
}

/** The root over full subtrees of falling height. */
export function foldRoots(roots: readonly Uint8Array[], hasher: TreeHasher): Uint8Array {
  const [last, ...above] = roots.toReversed();
  if (last === undefined) return hasher.empty;
  return above.reduce((right, left) => hasher.node(left, right), last);
}

/** Tiles that hold the hashes beside the path from leaf `index` to the root, and lead to it; from level 0 up. */
export function pathTiles(index: bigint, size: bigint): readonly TileId[] {
  const tiles: TileId[] = [];
  for (let level = 0; size >> BigInt(TILE_HEIGHT * level) > 0n; level += 1) {
    const tile = tileOfSize(level, index >> BigInt(TILE_HEIGHT * (level + 1)), size);
    if (tile !== undefined) tiles.push(tile);
  }
  return tiles;
}

/**
 * Shows that the edge tiles of the tree lead to `root`, and that each tile on the path of leaf `index` hashes to what the
 * tile above says of it.
 * @throws TlogError `inconsistent` naming the tile
 */
export function authenticatePath(
  tree: {
    readonly index: bigint;
    readonly size: bigint;
    readonly root: Uint8Array;
    readonly tiles: TileBytes;
  },
  hasher: TreeHasher,
): void {
  const found = foldRoots(edgeRoots(tree.size, tree.tiles, hasher), hasher);
  if (!equalBytes(found, tree.root)) {
    const edge = edgeTiles(tree.size).map(tilePath).join(", ");
    const message = `the root over ${edge} is ${toHex(found)}, not ${toHex(tree.root)}`;
    throw new TlogError("inconsistent", message);
  }
  for (const tile of pathTiles(tree.index, tree.size)) {
    if (tile.width === TILE_WIDTH) authenticateTile(tile, tree, hasher);
  }
}

/** A full tile against its hash in the tile above, which the path holds too. */
function authenticateTile(
  tile: TileId,
  tree: { readonly size: bigint; readonly tiles: TileBytes },
  hasher: TreeHasher,
): void {
  const parent = tileOfSize(Number(tile.level) + 1, tile.index >> BigInt(TILE_HEIGHT), tree.size);
  if (parent === undefined) throw new TlogError("malformed", `${tilePath(tile)} is not full at this size`);
  const at = Number(tile.index % BigInt(TILE_WIDTH)) * HASH_BYTES;
  const expected = tileBytes(parent, tree.tiles).subarray(at, at + HASH_BYTES);
  const found = perfectRoot(tileBytes(tile, tree.tiles), { from: 0, count: TILE_WIDTH }, hasher);
  if (equalBytes(found, expected)) return;
  const message = `${tilePath(tile)} hashes to ${toHex(found)}, but ${tilePath(parent)} says ${toHex(expected)}`;
  throw new TlogError("inconsistent", message);
}

/** The root over leaves `from` to `end`, where both are the bounds of subtrees of a tree of `size`. Tiles are trusted. */
export function rangeRoot(
  range: { readonly from: bigint; readonly end: bigint },
  tree: { readonly size: bigint; readonly tiles: TileBytes },
  hasher: TreeHasher,
): Uint8Array {
  const roots: Uint8Array[] = [];
  let from = range.from;
  while (from < range.end) {
    const height = bitLength(range.end - from) - 1;
    roots.push(subtreeRoot({ height, index: from >> BigInt(height) }, tree, hasher));
    from += 1n << BigInt(height);
  }
  return foldRoots(roots, hasher);
}

/** The root of the `index`-th full subtree of `height`, which lies in one tile. */
function subtreeRoot(
  at: { readonly height: number; readonly index: bigint },
  tree: { readonly size: bigint; readonly tiles: TileBytes },
  hasher: TreeHasher,
): Uint8Array {
  const level = Math.floor(at.height / TILE_HEIGHT);
  const count = 1 << (at.height % TILE_HEIGHT);
  const first = at.index * BigInt(count);
  const tile = tileOfSize(level, first >> BigInt(TILE_HEIGHT), tree.size);
  const from = Number(first % BigInt(TILE_WIDTH));
  if (tile === undefined || from + count > tile.width) {
    throw new TlogError(
      "malformed",
      `a tree of size ${tree.size} has no subtree ${at.index} of height ${at.height}`,
    );
  }
  return perfectRoot(tileBytes(tile, tree.tiles), { from, count }, hasher);
}

/** Binary digits of a number above zero. */
export function bitLength(value: bigint): number {
  return value.toString(2).length;
}
