/**
 * The tree of RFC 6962 over tiles: its root, growing it, and proofs from it. Tiles are read by the path that
 * C2SP tlog-tiles gives them; those that a proof is made of are authenticated up to the root first.
 */
import { encodeHashBundle } from "#tlog/bundle.ts";
import { concatBytes, equalBytes } from "#tlog/bytes.ts";
import { checkIndex, checkSize, MAX_SIZE } from "#tlog/numbers.ts";
import type { TileBytes, TileId } from "#tlog/tile.ts";
import { edgeTiles, TILE_HEIGHT, TILE_WIDTH, tilePath } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import type { TreeHasher } from "#tlog/tree-hash.ts";
import { checkHash, DEFAULT_HASHER, HASH_BYTES } from "#tlog/tree-hash.ts";
import {
  authenticatePath,
  bitLength,
  edgeRoots,
  foldRoots,
  pathTiles,
  perfectRoot,
  rangeRoot,
  tileBytes,
} from "#tlog/tree-nodes.ts";

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/**
 * The root of a tree of `size`, from its edge tiles.
 * @throws TlogError `missing-tile`, or `malformed` where a tile has a wrong length
 */
export function rootOfEdge(size: bigint, tiles: TileBytes, hasher: TreeHasher = DEFAULT_HASHER): Uint8Array {
  return foldRoots(edgeRoots(size, tiles, hasher), hasher);
}

/**
 * The hash that the tile above holds of a full tile: the root over its 256 hashes.
 * @throws TlogError `malformed` where it is not of 8192 bytes
 */
export function tileHash(bytes: Uint8Array, hasher: TreeHasher = DEFAULT_HASHER): Uint8Array {
  if (bytes.length !== TILE_BYTES) {
    throw new TlogError("malformed", `a full tile is ${TILE_BYTES} bytes, not ${bytes.length}`);
  }
  return perfectRoot(bytes, { from: 0, count: TILE_WIDTH }, hasher);
}

/**
 * The leaf hashes of entries of 32 bytes each that lie one behind the other: the tile of level 0 over them.
 * @throws TlogError `malformed` where they are not of 32 bytes each
 */
export function leafHashes(entries: Uint8Array, hasher: TreeHasher = DEFAULT_HASHER): Uint8Array {
  if (entries.length % HASH_BYTES !== 0) {
    throw new TlogError("malformed", `${entries.length} bytes are not entries of ${HASH_BYTES} bytes`);
  }
  const input = new Uint8Array(1 + HASH_BYTES);
  const hashes = new Uint8Array(entries.length);
  for (let at = 0; at < entries.length; at += HASH_BYTES) {
    input.set(entries.subarray(at, at + HASH_BYTES), 1);
    hashes.set(hasher.sha256(input), at);
  }
  return hashes;
}

export interface Append {
  /** Of the tree as it is. */
  readonly size: bigint;
  /** Its edge tiles. They are trusted: check `rootOfEdge` against a signed root before. */
  readonly edge: TileBytes;
  /** New entries, 32 bytes each, one behind the other. */
  readonly entries: Uint8Array;
  /** Those of its partial bundle, (size mod 256) × 32 bytes. They are checked against the partial tile of level 0. */
  readonly edgeEntries: Uint8Array;
}

export interface WrittenTile {
  readonly tile: TileId;
  readonly bytes: Uint8Array;
}

export interface Appended {
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Every bundle and hash tile of the new tree that the old one does not have: bundles, then hash tiles by level. */
  readonly tiles: readonly WrittenTile[];
}

/**
 * Grows a tree.
 * @throws TlogError `missing-tile`, `malformed` where a length is wrong or the tree would pass 2^63 − 1 leaves,
 *   `inconsistent` where `edgeEntries` are not those of the partial tile
 */
