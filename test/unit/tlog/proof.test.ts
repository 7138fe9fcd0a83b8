// Proof checking gives the verdict of all 196 vectors of transparency-dev/merkle, and refuses what breaks a bound.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";

import type { ConsistencyClaim, InclusionClaim } from "#tlog/proof.ts";
import { consistencyProblem, inclusionProblem } from "#tlog/proof.ts";

const VECTORS = join(import.meta.dirname, "../../vectors/tlog/merkle-proofs.json");
const Hash = z.string().transform((text) => new Uint8Array(Buffer.from(text, "base64")));
const Size = z.string().transform(BigInt);
const Case = z.object({ name: z.string(), proof: z.array(Hash), wantErr: z.boolean() });
const InclusionCase = Case.extend({ leafIdx: Size, treeSize: Size, root: Hash, leafHash: Hash });
const ConsistencyCase = Case.extend({ size1: Size, size2: Size, root1: Hash, root2: Hash });
const vectors = z
  .object({ inclusion: z.array(InclusionCase), consistency: z.array(ConsistencyCase) })
  .parse(JSON.parse(readFileSync(VECTORS, "utf8")));

/** To be accepted, with roots of 12 bytes: this library refuses those. */
const SHORT_ROOTS = "consistency/additional/sizes-are-equal-one-and-proof-is-empty";

const same = (hash: Uint8Array): Uint8Array => hash;
/** Placeholders such as "don't care 1" become hashes of 32 bytes, so that they are not refused for their length. */
const widened = (hash: Uint8Array): Uint8Array =>
  hash.length === 0 || hash.length === 32 ? hash : new Uint8Array(createHash("sha256").update(hash).digest());

describe("vectors of transparency-dev/merkle", () => {
  it("are 196, of which 12 are to be accepted", () => {
    const all = [...vectors.inclusion, ...vectors.consistency];

    expect(all.length).toBe(196);
    expect(new Set(all.map(({ name }) => name)).size).toBe(196);
    expect(all.filter(({ wantErr }) => !wantErr).length).toBe(12);
  });

  it.each(vectors.inclusion)("$name has the verdict that it states", (vector) => {
    const verdicts = [same, widened].map((form) => inclusionProblem(inclusionClaim(vector, form)));

    expect(verdicts.map((problem) => problem !== undefined)).toEqual([vector.wantErr, vector.wantErr]);
  });

  it.each(vectors.consistency)("$name has the verdict that it states", (vector) => {
    const asItStands = consistencyProblem(consistencyClaim(vector, same));
    const withWholeHashes = consistencyProblem(consistencyClaim(vector, widened));

    const refusedAsItStands = vector.wantErr || vector.name === SHORT_ROOTS;
    expect([asItStands !== undefined, withWholeHashes !== undefined]).toEqual([
      refusedAsItStands,
      vector.wantErr,
    ]);
  });

  it("with roots of 12 bytes are refused for that alone", () => {
    const vector = vectors.consistency.find(({ name }) => name === SHORT_ROOTS)!;

    expect(consistencyProblem(consistencyClaim(vector, same))).toBe("old root is 12 bytes; a hash is 32");
  });
});

const HASH = new Uint8Array(32);
const SIXTY_FOUR = Array.from({ length: 64 }, () => HASH);
const inclusion = { index: 0n, size: 1n, leafHash: HASH, proof: [], root: HASH };
const consistency = { oldSize: 1n, newSize: 1n, oldRoot: HASH, newRoot: HASH, proof: [] };

describe("inclusion proofs", () => {
  it.each([
    ["an empty tree", { size: 0n }, "index 0 is not in a tree of size 0"],
    ["a negative size", { size: -1n }, "size -1 is not from 0 to 9223372036854775807"],
    ["a size above 2^63 - 1", { size: 2n ** 63n }, /^size 9223372036854775808 is not from/],
    ["a negative index", { index: -1n }, /^index -1 is not from/],
    ["an index behind the tree", { index: 1n }, "index 1 is not in a tree of size 1"],
    ["a short leaf hash", { leafHash: HASH.subarray(1) }, "leaf hash is 31 bytes; a hash is 32"],
    ["a long root", { root: new Uint8Array(33) }, "root is 33 bytes; a hash is 32"],
    ["an empty root", { root: new Uint8Array(0) }, "root is 0 bytes; a hash is 32"],
    ["a short hash in the proof", { proof: [HASH.subarray(1)] }, /^hash 0 of the proof is 31 bytes/],
    ["a proof that is too long", { proof: [HASH] }, "the proof of 1 hashes is too long"],
    ["a proof that is too short", { size: 2n }, "the proof of 0 hashes is too short"],
    ["a proof of 64 hashes", { size: 2n ** 62n, proof: SIXTY_FOUR }, /64 hashes is too long/],
    ["another root", { root: new Uint8Array(32).fill(1) }, /^the proof leads to root 0000.*, not 0101/],
  ])("refuse %s", (_name, change: Partial<InclusionClaim>, reason) => {
    expect(inclusionProblem({ ...inclusion, ...change })).toMatch(reason);
  });

  it("of a single leaf need no hash", () => {
    expect(inclusionProblem(inclusion)).toBeUndefined();
  });
});

describe("consistency proofs", () => {
  it.each([
    ["from an empty tree", { oldSize: 0n }, /^old size is 0/],
    ["between empty trees", { oldSize: 0n, newSize: 0n }, /^old size is 0/],
    ["from a negative size", { oldSize: -1n }, /^old size -1 is not from/],
    ["to a size above 2^63 - 1", { newSize: 2n ** 63n }, /^new size 9223372036854775808 is not from/],
    ["to a smaller tree", { oldSize: 2n }, "old size 2 is above new size 1"],
    ["with a short old root", { oldRoot: HASH.subarray(1) }, "old root is 31 bytes; a hash is 32"],
    ["with a short new root", { newRoot: HASH.subarray(1) }, "new root is 31 bytes; a hash is 32"],
    ["with a short hash", { newSize: 2n, proof: [HASH.subarray(1)] }, /^hash 0 of the proof is 31 bytes/],
    ["of one size with a hash", { proof: [HASH] }, "the proof of 1 hashes is too long"],
    ["of one size with two roots", { newRoot: new Uint8Array(32).fill(1) }, /^the proof leads to old root/],
    ["without a hash", { newSize: 2n }, "the proof of 0 hashes is too short"],
    ["without a first hash", { oldSize: 3n, newSize: 4n }, "the proof of 0 hashes is too short"],
    ["that are too long", { newSize: 2n, proof: [HASH, HASH] }, "the proof of 2 hashes is too long"],
  ])("refuse claims %s", (_name, change: Partial<ConsistencyClaim>, reason) => {
    expect(consistencyProblem({ ...consistency, ...change })).toMatch(reason);
  });
});

function inclusionClaim(
  vector: z.infer<typeof InclusionCase>,
  form: (hash: Uint8Array) => Uint8Array,
): InclusionClaim {
  const { leafIdx, treeSize, leafHash, root, proof } = vector;
  return {
    index: leafIdx,
    size: treeSize,
    leafHash: form(leafHash),
    root: form(root),
    proof: proof.map(form),
  };
}

function consistencyClaim(
  vector: z.infer<typeof ConsistencyCase>,
  form: (hash: Uint8Array) => Uint8Array,
): ConsistencyClaim {
  const { size1, size2, root1, root2, proof } = vector;
  return {
    oldSize: size1,
    newSize: size2,
    oldRoot: form(root1),
    newRoot: form(root2),
    proof: proof.map(form),
  };
}
