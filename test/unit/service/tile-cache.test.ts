// The bounds of the cache of tiles.
import { expect, it } from "vitest";
import { TileCache } from "#service/tile-cache.ts";

const tile = (length: number): Uint8Array => new Uint8Array(length).fill(length);

it("gives what it keeps, and nothing else", () => {
  const cache = new TileCache(100);

  cache.keep("a", tile(10));

  expect(cache.get("a")).toEqual(tile(10));
  expect(cache.get("b")).toBeUndefined();
});

it("forgets what was used longest ago, as far as it must", () => {
  const cache = new TileCache(100);
  cache.keep("a", tile(40));
  cache.keep("b", tile(40));
  cache.get("a");

  cache.keep("c", tile(50));

  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([tile(40), undefined, tile(50)]);
});

it("counts a tile once that is kept twice", () => {
  const cache = new TileCache(100);
  cache.keep("a", tile(60));
  cache.keep("a", tile(60));

  cache.keep("b", tile(40));

  expect(cache.get("a")).toEqual(tile(60));
});

it("keeps nothing that is larger than itself", () => {
  const cache = new TileCache(100);
  cache.keep("a", tile(100));

  cache.keep("b", tile(101));

  expect([cache.get("a"), cache.get("b")]).toEqual([tile(100), undefined]);
});