export function appendLeaves(a: Append, hasher: TreeHasher = DEFAULT_HASHER): Appended {
  checkSize(a.size, "size");
  const old = new Map(edgeTiles(a.size).map((tile) => [tile.level, tileBytes(tile, a.edge)]));
  const before = old.get(0) ?? new Uint8Array(0);
  if (!equalBytes(leafHashes(a.edgeEntries, hasher), before)) {
    throw new TlogError(
      "inconsistent",
      `the entries of the partial bundle do not hash to the tile of ${a.size}`,
    );
  }
  let added = leafHashes(a.entries, hasher);
  const size = a.size + BigInt(added.length / HASH_BYTES);
  checkSize(size, "size");
  const written: WrittenTile[] = [];
  if (added.length > 0) {
    const cut = cutTiles("entries", a.size >> BigInt(TILE_HEIGHT), concatBytes([a.edgeEntries, a.entries]));
    written.push(...cut.map(({ tile, bytes }) => ({ tile, bytes: encodeHashBundle(bytes) })));
  }
  for (let level = 0; added.length > 0; level += 1) {
    const hashes = concatBytes([old.get(level) ?? new Uint8Array(0), added]);
    const tiles = cutTiles(level, a.size >> BigInt(TILE_HEIGHT * (level + 1)), hashes);
    for (const tile of tiles) written.push(tile);
    const full = tiles.filter(({ tile }) => tile.width === TILE_WIDTH);
    added = concatBytes(full.map(({ bytes }) => tileHash(bytes, hasher)));
  }
  const tiles = new Map(a.edge);
  for (const { tile, bytes } of written) if (tile.level !== "entries") tiles.set(tilePath(tile), bytes);
  return { size, root: rootOfEdge(size, tiles, hasher), tiles: written };
}

/** Cuts what lies one behind the other, 32 bytes each, into tiles from `first` on. */
function cutTiles(level: TileId["level"], first: bigint, bytes: Uint8Array): WrittenTile[] {
  const tiles: WrittenTile[] = [];
  for (let at = 0; at < bytes.length; at += TILE_BYTES) {
    const part = bytes.slice(at, at + TILE_BYTES);
    const index = first + BigInt(at / TILE_BYTES);
    tiles.push({ tile: { level, index, width: part.length / HASH_BYTES }, bytes: part });
  }
  return tiles;
}

/**
 * The roots of the full subtrees that a growing tree consists of: root and size of a log in one pass over its leaves,
 * with a hash kept for each level.
 */
export class CompactRange {
  #size = 0n;
  /** Highest first; `#heights` are theirs, strictly falling. */
  readonly #roots: Uint8Array[] = [];
  readonly #heights: number[] = [];
  readonly #hasher: TreeHasher;

  constructor(hasher: TreeHasher = DEFAULT_HASHER) {
    this.#hasher = hasher;
  }

  get size(): bigint {
    return this.#size;
  }

  /** @throws TlogError `malformed` where the hash is not of 32 bytes */
  append(leafHash: Uint8Array): void {
    this.appendSubtree(leafHash, 0);
  }

  /**
   * Appends 2^height leaves by the root over them, as the hash of a full tile.
   * @throws TlogError `malformed` where the size is no multiple of 2^height, or would pass 2^63 − 1
   */
  appendSubtree(subtreeRoot: Uint8Array, height: number): void {
    checkHash(subtreeRoot, "hash");
    const lowest = this.#heights.at(-1) ?? Number.POSITIVE_INFINITY;
    if (!Number.isInteger(height) || height < 0 || height > lowest) {
      throw new TlogError(
        "malformed",
        `a subtree of height ${height} does not fit behind ${this.#size} leaves`,
      );
    }
    const size = this.#size + (1n << BigInt(height));
    if (size > MAX_SIZE) throw new TlogError("malformed", `size ${size} is above ${MAX_SIZE}`);
    let [root, top] = [subtreeRoot, height];
    while (this.#heights.at(-1) === top) {
      this.#heights.pop();
      root = this.#hasher.node(this.#roots.pop() ?? root, root);
      top += 1;
    }
    this.#heights.push(top);
    this.#roots.push(root);
    this.#size = size;
  }

