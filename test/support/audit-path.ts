// Where an audit path leads to, by the definition of RFC 6962 section 2.1.1 and node:crypto alone.
import { hash } from "node:crypto";

interface Place {
  readonly index: number;
  /** Leaves of the tree. */
  readonly size: number;
  /** From the leaf's sibling up. */
  readonly path: readonly Uint8Array[];
}

/** The root of the tree that has `leaf`, a leaf hash, at this place. */
export function rootOfPath(leaf: Uint8Array, { index, size, path }: Place): Uint8Array {
  const sibling = path.at(-1);
  if (size === 1 && sibling === undefined) return leaf;
  if (size === 1 || sibling === undefined)
    throw new Error(`the path has not the length of a tree of ${size}`);
  const left = 2 ** Math.floor(Math.log2(size - 1)); // the largest power of two below
  const below = path.slice(0, -1);
  if (index < left) return node(rootOfPath(leaf, { index, size: left, path: below }), sibling);
  return node(sibling, rootOfPath(leaf, { index: index - left, size: size - left, path: below }));
}

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash("sha256", Buffer.concat([Buffer.from([1]), left, right]), "buffer");
}
