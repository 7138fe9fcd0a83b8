// Proofs are made only of tiles that lead to the signed root: whatever is altered, also consistently, is refused and named.
import { describe, expect, it } from "vitest";

import { decodeHashBundle } from "#tlog/bundle.ts";
import { concatBytes } from "#tlog/bytes.ts";
import { consistencyProblem, inclusionProblem } from "#tlog/proof.ts";
import type { TileId } from "#tlog/tile.ts";
import { edgeTiles, tilePath, tilesOfSize } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import {
  leafHashes,
  proveConsistency,
  proveInclusion,
  tileHash,
  tilesForConsistency,
  tilesForInclusion,
} from "#tlog/tree.ts";
import { numberedEntries, numberedEntry, TileLog } from "#test/support/tile-log.ts";

/** Three levels of tiles, the lowest two with full ones. */
const SIZE = 65_536 + 2 * 256 + 7;
const log = new TileLog();
log.append(numberedEntries(0, 1000));
const early = { size: log.size, root: log.root };
log.append(numberedEntries(1000, SIZE));
const { size, root, tiles } = log;

const paths = (ids: readonly TileId[]): string[] => ids.map(tilePath);
const only = (ids: readonly TileId[]): Map<string, Uint8Array> =>
  new Map(paths(ids).map((path) => [path, tiles.get(path)!]));

describe("tiles of a proof", () => {
  it("are those of the path and those of the edge", () => {
    expect(paths(tilesForInclusion(70n, size))).toEqual([
      "tile/0/000",
      "tile/1/000",
      "tile/2/000.p/1",
      "tile/0/258.p/7",
      "tile/1/001.p/2",
    ]);
    expect(paths(tilesForInclusion(size - 1n, size))).toEqual(paths(edgeTiles(size)));
    expect(paths(tilesForConsistency(1000n, size))).toEqual(paths(tilesForInclusion(999n, size)));
    expect(paths(tilesForConsistency(256n, size))).toEqual(paths(tilesForInclusion(255n, size)));
    expect(tilesForConsistency(0n, size)).toEqual([]);
  });

  it.each([
    [5n, 5n],
    [-1n, 5n],
    [0n, 0n],
    [0n, 2n ** 63n],
  ])("of leaf %d in a tree of %d are not asked for", (index, treeSize) => {
    expect(() => tilesForInclusion(index, treeSize)).toThrow(TlogError);
    expect(() => proveInclusion({ index, size: treeSize, root, tiles })).toThrow(TlogError);
  });

  it.each([
    [6n, 5n],
    [-1n, 5n],
    [5n, 2n ** 63n],
  ])("from size %d to %d are not asked for", (oldSize, newSize) => {
    expect(() => tilesForConsistency(oldSize, newSize)).toThrow(TlogError);
    expect(() => proveConsistency({ oldSize, newSize, root, tiles })).toThrow(TlogError);
  });
});

