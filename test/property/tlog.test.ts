// For every size from 0 to 2,000: roots, tiles and proofs are those of an oracle that spells out RFC 6962, and they check.
// A proof that was changed in one bit, or by a hash more or less, does not.
import { describe, expect, it } from "vitest";

import { toHex } from "#tlog/bytes.ts";
import type { ConsistencyClaim, InclusionClaim } from "#tlog/proof.ts";
import { consistencyProblem, inclusionProblem } from "#tlog/proof.ts";
import { edgeTiles, tilePath, tilesOfSize } from "#tlog/tile.ts";
import { CompactRange, proveConsistency, proveInclusion, rootOfEdge } from "#tlog/tree.ts";
import { leafHash, OracleTree } from "#test/support/oracle-tree.ts";
import { below, seededRandom } from "#test/support/seeded-random.ts";
import { NODE_HASHER, numberedEntry, TileLog } from "#test/support/tile-log.ts";

const SEED = 20_260_721;
const LARGEST = 2000;
/** Some seconds of hashing, which a busy machine stretches. */
const PATIENT = { timeout: 90_000 };
const leaves = Array.from({ length: LARGEST }, (_, index) => ({
  index: BigInt(index),
  hash: leafHash(numberedEntry(index)),
}));
const oracle = new OracleTree(BigInt(LARGEST), leaves);
const log = new TileLog();
/** Roots by size, from the tiles. */
const roots = [new Uint8Array(log.root)];
for (let index = 0; index < LARGEST; index += 1) {
  log.append(numberedEntry(index));
  roots.push(new Uint8Array(log.root));
}

const hexOf = (hashes: readonly Uint8Array[]): string[] => hashes.map(toHex);

function inclusionOf(index: number, size: number): InclusionClaim {
  const claim = { index: BigInt(index), size: BigInt(size), root: roots[size]! };
  const proof = proveInclusion({ ...claim, tiles: log.tiles }, NODE_HASHER);
  return { ...claim, leafHash: leaves[index]!.hash, proof };
}

function consistencyOf(oldSize: number, newSize: number): ConsistencyClaim {
  const sizes = { oldSize: BigInt(oldSize), newSize: BigInt(newSize) };
  const proof = proveConsistency({ ...sizes, root: roots[newSize]!, tiles: log.tiles }, NODE_HASHER);
  return { ...sizes, oldRoot: roots[oldSize]!, newRoot: roots[newSize]!, proof };
}

describe("trees of every size from 0 to 2,000", () => {
  it("have the root of the oracle, by appending, from their edge and by a compact range", PATIENT, () => {
    const range = new CompactRange(NODE_HASHER);
    const found = [range.root()];
    for (const { hash } of leaves) {
      range.append(hash);
      found.push(range.root());
    }

    const expected = roots.map((_, size) => toHex(oracle.root(BigInt(size))));
    expect(hexOf(roots)).toEqual(expected);
    expect(hexOf(found)).toEqual(expected);
    expect(roots.map((_, size) => toHex(rootOfEdge(BigInt(size), log.tiles, NODE_HASHER)))).toEqual(expected);
  });

  it("have all their tiles written, each with the hashes of the oracle", PATIENT, () => {
    const sizes = roots.map((_, size) => BigInt(size));

    const missing = sizes
      .flatMap((size) => [...tilesOfSize(size)])
      .filter((tile) => !log.tiles.has(tilePath(tile)));
    const wrong = sizes.flatMap(edgeTiles).filter((tile) => {
      const height = 8n * BigInt(tile.level);
      const hashes = Array.from({ length: tile.width }, (_, at) => tile.index * 256n + BigInt(at)).map((at) =>
        oracle.range(at << height, (at + 1n) << height),
      );
      return !Buffer.concat(hashes).equals(log.tiles.get(tilePath(tile))!);
    });

    expect(missing).toEqual([]);
    expect(wrong).toEqual([]);
  });

  it(`prove the first, the last or a random leaf as the oracle does (seed ${SEED})`, PATIENT, () => {
    const random = seededRandom(SEED);

    for (let size = 1; size <= LARGEST; size += 1) {
      const index = [0, size - 1, below(random, size), below(random, size)][size % 4]!;
      const claim = inclusionOf(index, size);
      expect(hexOf(claim.proof)).toEqual(hexOf(oracle.path(BigInt(index), BigInt(size))));
      expect(inclusionProblem(claim, NODE_HASHER)).toBeUndefined();
    }
  });

  it(`prove to have grown from a random smaller size as the oracle does (seed ${SEED})`, PATIENT, () => {
    const random = seededRandom(SEED);

    for (let size = 1; size <= LARGEST; size += 1) {
      const oldSize = 1 + below(random, size);
      const claim = consistencyOf(oldSize, size);
      expect(hexOf(claim.proof)).toEqual(hexOf(oracle.proof(BigInt(oldSize), BigInt(size))));
      expect(consistencyProblem(claim, NODE_HASHER)).toBeUndefined();
    }
  });

  it("prove every leaf and every pair of sizes up to 66", PATIENT, () => {
    for (let size = 1; size <= 66; size += 1) {
      for (let at = 0; at < size; at += 1) {
        const [leaf, growth] = [inclusionOf(at, size), consistencyOf(at + 1, size)];
        expect(hexOf(leaf.proof)).toEqual(hexOf(oracle.path(BigInt(at), BigInt(size))));
        expect(hexOf(growth.proof)).toEqual(hexOf(oracle.proof(BigInt(at + 1), BigInt(size))));
        expect([inclusionProblem(leaf), consistencyProblem(growth)]).toEqual([undefined, undefined]);
      }
    }
  });
});

