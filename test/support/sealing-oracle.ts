// The Merkle tree of RFC 6962 section 2.1 as its definition reads: the oracle for everything that is cleverer.
import { hash } from "node:crypto";

/** Root over leaf hashes. */
export function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256([]);
  if (leaves.length === 1) return Buffer.from(first);
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return sha256([Buffer.of(1), naiveRoot(leaves.slice(0, left)), naiveRoot(leaves.slice(left))]);
}

/** Leaf hash of a stored line: its entry is the SHA-256 of its bytes. */
export function naiveLeaf(line: string): Buffer {
  return sha256([Buffer.of(0), sha256([Buffer.from(line, "utf8")])]);
}

function sha256(parts: readonly Uint8Array[]): Buffer {
  return hash("sha256", Buffer.concat(parts), "buffer");
}
