/**
 * Judges what a walk has noted, from the signed root down: a stored hash counts once it is bound to the root by the tiles
 * above it. So it can be told whether a line, an entry, a tile or several of them at once were altered, and where.
 */
import type { Finding } from "#verify/finding.ts";
import { hex, leafRange } from "#verify/finding.ts";
import type { LineMismatch } from "#verify/line-check.ts";
import {
  edgeWidth,
  foldHashes,
  HASH_BYTES,
  hashLeaves,
  rootOfEdge,
  TILE_WIDTH,
  tileLevels,
} from "#verify/native-hash.ts";
import type { TileReader } from "#verify/tile-reader.ts";
import { tileKey } from "#verify/tile-reader.ts";
import type { HashMismatch, Walk } from "#verify/tree-walk.ts";

export interface JudgeOptions {
  readonly size: number;
  /** The signed one. */
  readonly root: Buffer;
  readonly walk: Walk;
  readonly tiles: TileReader;
  /** undefined where lines were not looked at. */
  readonly lineMismatches: readonly LineMismatch[] | undefined;
  readonly report: (finding: Finding) => void;
}

/** Leaves, the first and the one behind the last, whose entries are not what was sealed. */
export type LeafSpan = readonly [number, number];

export interface JudgedTree {
  /** Leaves whose entries are not to be trusted; lines of others can be judged by their entries. */
  readonly spans: readonly LeafSpan[];
  /** Leaves among them whose lines are what was sealed all the same. */
  readonly soundLines: ReadonlySet<number>;
}

export async function judgeTree(options: JudgeOptions): Promise<JudgedTree> {
  const { size, root, walk } = options;
  if (walk.tree.root().equals(root)) {
    reportTiles(options, []);
    return { spans: [], soundLines: new Set() };
  }
  const edge = await findEdge(options);
  if (edge === undefined) {
    reportRoot(options);
    return { spans: [[0, size]], soundLines: new Set() };
  }
  const spans: LeafSpan[] = [];
  const soundLines = new Set<number>();
  for (let level = tileLevels(size) - 1; level >= 0; level--) {
    const first = Math.floor(size / TILE_WIDTH ** (level + 1)) * TILE_WIDTH;
    await descendAll(options, { level, first, authentic: edge[level] ?? Buffer.alloc(0), spans, soundLines });
  }
  reportTiles(options, spans);
  return { spans, soundLines };
}

/** Hashes of the right edge that have the signed root: stored ones where they fit, computed ones in their place. */
async function findEdge({ size, root, walk, tiles }: JudgeOptions): Promise<readonly Buffer[] | undefined> {
  const choices: (readonly [stored: Buffer | undefined, computed: Buffer])[] = [];
  for (let level = 0; level < tileLevels(size); level++) {
    const computed = edgeOf(walk, size, level);
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    choices.push([computed.length === 0 ? undefined : await tiles.hashes(level, index), computed]);
  }
  for (let mask = 0; mask < 2 ** choices.length; mask++) {
    const edge = choices.map(([stored, computed], level) =>
      (mask & (1 << level)) === 0 && stored !== undefined ? stored : computed,
    );
    if (rootOfEdge(edge).equals(root)) return edge;
  }
  return undefined;
}

function edgeOf({ tree }: Walk, size: number, level: number): Buffer {
  if (level === 0) return size % TILE_WIDTH === 0 ? Buffer.alloc(0) : tree.lastLeaves();
  const hashes = tree.level(level);
  return hashes.subarray(hashes.length - edgeWidth(size, level) * HASH_BYTES);
}

interface Stretch {
  readonly level: number;
  /** Number of the first hash within the level. */
  readonly first: number;
  /** Hashes that are bound to the signed root. */
  readonly authentic: Buffer;
  /** What is found. */
  readonly spans: LeafSpan[];
  readonly soundLines: Set<number>;
}

async function descendAll(options: JudgeOptions, stretch: Stretch): Promise<void> {
  const { level, first, authentic } = stretch;
  const computed = await computedHashes(options, level, first);
  for (let place = 0; place * HASH_BYTES < authentic.length; place++) {
    const [at, end] = [place * HASH_BYTES, (place + 1) * HASH_BYTES];
    const hash = authentic.subarray(at, end);
    if (computed?.subarray(at, end).equals(hash) === true) continue;
    if (level === 0) judgeLeaf(options, { ...stretch, leaf: first + place, hash });
    else await judgeSubtree(options, { ...stretch, first: first + place, authentic: hash });
  }
}

/** Hashes of a level from the first one of a tile on, as computed from the entries. */
async function computedHashes(
  { walk, tiles }: JudgeOptions,
  level: number,
  first: number,
): Promise<Buffer | undefined> {
  if (level > 0)
    return walk.tree.level(level).subarray(first * HASH_BYTES, (first + TILE_WIDTH) * HASH_BYTES);
  const entries = await tiles.entries(first / TILE_WIDTH);
  return entries === undefined ? undefined : hashLeaves(entries);
}

