// The definitions of RFC 6962 section 2.1 written down as they stand, for trees of any size: all leaves are the same but
// for those that are given, so that a tree of 2^62 leaves is as easy as one of 20. An oracle; shares nothing with the library.
import { createHash } from "node:crypto";

export interface OracleLeaf {
  readonly index: bigint;
  readonly hash: Uint8Array;
}

const EMPTY = sha256(new Uint8Array(0));
const COMMON_LEAF = sha256(Buffer.from([0]));

export class OracleTree {
  readonly size: bigint;
  readonly #given: readonly OracleLeaf[];
  readonly #byIndex: ReadonlyMap<bigint, Uint8Array>;
  readonly #known = new Map<string, Uint8Array>();

  constructor(size: bigint, given: readonly OracleLeaf[]) {
    this.size = size;
    this.#given = given;
    this.#byIndex = new Map(given.map(({ index, hash }) => [index, hash]));
  }

  root(size: bigint = this.size): Uint8Array {
    return size === 0n ? EMPTY : this.range(0n, size);
  }

  /** MTH(D[from:end]). */
  range(from: bigint, end: bigint): Uint8Array {
    const known = end - from === 1n ? this.#leaf(from) : this.#known.get(`${from} to ${end}`);
    if (known !== undefined) return known;
    const given = this.#given.filter(({ index }) => index >= from && index < end);
    return this.#range(from, end, given);
  }

  /** PATH(index, D[0:size]). */
  path(index: bigint, size: bigint = this.size): Uint8Array[] {
    return this.#path(index, 0n, size);
  }

  /** PROOF(oldSize, D[0:size]). */
  proof(oldSize: bigint, size: bigint = this.size): Uint8Array[] {
    return this.#subproof({ old: oldSize, from: 0n, end: size, whole: true });
  }

  #range(from: bigint, end: bigint, given: readonly OracleLeaf[]): Uint8Array {
    if (end - from === 1n) return this.#leaf(from);
    const key = given.length === 0 ? `of ${end - from}` : `${from} to ${end}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const split = from + leftSize(end - from);
    const left = given.filter(({ index }) => index < split);
    const right = given.filter(({ index }) => index >= split);
    const found = node(this.#range(from, split, left), this.#range(split, end, right));
    this.#known.set(key, found);
    return found;
  }

  #leaf(index: bigint): Uint8Array {
    return this.#byIndex.get(index) ?? COMMON_LEAF;
  }

  #path(index: bigint, from: bigint, end: bigint): Uint8Array[] {
    if (end - from === 1n) return [];
    const split = from + leftSize(end - from);
    if (index < split) return [...this.#path(index, from, split), this.range(split, end)];
    return [...this.#path(index, split, end), this.range(from, split)];
  }

  #subproof(p: { old: bigint; from: bigint; end: bigint; whole: boolean }): Uint8Array[] {
    const { old, from, end, whole } = p;
    if (old === end - from) return whole ? [] : [this.range(from, end)];
    const left = leftSize(end - from);
    const split = from + left;
    if (old <= left) return [...this.#subproof({ old, from, end: split, whole }), this.range(split, end)];
    const right = this.#subproof({ old: old - left, from: split, end, whole: false });
    return [...right, this.range(from, split)];
  }
}

export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([Buffer.from([0]), entry]));
}

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([Buffer.from([1]), left, right]));
}

/** The largest power of two smaller than `size`. */
function leftSize(size: bigint): bigint {
  let power = 1n;
  while (power * 2n < size) power *= 2n;
  return power;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}
