/** Sizes and indexes: 64-bit, never negative, written in decimal in exactly one way. */
import { quote } from "#tlog/bytes.ts";
import { TlogError } from "#tlog/tlog-error.ts";

/** Go's `tlog` and C2SP timestamps end there too: signed 64-bit. */
export const MAX_SIZE = 2n ** 63n - 1n;

/**
 * ASCII decimal without sign and leading zeroes, at most 2^63 − 1.
 * @param what names the number in the message
 * @throws TlogError `malformed`
 */
export function parseDecimal(text: string, what: string): bigint {
  const value = /^(?:0|[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > MAX_SIZE) {
    throw new TlogError("malformed", `${what} ${quote(text)} is not a decimal from 0 to ${MAX_SIZE}`);
  }
  return value;
}

/** What is wrong with a number as the size of a tree or an index in one; undefined where it is one. */
export function sizeProblem(value: bigint, what: string): string | undefined {
  if (value >= 0n && value <= MAX_SIZE) return undefined;
  return `${what} ${value} is not from 0 to ${MAX_SIZE}`;
}

/** @throws TlogError `malformed` where `value` is negative or above 2^63 − 1 */
export function checkSize(value: bigint, what: string): void {
  const problem = sizeProblem(value, what);
  if (problem !== undefined) throw new TlogError("malformed", problem);
}

/** @throws TlogError `malformed` unless 0 ≤ index < size */
export function checkIndex(index: bigint, size: bigint): void {
  checkSize(size, "size");
  if (index < 0n || index >= size) {
    throw new TlogError("malformed", `index ${index} is not in a tree of size ${size}`);
  }
}
