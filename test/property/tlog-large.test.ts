// Trees of up to 2^63 - 1 leaves, which no one can hold: their sizes are what 64-bit arithmetic must get right. An oracle
// makes the few hashes that are needed; proofs, tiles and growth must agree with it.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { toHex } from "#tlog/bytes.ts";
import { consistencyProblem, inclusionProblem } from "#tlog/proof.ts";
import type { TileId } from "#tlog/tile.ts";
import { edgeTiles, tilePath } from "#tlog/tile.ts";
import {
  appendLeaves,
  CompactRange,
  proveConsistency,
  proveInclusion,
  rootOfEdge,
  tilesForConsistency,
  tilesForInclusion,
} from "#tlog/tree.ts";
import { leafHash, OracleTree } from "#test/support/oracle-tree.ts";
import { NODE_HASHER, numberedEntries, numberedEntry } from "#test/support/tile-log.ts";

/** Some seconds of hashing, which a busy machine stretches. */
const PATIENT = { timeout: 90_000 };
const MAX_SIZE = 2n ** 63n - 1n;
/** The entry of every leaf that the oracle was not given; its leaf hash is the oracle's common one. */
const COMMON_ENTRY = new Uint8Array(0);

/** Any size, half of them within 300 of a power of two. */
const sizes = fc
  .oneof(
    fc.bigInt({ min: 1n, max: MAX_SIZE }),
    fc
      .tuple(
        fc.constantFrom(8n, 16n, 24n, 31n, 32n, 33n, 40n, 52n, 53n, 54n, 56n, 62n),
        fc.bigInt(-300n, 300n),
      )
      .map(([power, off]) => 2n ** power + off),
  )
  .filter((size) => size >= 1n && size <= MAX_SIZE);

/** A size, and a number below it: mostly near an end, or a random one. */
const places = sizes.chain((size) =>
  fc
    .oneof(
      fc.bigInt({ min: 0n, max: size - 1n }),
      fc.bigInt({ min: 0n, max: 600n }).map((off) => size - 1n - (off % size)),
      fc.bigInt({ min: 0n, max: 600n }).map((off) => off % size),
    )
    .map((index) => ({ size, index })),
);

function tilesOf(tree: OracleTree, ids: readonly TileId[]): Map<string, Uint8Array> {
  return new Map(
    ids.map((tile) => {
      const span = 8n * BigInt(tile.level);
      const first = tile.index * 256n;
      const hashes = Array.from({ length: tile.width }, (_, at) =>
        tree.range((first + BigInt(at)) << span, (first + BigInt(at) + 1n) << span),
      );
      return [tilePath(tile), new Uint8Array(Buffer.concat(hashes))];
    }),
  );
}

const hexOf = (hashes: readonly Uint8Array[]): string[] => hashes.map(toHex);

describe("trees of any 64-bit size", () => {
  it("prove a leaf as the oracle does", PATIENT, () => {
    const hash = leafHash(numberedEntry(1));

    fc.assert(
      fc.property(places, ({ size, index }) => {
        const tree = new OracleTree(size, [{ index, hash }]);
        const root = tree.root();
        const tiles = tilesOf(tree, tilesForInclusion(index, size));

        const proof = proveInclusion({ index, size, root, tiles }, NODE_HASHER);

        expect(hexOf(proof)).toEqual(hexOf(tree.path(index)));
        expect(inclusionProblem({ index, size, root, proof, leafHash: hash })).toBeUndefined();
        expect(
          inclusionProblem({ index, size, root, proof, leafHash: leafHash(COMMON_ENTRY) }),
        ).toBeDefined();
      }),
      { numRuns: 150 },
    );
  });

  it("prove to have grown as the oracle does", PATIENT, () => {
    const hash = leafHash(numberedEntry(1));

    fc.assert(
      fc.property(places, ({ size, index }) => {
        const oldSize = index + 1n;
        const tree = new OracleTree(size, [{ index, hash }]);
        const root = tree.root();
        const oldRoot = tree.root(oldSize);
        const tiles = tilesOf(tree, tilesForConsistency(oldSize, size));

        const proof = proveConsistency({ oldSize, newSize: size, root, tiles }, NODE_HASHER);

        const claim = { oldSize, newSize: size, oldRoot, newRoot: root, proof };
        expect(hexOf(proof)).toEqual(hexOf(tree.proof(oldSize)));
        expect(consistencyProblem(claim)).toBeUndefined();
        expect(consistencyProblem({ ...claim, oldRoot: leafHash(COMMON_ENTRY) }) === undefined).toBe(
          toHex(oldRoot) === toHex(leafHash(COMMON_ENTRY)),
        );
      }),
      { numRuns: 150 },
    );
  });

  it("grow by up to 600 leaves to what the oracle says", PATIENT, () => {
    const grown = fc.tuple(sizes, fc.nat(600)).filter(([size, count]) => size + BigInt(count) <= MAX_SIZE);

    fc.assert(
      fc.property(grown, ([size, count]) => {
        const partial = Number(size % 256n);
        const given = Array.from({ length: partial + count }, (_, at) => ({
          index: size - BigInt(partial) + BigInt(at),
          hash: leafHash(numberedEntry(at)),
        }));
        const tree = new OracleTree(size + BigInt(count), given);
        const edge = tilesOf(tree, edgeTiles(size));
        const edgeEntries = numberedEntries(0, partial);

        const entries = numberedEntries(partial, partial + count);
        const appended = appendLeaves({ size, edge, entries, edgeEntries }, NODE_HASHER);

        const hashTiles = appended.tiles.filter(({ tile }) => tile.level !== "entries");
        const expected = tilesOf(
          tree,
          hashTiles.map(({ tile }) => tile),
        );
        expect(toHex(rootOfEdge(size, edge))).toBe(toHex(tree.root(size)));
        expect(toHex(appended.root)).toBe(toHex(tree.root()));
        expect(new Map(hashTiles.map(({ tile, bytes }) => [tilePath(tile), toHex(bytes)]))).toEqual(
          new Map([...expected].map(([path, bytes]) => [path, toHex(bytes)])),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("have the root of a compact range that took their full subtrees", PATIENT, () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const tree = new OracleTree(size, []);
        const range = new CompactRange(NODE_HASHER);

        for (let height = 62; height >= 0; height -= 1) {
          if (((size >> BigInt(height)) & 1n) === 1n)
            range.appendSubtree(tree.range(0n, 1n << BigInt(height)), height);
        }

        expect(range.size).toBe(size);
        expect(toHex(range.root())).toBe(toHex(tree.root()));
      }),
      { numRuns: 100 },
    );
  });
});