  root(): Uint8Array {
    return foldRoots(this.#roots, this.#hasher);
  }
}

/**
 * The hash tiles that `proveInclusion` reads, each once.
 * @throws TlogError `malformed` unless 0 ≤ index < size
 */
export function tilesForInclusion(index: bigint, size: bigint): readonly TileId[] {
  checkIndex(index, size);
  const all = [...pathTiles(index, size), ...edgeTiles(size)];
  return [...new Map(all.map((tile) => [tilePath(tile), tile])).values()];
}

/**
 * The hash tiles that `proveConsistency` reads, each once; none where the old size is 0.
 * @throws TlogError `malformed` where the old size is above the new one
 */
export function tilesForConsistency(oldSize: bigint, newSize: bigint): readonly TileId[] {
  checkOrder(oldSize, newSize);
  return oldSize === 0n ? [] : tilesForInclusion(oldSize - 1n, newSize);
}

export interface ProofSource {
  readonly size: bigint;
  /** Of the tree of that size, from its signed checkpoint. */
  readonly root: Uint8Array;
  /** At least those that `tilesForInclusion` or `tilesForConsistency` names. Attacker-controlled. */
  readonly tiles: TileBytes;
}

/**
 * The inclusion proof of RFC 6962 section 2.1.1, after authenticating every tile that it is made of.
 * @throws TlogError `missing-tile`; `malformed` where a tile has a wrong length or index ≥ size; `inconsistent`, naming the
 *   tile, where the tiles do not lead to the root
 */
export function proveInclusion(
  p: ProofSource & { readonly index: bigint },
  hasher: TreeHasher = DEFAULT_HASHER,
): readonly Uint8Array[] {
  checkIndex(p.index, p.size);
  authenticatePath(p, hasher);
  const proof: Uint8Array[] = [];
  let [from, end] = [0n, p.size];
  while (end - from > 1n) {
    const split = from + leftWidth(end - from);
    const isLeft = p.index < split;
    proof.push(rangeRoot(isLeft ? { from: split, end } : { from, end: split }, p, hasher));
    [from, end] = isLeft ? [from, split] : [split, end];
  }
  return proof.toReversed();
}

/**
 * The consistency proof of RFC 6962 section 2.1.2, after authenticating every tile that it is made of. Empty where the
 * sizes are the same, and where the old size is 0, as tlog-witness wants it.
 * @throws TlogError as `proveInclusion`; `malformed` where the old size is above the new one
 */
export function proveConsistency(
  p: Omit<ProofSource, "size"> & { readonly oldSize: bigint; readonly newSize: bigint },
  hasher: TreeHasher = DEFAULT_HASHER,
): readonly Uint8Array[] {
  checkOrder(p.oldSize, p.newSize);
  if (p.oldSize === 0n) return [];
  const tree = { index: p.oldSize - 1n, size: p.newSize, root: p.root, tiles: p.tiles };
  authenticatePath(tree, hasher);
  const proof: Uint8Array[] = [];
  let [from, end] = [0n, p.newSize];
  while (end !== p.oldSize) {
    const split = from + leftWidth(end - from);
    const isLeft = p.oldSize <= split;
    proof.push(rangeRoot(isLeft ? { from: split, end } : { from, end: split }, tree, hasher));
    [from, end] = isLeft ? [from, split] : [split, end];
  }
  if (from > 0n) proof.push(rangeRoot({ from, end }, tree, hasher));
  return proof.toReversed();
}

/** The greatest power of two below `width`, which is at least 2: where RFC 6962 splits a tree. */
function leftWidth(width: bigint): bigint {
  return 1n << BigInt(bitLength(width - 1n) - 1);
}

function checkOrder(oldSize: bigint, newSize: bigint): void {
  checkSize(oldSize, "old size");
  checkSize(newSize, "new size");
  if (oldSize > newSize) {
    throw new TlogError("malformed", `old size ${oldSize} is above new size ${newSize}`);
  }
}