describe("proofs", () => {
  it.each([0n, 1n, 255n, 256n, 65_535n, 65_536n, 66_047n, 66_048n, size - 1n])(
    "of leaf %d need no other tiles than those named, and hold",
    (index) => {
      const given = only(tilesForInclusion(index, size));

      const proof = proveInclusion({ index, size, root, tiles: given });

      const [leafHash] = [leafHashes(numberedEntry(Number(index)))];
      expect(inclusionProblem({ index, size, leafHash, proof, root })).toBeUndefined();
    },
  );

  it("of growth need no other tiles than those named, and hold", () => {
    const given = only(tilesForConsistency(early.size, size));

    const proof = proveConsistency({ oldSize: early.size, newSize: size, root, tiles: given });

    const claim = { oldSize: early.size, newSize: size, oldRoot: early.root, newRoot: root, proof };
    expect(consistencyProblem(claim)).toBeUndefined();
  });

  it("of growth from nothing and between equal sizes are empty", () => {
    expect(proveConsistency({ oldSize: 0n, newSize: size, root, tiles })).toEqual([]);
    expect(proveConsistency({ oldSize: size, newSize: size, root, tiles })).toEqual([]);
  });

  it.each(paths(tilesForInclusion(70n, size)))("are not made without %s", (path) => {
    const given = only(tilesForInclusion(70n, size));
    given.delete(path);

    expect(() => proveInclusion({ index: 70n, size, root, tiles: given })).toThrow(`${path} is missing`);
  });

  it.each(paths(tilesForInclusion(70n, size)))("are not made of an altered %s, and it is named", (path) => {
    const altered = Uint8Array.from(tiles.get(path)!);
    altered[altered.length - 1]! ^= 1;
    const given = new Map(tiles).set(path, altered);

    expect(() => proveInclusion({ index: 70n, size, root, tiles: given })).toThrow(path);
    expect(() => proveConsistency({ oldSize: 71n, newSize: size, root, tiles: given })).toThrow(path);
  });

  it("are not made of a leaf behind the tree", () => {
    const claims = [size, -1n].map((index) => ({ index, size, root, tiles }));

    for (const claim of claims) expect(() => proveInclusion(claim)).toThrow(`index ${claim.index} is not in`);
  });

  it("are not made from a larger tree than the signed one", () => {
    const claim = { oldSize: size + 1n, newSize: size, root, tiles };

    expect(() => proveConsistency(claim)).toThrow(`old size ${size + 1n} is above new size ${size}`);
  });

  it("are not made of a tile that is too short or too long", () => {
    const short = new Map(tiles).set("tile/0/000", tiles.get("tile/0/000")!.subarray(32));
    const long = new Map(tiles).set("tile/0/258.p/7", new Uint8Array(256));

    expect(() => proveInclusion({ index: 70n, size, root, tiles: short })).toThrow(
      "tile/0/000 is 8160 bytes",
    );
    expect(() => proveInclusion({ index: 70n, size, root, tiles: long })).toThrow(
      "tile/0/258.p/7 is 256 bytes",
    );
  });

  it("are not made for another root", () => {
    expect(() => proveInclusion({ index: 70n, size, root: early.root, tiles })).toThrow(
      "the root over tile/0/258",
    );
    expect(() => proveConsistency({ oldSize: size, newSize: size, root: early.root, tiles })).toThrow(
      TlogError,
    );
  });
});

describe("a log whose entry and tile of level 0 were altered consistently", () => {
  const index = 70n;
  const bundle = decodeHashBundle(tiles.get("tile/entries/000")!);
  const entries = concatBytes([
    bundle.subarray(0, 70 * 32),
    numberedEntry(999_999),
    bundle.subarray(71 * 32),
  ]);
  const forged = leafHashes(entries);

  it("gives no proof of the altered entry", () => {
    const given = new Map(tiles).set("tile/0/000", forged);

    expect(() => proveInclusion({ index, size, root, tiles: given })).toThrow("tile/0/000 hashes to");
  });

  it("gives none either where the hash in the tile above was altered with them", () => {
    const above = Uint8Array.from(tiles.get("tile/1/000")!);
    above.set(tileHash(forged), 0);
    const given = new Map(tiles).set("tile/0/000", forged).set("tile/1/000", above);

    expect(() => proveInclusion({ index, size, root, tiles: given })).toThrow("tile/1/000 hashes to");
  });

  it("gives none where every tile was altered up to the root, for the root is signed", () => {
    const rewritten = new TileLog();
    rewritten.append(concatBytes([entries, numberedEntries(256, SIZE)]));

    expect([...rewritten.tiles.keys()].filter((path) => !path.includes("entries"))).toEqual(
      [...tilesOfSize(size)].map(tilePath),
    );
    expect(() => proveInclusion({ index, size, root, tiles: rewritten.tiles })).toThrow("the root over");
  });
});