/** Every list of hashes that differs from `hashes` in one bit of one of them. */
function bitFlips(hashes: readonly Uint8Array[]): readonly Uint8Array[][] {
  return hashes.flatMap((hash, at) => flipped(hash).map((other) => hashes.with(at, other)));
}

function flipped(hash: Uint8Array): Uint8Array[] {
  return Array.from({ length: 256 }, (_, bit) => {
    const other = Uint8Array.from(hash);
    other[bit >> 3]! ^= 1 << (bit & 7);
    return other;
  });
}

/** Lists with a hash more, less, doubled, or two neighbours exchanged. */
function misproofs(proof: readonly Uint8Array[]): readonly Uint8Array[][] {
  const extra = leaves[1999]!.hash;
  return [
    [...proof, extra],
    [extra, ...proof],
    ...proof.map((_, at) => proof.toSpliced(at, 1)),
    ...proof.map((hash, at) => proof.toSpliced(at, 0, hash)),
    ...proof.slice(1).map((hash, at) => proof.toSpliced(at, 2, hash, proof[at]!)),
  ];
}

const PLACES: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [2, 3],
  [6, 7],
  [255, 256],
  [256, 257],
  [1000, 1999],
  [1998, 1999],
];

describe("changed proofs", () => {
  it.each(PLACES)("of leaf %d in %d leaves are refused for every bit and every hash", (index, size) => {
    const claim = inclusionOf(index, size);
    const accepted = (changed: Partial<InclusionClaim>): boolean =>
      inclusionProblem({ ...claim, ...changed }, NODE_HASHER) === undefined;

    expect(accepted({})).toBe(true);
    expect(bitFlips(claim.proof).filter((proof) => accepted({ proof }))).toEqual([]);
    expect(flipped(claim.root).filter((root) => accepted({ root }))).toEqual([]);
    expect(flipped(claim.leafHash).filter((hash) => accepted({ leafHash: hash }))).toEqual([]);
    expect(misproofs(claim.proof).filter((proof) => accepted({ proof }))).toEqual([]);
    const others = Array.from({ length: size }, (_, at) => BigInt(at)).filter((at) => at !== claim.index);
    expect(others.filter((other) => accepted({ index: other }))).toEqual([]);
  });

  it.each(PLACES)("from %d to %d leaves are refused for every bit and every hash", (old, size) => {
    const claim = consistencyOf(Math.max(old, 1), size);
    const accepted = (changed: Partial<ConsistencyClaim>): boolean =>
      consistencyProblem({ ...claim, ...changed }, NODE_HASHER) === undefined;

    expect(accepted({})).toBe(true);
    expect(bitFlips(claim.proof).filter((proof) => accepted({ proof }))).toEqual([]);
    expect(flipped(claim.oldRoot).filter((oldRoot) => accepted({ oldRoot }))).toEqual([]);
    expect(flipped(claim.newRoot).filter((newRoot) => accepted({ newRoot }))).toEqual([]);
    expect(misproofs(claim.proof).filter((proof) => accepted({ proof }))).toEqual([]);
  });
});
