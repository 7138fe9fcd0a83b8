/**
 * Which tiles a tree has and how they are called (C2SP tlog-tiles): 256 hashes wide, eight levels of the tree high. Entry
 * bundles have the same indexes and widths as the tiles of level 0.
 */
import { checkSize, MAX_SIZE } from "#tlog/numbers.ts";
import { TlogError } from "#tlog/tlog-error.ts";

export const TILE_WIDTH = 256;
/** Levels of the tree that one tile spans. */
export const TILE_HEIGHT = 8;
/** C2SP tlog-tiles: `<L>` is between 0 and 63. */
const MAX_LEVEL = 63;

export interface TileId {
  /** 0 holds leaf hashes; each hash above is that of a full tile below. `entries` is a bundle of entries. */
  readonly level: number | "entries";
  readonly index: bigint;
  /** Hashes or entries in it: 1 to 256; fewer than 256 is a partial tile. */
  readonly width: number;
}

/** Tiles by `tilePath`. */
export type TileBytes = ReadonlyMap<string, Uint8Array>;

/**
 * @returns as `tile/0/x001/x234/067` or `tile/entries/000.p/12`
 * @throws TlogError `malformed` where level, index or width is out of range
 */
export function tilePath(tile: TileId): string {
  const { level, index, width } = tile;
  checkSize(index, "tile index");
  if (level !== "entries" && !isWithin(level, 0, MAX_LEVEL)) {
    throw new TlogError("malformed", `tile level ${level} is not from 0 to ${MAX_LEVEL}`);
  }
  if (!isWithin(width, 1, TILE_WIDTH)) {
    throw new TlogError("malformed", `tile width ${width} is not from 1 to ${TILE_WIDTH}`);
  }
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) ?? [];
  const last = groups.length - 1;
  const place = groups.map((group, at) => (at < last ? `x${group}` : group)).join("/");
  return `tile/${level}/${place}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,6}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Strict: undefined for everything that `tilePath` does not write. Takes attacker-controlled text. */
export function parseTilePath(path: string): TileId | undefined {
  const [, levelText = "", groups = "", widthText] = PATH.exec(path) ?? [];
  if (groups === "" || groups.startsWith("x000")) return undefined;
  const level = levelText === "entries" ? levelText : Number(levelText);
  const index = BigInt(groups.replaceAll(/[x/]/g, ""));
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  if (level !== "entries" && level > MAX_LEVEL) return undefined;
  if (index > MAX_SIZE || width > TILE_WIDTH) return undefined;
  if (widthText !== undefined && width === TILE_WIDTH) return undefined;
  return { level, index, width };
}

/** Whether all of a tile or bundle is of the tree of this size: whatever it grows into, the tile stays as it is. */
export function isTileOfSize({ level, index, width }: TileId, size: bigint): boolean {
  const height = TILE_HEIGHT * (level === "entries" ? 0 : level);
  return (index * BigInt(TILE_WIDTH) + BigInt(width)) << BigInt(height) <= size;
}

/**
 * All hash tiles of a tree, lazily: level by level from 0, each from left to right, full ones before the partial one.
 * @throws TlogError `malformed` where size is not 64-bit
 */
export function* tilesOfSize(size: bigint): Generator<TileId, void, undefined> {
  checkSize(size, "size");
  let hashes = size;
  for (let level = 0; hashes > 0n; level += 1) {
    yield* tilesOfLevel(level, hashes);
    hashes >>= BigInt(TILE_HEIGHT);
  }
}

/**
 * All entry bundles of a tree, lazily, from left to right.
 * @throws TlogError `malformed` where size is not 64-bit
 */
export function* bundlesOfSize(size: bigint): Generator<TileId, void, undefined> {
  checkSize(size, "size");
  yield* tilesOfLevel("entries", size);
}

/**
 * The partial tiles of a tree, from level 0 up: their hashes are the roots of all the full subtrees at its right edge, so
 * they are enough to know its root and to append to it. None for the empty tree.
 * @throws TlogError `malformed` where size is not 64-bit
 */
export function edgeTiles(size: bigint): readonly TileId[] {
  checkSize(size, "size");
  const tiles: TileId[] = [];
  let hashes = size;
  for (let level = 0; hashes > 0n; level += 1) {
    const tile = partialTile(level, hashes);
    if (tile !== undefined) tiles.push(tile);
    hashes >>= BigInt(TILE_HEIGHT);
  }
  return tiles;
}

/** The tile of `level` with `index` in a tree of `size`; undefined where it has none. */
export function tileOfSize(level: number, index: bigint, size: bigint): TileId | undefined {
  const hashes = size >> BigInt(TILE_HEIGHT * level);
  const behind = hashes - index * BigInt(TILE_WIDTH);
  if (behind <= 0n) return undefined;
  return { level, index, width: behind >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(behind) };
}

function* tilesOfLevel(level: TileId["level"], hashes: bigint): Generator<TileId, void, undefined> {
  const full = hashes >> BigInt(TILE_HEIGHT);
  for (let index = 0n; index < full; index += 1n) yield { level, index, width: TILE_WIDTH };
  const partial = partialTile(level, hashes);
  if (partial !== undefined) yield partial;
}

function partialTile(level: TileId["level"], hashes: bigint): TileId | undefined {
  const width = Number(hashes % BigInt(TILE_WIDTH));
  return width === 0 ? undefined : { level, index: hashes >> BigInt(TILE_HEIGHT), width };
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
