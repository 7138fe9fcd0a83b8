/**
 * Hashes of the tree by Node's own SHA-256, in place and without a buffer per hash: a log of millions is three hashes per
 * leaf. RFC 6962 section 2.1: a leaf is hashed behind a byte 0, a node behind a byte 1.
 */
import { hash } from "node:crypto";

export const HASH_BYTES = 32;
/** Hashes of a full tile, and entries of a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;
const NODE_PREFIX = 1;

/** A string of bytes costs half of what a buffer does, and copying it byte by byte less than `Buffer.write`. */
export function hashInto(bytes: Uint8Array, out: Uint8Array, at: number): void {
  const digest = hash("sha256", bytes, "binary");
  for (let n = 0; n < HASH_BYTES; n++) out[at + n] = digest.charCodeAt(n);
}

export function sha256(bytes: Uint8Array): Buffer {
  return hash("sha256", bytes, "buffer");
}

const leafInput = Buffer.alloc(1 + HASH_BYTES);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** Leaf hashes of entries of 32 bytes each, which lie behind each other. */
export function hashLeaves(entries: Buffer): Buffer {
  const leaves = Buffer.allocUnsafe(entries.length);
  for (let at = 0; at < entries.length; at += HASH_BYTES) {
    entries.copy(leafInput, 1, at, at + HASH_BYTES);
    hashInto(leafInput, leaves, at);
  }
  return leaves;
}

function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/** Root of a complete subtree. @param hashes 2^k of them */
export function foldHashes(hashes: Buffer): Buffer {
  const current = Buffer.from(hashes);
  for (let bytes = hashes.length; bytes > HASH_BYTES; bytes /= 2) {
    // In place: a result never overtakes what is still to be read.
    for (let from = 0, to = 0; from < bytes; from += 2 * HASH_BYTES, to += HASH_BYTES) {
      current.copy(nodeInput, 1, from, from + 2 * HASH_BYTES);
      hashInto(nodeInput, current, to);
    }
  }
  return current.subarray(0, HASH_BYTES);
}

/** How many hashes of `level` a tree has that stand in no full tile: the width of its partial tile there. */
export function edgeWidth(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH;
}

/** Levels of tiles of a tree: those with a partial tile, and those below. */
export function tileLevels(size: number): number {
  let levels = 0;
  for (let count = size; count > 0; count = Math.floor(count / TILE_WIDTH)) levels++;
  return levels;
}

/**
 * Root of a tree from the hashes of its right edge.
 * @param edge level → hashes of its partial tile, empty where there is none
 */
export function rootOfEdge(edge: readonly Buffer[]): Buffer {
  let root: Buffer | undefined;
  for (const hashes of edge) {
    let end = hashes.length;
    for (let bytes = HASH_BYTES; bytes <= hashes.length; bytes *= 2) {
      if ((hashes.length & bytes) === 0) continue;
      const subtree = foldHashes(hashes.subarray(end - bytes, end));
      root = root === undefined ? subtree : hashNode(subtree, root);
      end -= bytes;
    }
  }
  return root ?? sha256(new Uint8Array(0));
}
