/**
 * `node --conditions=source test/bench/tlog.ts [leaves]`: leaves appended, and proofs made and checked, in a second of
 * processor time, beside bare hashing of as many leaves and nodes by the same function: that of node:crypto, then the built-in
 * one. Takes some 15 seconds.
 */
import { hash } from "node:crypto";

import { inclusionProblem } from "#tlog/proof.ts";
import type { Sha256 } from "#tlog/sha256.ts";
import { sha256 } from "#tlog/sha256.ts";
import { tilePath } from "#tlog/tile.ts";
import { appendLeaves, CompactRange, leafHashes, proveInclusion, tilesForInclusion } from "#tlog/tree.ts";
import { createTreeHasher, HASH_BYTES } from "#tlog/tree-hash.ts";

const LEAVES = Number(process.argv[2] ?? 200_000);
const APPEND_AT_ONCE = 20_000;
const PROOFS = 500;
const RUNS = 3;

const FUNCTIONS: readonly (readonly [name: string, hash: Sha256])[] = [
  ["node:crypto", (bytes) => Buffer.from(hash("sha256", bytes, "binary"), "binary")],
  ["built-in", sha256],
];

const entries = new Uint8Array(LEAVES * HASH_BYTES).map((_, at) => (at * 31 + (at >> 8)) % 251);

for (const [name, sha] of FUNCTIONS) {
  for (let run = 1; run <= RUNS; run += 1) {
    const figures = [
      `append ${perSecond(LEAVES, () => append(sha))} leaves/s`,
      `bare hashing ${perSecond(LEAVES, () => hashBare(sha))} leaves/s`,
      `compact range ${perSecond(LEAVES, () => rangeOver(sha))} leaves/s`,
      ...proofRates(sha),
    ];
    process.stdout.write(`${name}, run ${run}: ${figures.join(", ")}\n`);
  }
}

/** In parts, as a sealer appends. */
function append(sha: Sha256): { readonly root: Uint8Array; readonly tiles: Map<string, Uint8Array> } {
  const hasher = createTreeHasher(sha);
  const tiles = new Map<string, Uint8Array>();
  let [size, root] = [0n, hasher.empty];
  for (let first = 0; first < LEAVES; first += APPEND_AT_ONCE) {
    const edgeEntries = entries.subarray((first - (first % 256)) * HASH_BYTES, first * HASH_BYTES);
    const part = entries.subarray(first * HASH_BYTES, (first + APPEND_AT_ONCE) * HASH_BYTES);
    const appended = appendLeaves({ size, edge: tiles, entries: part, edgeEntries }, hasher);
    for (const { tile, bytes } of appended.tiles) tiles.set(tilePath(tile), bytes);
    [size, root] = [appended.size, appended.root];
  }
  return { root, tiles };
}

/** A tree of n leaves has n hashes of 33 bytes and n - 1 of 65. */
function hashBare(sha: Sha256): number {
  const [leaf, node] = [new Uint8Array(1 + HASH_BYTES), new Uint8Array(1 + 2 * HASH_BYTES)];
  let sum = 0;
  for (let index = 0; index < LEAVES; index += 1) {
    leaf[1] = index & 0xff;
    node.set(sha(leaf), 1);
    sum += sha(node)[0] ?? 0;
  }
  return sum;
}

/** As a verifier goes through a log. */
function rangeOver(sha: Sha256): Uint8Array {
  const hasher = createTreeHasher(sha);
  const range = new CompactRange(hasher);
  const hashes = leafHashes(entries, hasher);
  for (let at = 0; at < hashes.length; at += HASH_BYTES) range.append(hashes.subarray(at, at + HASH_BYTES));
  return range.root();
}

/** Making a proof authenticates its tiles: for each full one on the path, 255 hashes. */
function proofRates(sha: Sha256): readonly string[] {
  const hasher = createTreeHasher(sha);
  const { root, tiles } = append(sha);
  const size = BigInt(LEAVES);
  const indexes = Array.from({ length: PROOFS }, (_, at) => Math.floor((at * LEAVES) / PROOFS));
  const claims = indexes.map((index) => ({ index: BigInt(index), size, root, tiles }));
  const full = tilesForInclusion(0n, size).filter(({ width }) => width === 256).length;
  const made = claims.map((claim) => ({ ...claim, proof: proveInclusion(claim, hasher) }));
  const leaves = leafHashes(entries, hasher);
  const proven = made.map((claim, at) => {
    const from = (indexes[at] ?? 0) * HASH_BYTES;
    return { ...claim, leafHash: leaves.subarray(from, from + HASH_BYTES) };
  });
  if (proven.some((claim) => inclusionProblem(claim, hasher) !== undefined)) throw new Error("a proof fails");
  const prove = perSecond(PROOFS, () => claims.map((claim) => proveInclusion(claim, hasher)));
  const check = perSecond(PROOFS, () => proven.map((claim) => inclusionProblem(claim, hasher)));
  return [`prove ${prove} proofs/s with ${full} full tiles each`, `check ${check} proofs/s`];
}

/** Of processor time, which other programs on the machine change little. */
function perSecond(count: number, act: () => unknown): string {
  const started = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(started);
  return Math.round((count * 1e6) / (user + system)).toLocaleString("en-US");
}
