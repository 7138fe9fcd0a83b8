// Tiles are those of C2SP tlog-tiles, under the paths that it gives them, each with exactly one path.
import { describe, expect, it } from "vitest";

import type { TileId } from "#tlog/tile.ts";
import { bundlesOfSize, edgeTiles, parseTilePath, tilePath, tilesOfSize } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const MAX = 2n ** 63n - 1n;

describe("tile paths", () => {
  it.each<[string, TileId]>([
    ["tile/0/000", { level: 0, index: 0n, width: 256 }],
    ["tile/0/000.p/1", { level: 0, index: 0n, width: 1 }],
    ["tile/1/999.p/255", { level: 1, index: 999n, width: 255 }],
    ["tile/2/x001/000", { level: 2, index: 1000n, width: 256 }],
    ["tile/0/x001/x234/067", { level: 0, index: 1_234_067n, width: 256 }],
    ["tile/entries/000.p/12", { level: "entries", index: 0n, width: 12 }],
    ["tile/entries/x123/x456/789", { level: "entries", index: 123_456_789n, width: 256 }],
    ["tile/63/x009/x223/x372/x036/x854/x775/807", { level: 63, index: MAX, width: 256 }],
  ])("%s is written and read", (path, tile) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it.each([
    "",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000",
    "tile/0/x001",
    "tile/0/x000/001",
    "tile/0/001/001",
    "tile/0/X001/001",
    "tile/00/000",
    "tile/64/000",
    "tile/100/000",
    "tile/-1/000",
    "tile/data/000",
    "tile/8/0/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/1000",
    "tile/0/000.p/",
    "tile/0/000.p",
    "tile/0/000.p/1/",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/000\n",
    "tile/0/٠٠٠",
    "tile/0/x009/x223/x372/x036/x854/x775/808",
    "tile/0/x001/x009/x223/x372/x036/x854/x775/807",
    "tile/0/..%2f000",
    `tile/0/${"x000/".repeat(10_000)}000`,
  ])("%s is none", (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it.each<[string, TileId]>([
    ["a level above 63", { level: 64, index: 0n, width: 256 }],
    ["a negative level", { level: -1, index: 0n, width: 256 }],
    ["half a level", { level: 0.5, index: 0n, width: 256 }],
    ["a negative index", { level: 0, index: -1n, width: 256 }],
    ["an index above 2^63 - 1", { level: 0, index: MAX + 1n, width: 256 }],
    ["no width", { level: 0, index: 0n, width: 0 }],
    ["a width above 256", { level: 0, index: 0n, width: 257 }],
    ["half a width", { level: 0, index: 0n, width: 1.5 }],
  ])("are not made of %s", (_name, tile) => {
    expect(() => tilePath(tile)).toThrow(TlogError);
  });
});

describe("the tiles of a tree", () => {
  it("of 70,000 leaves are those that the specification counts", () => {
    const paths = [...tilesOfSize(70_000n)].map(tilePath);

    expect(paths.length).toBe(273 + 1 + 1 + 1 + 1);
    expect(paths.slice(0, 2)).toEqual(["tile/0/000", "tile/0/001"]);
    expect(paths.slice(272)).toEqual([
      "tile/0/272",
      "tile/0/273.p/112",
      "tile/1/000",
      "tile/1/001.p/17",
      "tile/2/000.p/1",
    ]);
  });

  it.each([
    [0n, []],
    [1n, ["tile/0/000.p/1"]],
    [255n, ["tile/0/000.p/255"]],
    [256n, ["tile/0/000", "tile/1/000.p/1"]],
    [257n, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]],
  ])("of %d leaves are %j", (size, paths) => {
    expect([...tilesOfSize(size)].map(tilePath)).toEqual(paths);
  });

  it("come one at a time, so that those of 2^63 - 1 leaves can be begun", () => {
    expect(tilesOfSize(MAX).next().value).toEqual({ level: 0, index: 0n, width: 256 });
  });

  it("have bundles beside those of level 0", () => {
    expect([...bundlesOfSize(513n)].map(tilePath)).toEqual([
      "tile/entries/000",
      "tile/entries/001",
      "tile/entries/002.p/1",
    ]);
  });

  it("at the right edge are the partial ones", () => {
    expect(edgeTiles(0n)).toEqual([]);
    expect(edgeTiles(65_536n).map(tilePath)).toEqual(["tile/2/000.p/1"]);
    expect(edgeTiles(70_000n).map(tilePath)).toEqual([
      "tile/0/273.p/112",
      "tile/1/001.p/17",
      "tile/2/000.p/1",
    ]);
    expect(edgeTiles(MAX).length).toBe(8);
  });

  it.each([-1n, MAX + 1n])("are refused for a size of %d", (size) => {
    expect(() => edgeTiles(size)).toThrow(TlogError);
    expect(() => tilesOfSize(size).next()).toThrow(TlogError);
    expect(() => bundlesOfSize(size).next()).toThrow(TlogError);
  });
});
