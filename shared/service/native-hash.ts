/**
 * SHA-256 by Node, for trees and entries of the log. A digest as a string of bytes costs half of what one as a buffer does
 * (measured: 0.7 µs against 1.6 µs for a line of 700 bytes), and sealing makes three for each leaf.
 */
import { hash } from "node:crypto";
import type { TreeHasher } from "#tlog/tree-hash.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";

export const HASHER: TreeHasher = createTreeHasher((bytes) =>
  Buffer.from(hash("sha256", bytes, "binary"), "binary"),
);

/** Writes the 32 bytes of the hash of text, as UTF-8, or bytes to `out` from `at` on. */
export function hashInto(data: string | Uint8Array, out: Buffer, at: number): void {
  out.write(hash("sha256", data, "binary"), at, "binary");
}