/** @param stretch one hash, of a full tile of the level below */
async function judgeSubtree(options: JudgeOptions, stretch: Stretch): Promise<void> {
  const { level, first: index, authentic, spans } = stretch;
  const below = level - 1;
  const stored = await options.tiles.hashes(below, index);
  if (stored !== undefined && foldHashes(stored).equals(authentic)) {
    return descendAll(options, { ...stretch, level: below, first: index * TILE_WIDTH, authentic: stored });
  }
  const leaves = TILE_WIDTH ** level;
  const span: LeafSpan = [index * leaves, (index + 1) * leaves];
  addSpan(spans, span);
  const { size, lineMismatches } = options;
  const key = tileKey(below, index, size);
  const above = tileKey(level, Math.floor(index / TILE_WIDTH), size);
  const bound = `the tile ${above}, which is bound to the signed root, has another hash for them`;
  const wrong = stored === undefined ? "the entries" : `the entries and the tile ${key}`;
  const first = lineMismatches?.find(({ leaf }) => leaf >= span[0] && leaf < span[1]);
  const lines =
    first === undefined
      ? ""
      : `; line ${first.line} of ${first.object}, that of leaf ${first.leaf}, does not fit its entry`;
  options.report({
    kind: "entries",
    object: below === 0 ? tileKey("entries", index, size) : key,
    leaf: first?.leaf,
    leaves: span,
    expected: hex(authentic),
    found: stored === undefined ? undefined : hex(foldHashes(stored)),
    meaning: `${wrong} of ${leafRange(...span)} are not what was sealed, though they may fit each other: ${bound}${lines}`,
  });
  return undefined;
}

/** One span for neighbours: every entry of a large log may have been altered. */
function addSpan(spans: LeafSpan[], [first, end]: LeafSpan): void {
  const last = spans.at(-1);
  if (last?.[1] === first) spans[spans.length - 1] = [last[0], end];
  else spans.push([first, end]);
}

interface JudgedLeaf extends Pick<Stretch, "spans" | "soundLines"> {
  readonly leaf: number;
  /** The leaf hash that was sealed. */
  readonly hash: Buffer;
}

function judgeLeaf({ size, lineMismatches, report }: JudgeOptions, judged: JudgedLeaf): void {
  const { leaf, hash, spans, soundLines } = judged;
  addSpan(spans, [leaf, leaf + 1]);
  const mismatch = lineMismatches?.find((line) => line.leaf === leaf);
  const isLineSealed = mismatch !== undefined && hashLeaves(mismatch.found).equals(hash);
  if (isLineSealed) soundLines.add(leaf);
  const isConsistent = lineMismatches !== undefined && mismatch === undefined;
  const bundle = tileKey("entries", Math.floor(leaf / TILE_WIDTH), size);
  const meaning = isLineSealed
    ? `the entry of leaf ${leaf} was altered in the bundle; its line and its tile are as they were sealed`
    : isConsistent
      ? `the line of leaf ${leaf} and its entry were altered to fit each other; the level-0 tile, which is bound to the signed root, has another hash`
      : `the entry of leaf ${leaf} is not the one that was sealed`;
  report({
    kind: isConsistent ? "entries" : "bundle",
    object: bundle,
    leaf,
    byte: (leaf % TILE_WIDTH) * (HASH_BYTES + 2),
    expected: `an entry with leaf hash ${hex(hash)}`,
    meaning,
  });
}

function reportRoot({ size, root, walk, report }: JudgeOptions): void {
  report({
    kind: "root",
    object: "log/checkpoint",
    leaves: [0, size],
    expected: hex(root),
    found: hex(walk.tree.root()),
    meaning: `the checkpoint is signed, but its root is not that of the ${size} entries, and no stored tile leads to it: the whole tree is another one`,
  });
}

/** Tiles that differ from what was computed, where what was computed holds. */
function reportTiles({ walk, size, report }: JudgeOptions, spans: readonly LeafSpan[]): void {
  for (const { level, index, place, computed, stored } of walk.mismatches) {
    const span = leavesOf({ level, index, place });
    if (spans.some(([first, end]) => first < span[1] && span[0] < end)) continue;
    report({
      kind: "tile",
      object: tileKey(level, index, size),
      byte: place * HASH_BYTES,
      leaf: level === 0 ? span[0] : undefined,
      leaves: span,
      expected: hex(computed),
      found: hex(stored),
      meaning: `the tile of level ${level} was altered at the hash of ${leafRange(...span)}; the entries below have the signed root`,
    });
  }
}

function leavesOf({ level, index, place }: Pick<HashMismatch, "level" | "index" | "place">): LeafSpan {
  const leaves = TILE_WIDTH ** level;
  const first = (index * TILE_WIDTH + place) * leaves;
  return [first, first + leaves];
}
