// The tree has the hashes that RFC 6962 defines, grows tile by tile, and is not grown on a wrong edge.
import { describe, expect, it } from "vitest";

import { decodeHashBundle } from "#tlog/bundle.ts";
import { concatBytes, fromHex, toHex } from "#tlog/bytes.ts";
import { tilePath } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { appendLeaves, CompactRange, leafHashes, rootOfEdge, tileHash } from "#tlog/tree.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";
import { numberedEntries, TileLog } from "#test/support/tile-log.ts";

/** Entries and roots that implementations of Certificate Transparency share (RFC 6962 section 2.1). */
const ENTRIES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const hasher = createTreeHasher();
const nothing = new Uint8Array(0);
const empty = { size: 0n, edge: new Map<string, Uint8Array>(), edgeEntries: nothing };

describe("roots", () => {
  it("are those of RFC 6962 for its entries", () => {
    const range = new CompactRange();
    const roots = [range.root()];
    for (const entry of ENTRIES) {
      range.append(hasher.leaf(fromHex(entry)));
      roots.push(range.root());
    }

    expect(roots.map(toHex)).toEqual(ROOTS);
    expect(range.size).toBe(8n);
  });

  it("of no leaves are the hash of nothing, without a tile", () => {
    expect(toHex(rootOfEdge(0n, new Map()))).toBe(ROOTS[0]);
    expect(appendLeaves({ ...empty, entries: nothing })).toEqual({
      size: 0n,
      root: hasher.empty,
      tiles: [],
    });
  });

  it("need the edge tiles, of the length that their width says", () => {
    const log = new TileLog();
    log.append(numberedEntries(0, 300));
    const short = new Map(log.tiles).set("tile/1/000.p/1", new Uint8Array(31));

    expect(rootOfEdge(300n, log.tiles)).toEqual(new Uint8Array(log.root));
    expect(() => rootOfEdge(301n, log.tiles)).toThrow("tile/0/001.p/45 is missing");
    expect(() => rootOfEdge(300n, short)).toThrow("tile/1/000.p/1 is 31 bytes, not 32");
  });
});

describe("appendLeaves", () => {
  it("gives every tile and bundle that is new, and no other", () => {
    const log = new TileLog();

    expect(log.append(numberedEntries(0, 1))).toEqual(["tile/entries/000.p/1", "tile/0/000.p/1"]);
    expect(log.append(numberedEntries(1, 256))).toEqual(["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    expect(log.append(numberedEntries(256, 257))).toEqual(["tile/entries/001.p/1", "tile/0/001.p/1"]);
    expect(log.append(nothing)).toEqual([]);
    expect(log.append(numberedEntries(257, 513))).toEqual([
      "tile/entries/001",
      "tile/entries/002.p/1",
      "tile/0/001",
      "tile/0/002.p/1",
      "tile/1/000.p/2",
    ]);
  });

  it("writes the same whether leaves come at once or one by one", () => {
    const atOnce = new TileLog();
    const inParts = new TileLog();

    atOnce.append(numberedEntries(0, 520));
    for (let index = 0; index < 520; index += 1) inParts.append(numberedEntries(index, index + 1));

    expect(inParts.root).toEqual(atOnce.root);
    expect(
      [...atOnce.tiles].filter(
        ([path, bytes]) => !bytes.every((b, at) => inParts.tiles.get(path)?.[at] === b),
      ),
    ).toEqual([]);
  });

  it("puts entries into bundles and their hashes into tiles", () => {
    const entries = numberedEntries(0, 3);

    const { tiles } = appendLeaves({ ...empty, entries });

    const byPath = new Map(tiles.map(({ tile, bytes }) => [tilePath(tile), bytes]));
    expect(decodeHashBundle(byPath.get("tile/entries/000.p/3")!)).toEqual(entries);
    expect(byPath.get("tile/0/000.p/3")).toEqual(leafHashes(entries));
  });

  it("refuses entries of the partial bundle that are not those of its tile", () => {
    const entries = numberedEntries(0, 3);
    const { size, tiles } = appendLeaves({ ...empty, entries });
    const edge = new Map(tiles.map(({ tile, bytes }) => [tilePath(tile), bytes]));
    const append = (edgeEntries: Uint8Array) => () =>
      appendLeaves({ size, edge, entries: nothing, edgeEntries });

    expect(append(entries)().size).toBe(3n);
    expect(append(numberedEntries(1, 4))).toThrow(
      "the entries of the partial bundle do not hash to the tile",
    );
    expect(append(numberedEntries(0, 2))).toThrow(TlogError);
    expect(append(nothing)).toThrow(TlogError);
    expect(append(entries.subarray(1))).toThrow("95 bytes are not entries of 32 bytes");
  });

  it("refuses to pass 2^63 - 1 leaves, a missing edge and half an entry", () => {
    const entries = numberedEntries(0, 1);

    expect(() => appendLeaves({ ...empty, size: 5n, entries })).toThrow("tile/0/000.p/5 is missing");
    expect(() => appendLeaves({ ...empty, size: 2n ** 63n, entries })).toThrow(
      "size 9223372036854775808 is not",
    );
    expect(() => appendLeaves({ ...empty, entries: entries.subarray(1) })).toThrow(TlogError);
  });
});

describe("tileHash", () => {
  it("is the hash that the tile above holds", () => {
    const log = new TileLog();
    log.append(numberedEntries(0, 512));

    const hashes = ["tile/0/000", "tile/0/001"].map((path) => tileHash(log.tiles.get(path)!));

    expect(log.tiles.get("tile/1/000.p/2")).toEqual(concatBytes(hashes));
  });

  it("is of full tiles only", () => {
    expect(() => tileHash(new Uint8Array(255 * 32))).toThrow("a full tile is 8192 bytes, not 8160");
  });
});

describe("CompactRange", () => {
  it("takes subtrees where they fit", () => {
    const leaf = hasher.leaf(nothing);
    const pair = hasher.node(leaf, leaf);
    const bySubtrees = new CompactRange();
    const byLeaves = new CompactRange();

    bySubtrees.appendSubtree(pair, 1);
    bySubtrees.append(leaf);
    for (let index = 0; index < 3; index += 1) byLeaves.append(leaf);

    expect(bySubtrees.root()).toEqual(byLeaves.root());
    expect(bySubtrees.size).toBe(3n);
    expect(() => bySubtrees.appendSubtree(pair, 1)).toThrow("height 1 does not fit behind 3 leaves");
  });

  it("refuses hashes that are not of 32 bytes, odd heights and more than 2^63 - 1 leaves", () => {
    const range = new CompactRange();
    const hash = new Uint8Array(32);

    range.appendSubtree(hash, 62);

    expect(() => range.appendSubtree(hash, 62)).toThrow("size 9223372036854775808 is above");
    expect(() => range.append(new Uint8Array(31))).toThrow("hash is 31 bytes; a hash is 32");
    expect(() => range.appendSubtree(hash, -1)).toThrow(TlogError);
    expect(() => range.appendSubtree(hash, 0.5)).toThrow(TlogError);
    expect(() => new CompactRange().appendSubtree(hash, 64)).toThrow(TlogError);
    expect(range.size).toBe(2n ** 62n);
  });
});
