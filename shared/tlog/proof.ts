/**
 * Checks proofs that somebody else made: RFC 9162 sections 2.1.3.2 and 2.1.4.2, which decide as RFC 6962 does. Everything
 * is attacker-controlled; work is bounded by the 64 hashes that the longest proof can have.
 */
import { equalBytes, toHex } from "#tlog/bytes.ts";
import { sizeProblem } from "#tlog/numbers.ts";
import type { TreeHasher } from "#tlog/tree-hash.ts";
import { DEFAULT_HASHER, HASH_BYTES } from "#tlog/tree-hash.ts";

/** A path from a leaf to the root has a hash for each level, and 64-bit trees have 63. Limit of tlog-witness, too. */
export const MAX_PROOF_HASHES = 63;
/** Where the old tree is no full subtree, its lowest one comes first; that makes 64 in trees above 2^62 leaves. */
const MAX_CONSISTENCY_HASHES = MAX_PROOF_HASHES + 1;

export interface InclusionClaim {
  readonly index: bigint;
  /** Of the tree that `root` is the root of; at least 1. */
  readonly size: bigint;
  readonly leafHash: Uint8Array;
  /** From the leaf's sibling to the root's child. */
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

export interface ConsistencyClaim {
  /** At least 1: every tree is consistent with the empty one, and no proof can say more. */
  readonly oldSize: bigint;
  readonly newSize: bigint;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  /** Empty where both sizes are the same. */
  readonly proof: readonly Uint8Array[];
}

/** @returns undefined where the leaf is in the tree, else the reason why that is not shown */
export function inclusionProblem(p: InclusionClaim, hasher: TreeHasher = DEFAULT_HASHER): string | undefined {
  const problem =
    sizeProblem(p.size, "size") ??
    sizeProblem(p.index, "index") ??
    hashProblem(p.leafHash, "leaf hash") ??
    hashProblem(p.root, "root") ??
    proofHashesProblem(p.proof, MAX_PROOF_HASHES);
  if (problem !== undefined) return problem;
  if (p.index >= p.size) return `index ${p.index} is not in a tree of size ${p.size}`;
  let [node, last, hash] = [p.index, p.size - 1n, p.leafHash];
  for (const sibling of p.proof) {
    if (last === 0n) return tooLong(p.proof);
    if ((node & 1n) === 1n || node === last) {
      hash = hasher.node(sibling, hash);
      const shift = (node & 1n) === 1n ? 0n : BigInt(trailingZeros(node));
      [node, last] = [node >> shift, last >> shift];
    } else {
      hash = hasher.node(hash, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) return tooShort(p.proof);
  return equalBytes(hash, p.root) ? undefined : differs("root", hash, p.root);
}

/** @returns undefined where the old tree is a beginning of the new one, else the reason why that is not shown */
export function consistencyProblem(
  p: ConsistencyClaim,
  hasher: TreeHasher = DEFAULT_HASHER,
): string | undefined {
  const problem =
    sizeProblem(p.oldSize, "old size") ??
    sizeProblem(p.newSize, "new size") ??
    hashProblem(p.oldRoot, "old root") ??
    hashProblem(p.newRoot, "new root") ??
    proofHashesProblem(p.proof, MAX_CONSISTENCY_HASHES);
  if (problem !== undefined) return problem;
  if (p.oldSize === 0n) return "old size is 0: nothing can be proven from the empty tree";
  if (p.oldSize > p.newSize) return `old size ${p.oldSize} is above new size ${p.newSize}`;
  if (p.oldSize === p.newSize) {
    if (p.proof.length > 0) return tooLong(p.proof);
    return equalBytes(p.oldRoot, p.newRoot) ? undefined : differs("old root", p.oldRoot, p.newRoot);
  }
  return growthProblem(p, hasher);
}

/**
 * Whether a claim that does not hold shows that no tree grew from the old one into the new one. Anybody can send a proof of
 * nothing; one that leads to the new root from another old one is by somebody who has the new tree, and in it the
 * beginning is another. Where the old size is a power of two, proofs do not hold the old root, and the two cannot be told
 * apart: there each of the right length counts.
 */
export function isForkShown(p: ConsistencyClaim, hasher: TreeHasher = DEFAULT_HASHER): boolean {
  if (p.oldSize === p.newSize) return p.proof.length === 0 && !equalBytes(p.oldRoot, p.newRoot);
  if (p.oldSize === 0n || consistencyProblem(p, hasher) === undefined) return false;
  const roots = rootsOfGrowth(p, hasher);
  if (typeof roots === "string") return false;
  return isPowerOfTwo(p.oldSize) || equalBytes(roots.newRoot, p.newRoot);
}

function growthProblem(p: ConsistencyClaim, hasher: TreeHasher): string | undefined {
  const roots = rootsOfGrowth(p, hasher);
  if (typeof roots === "string") return roots;
  const { oldRoot, newRoot } = roots;
  if (!equalBytes(oldRoot, p.oldRoot)) return differs("old root", oldRoot, p.oldRoot);
  return equalBytes(newRoot, p.newRoot) ? undefined : differs("new root", newRoot, p.newRoot);
}

/**
 * RFC 9162 section 2.1.4.2 for 0 < old size < new size.
 * @returns the roots that the proof leads to, or why it leads to none
 */
function rootsOfGrowth(
  p: ConsistencyClaim,
  hasher: TreeHasher,
): Pick<ConsistencyClaim, "oldRoot" | "newRoot"> | string {
  const [start, ...path] = isPowerOfTwo(p.oldSize) ? [p.oldRoot, ...p.proof] : p.proof;
  if (start === undefined) return tooShort(p.proof);
  const ones = BigInt(trailingZeros(p.oldSize));
  let [node, last] = [(p.oldSize - 1n) >> ones, (p.newSize - 1n) >> ones];
  let [oldHash, newHash] = [start, start];
  for (const sibling of path) {
    if (last === 0n) return tooLong(p.proof);
    if ((node & 1n) === 1n || node === last) {
      [oldHash, newHash] = [hasher.node(sibling, oldHash), hasher.node(sibling, newHash)];
      const shift = (node & 1n) === 1n ? 0n : BigInt(trailingZeros(node));
      [node, last] = [node >> shift, last >> shift];
    } else {
      newHash = hasher.node(newHash, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n ? { oldRoot: oldHash, newRoot: newHash } : tooShort(p.proof);
}

/** Of a number above zero. */
function isPowerOfTwo(value: bigint): boolean {
  return (value & (value - 1n)) === 0n;
}

/** Of a number above zero. */
function trailingZeros(value: bigint): number {
  let count = 0;
  for (let rest = value; rest !== 0n && (rest & 1n) === 0n; rest >>= 1n) count += 1;
  return count;
}

function proofHashesProblem(proof: readonly Uint8Array[], maxHashes: number): string | undefined {
  if (proof.length > maxHashes) return tooLong(proof);
  const wrong = proof.findIndex((hash) => hash.length !== HASH_BYTES);
  const hash = proof[wrong];
  return hash === undefined ? undefined : hashProblem(hash, `hash ${wrong} of the proof`);
}

function hashProblem(hash: Uint8Array, what: string): string | undefined {
  return hash.length === HASH_BYTES ? undefined : `${what} is ${hash.length} bytes; a hash is ${HASH_BYTES}`;
}

function tooLong(proof: readonly Uint8Array[]): string {
  return `the proof of ${proof.length} hashes is too long`;
}

function tooShort(proof: readonly Uint8Array[]): string {
  return `the proof of ${proof.length} hashes is too short`;
}

function differs(what: string, found: Uint8Array, claimed: Uint8Array): string {
  return `the proof leads to ${what} ${toHex(found)}, not ${toHex(claimed)}`;
}
