// Hashes of leaves and nodes are those of RFC 6962, with the built-in SHA-256 and with another.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";

import { TlogError } from "#tlog/tlog-error.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";
import { NODE_HASHER } from "#test/support/tile-log.ts";

const digest = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());
const [left, right] = [digest(Buffer.from("left")), digest(Buffer.from("right"))];

describe.each([
  ["the built-in SHA-256", createTreeHasher()],
  ["that of node:crypto", NODE_HASHER],
])("a tree hasher with %s", (_name, hasher) => {
  it("hashes leaves behind a zero and nodes behind a one", () => {
    const entry = Buffer.from("entry");

    expect(new Uint8Array(hasher.leaf(entry))).toEqual(digest(Buffer.of(0), entry));
    expect(new Uint8Array(hasher.node(left, right))).toEqual(digest(Buffer.of(1), left, right));
    expect(new Uint8Array(hasher.empty)).toEqual(digest());
  });

  it("makes no node of hashes that are not of 32 bytes", () => {
    expect(() => hasher.node(left.subarray(1), right)).toThrow("left hash is 31 bytes; a hash is 32");
    expect(() => hasher.node(left, new Uint8Array(33))).toThrow("right hash is 33 bytes; a hash is 32");
    expect(() => hasher.node(new Uint8Array(0), right)).toThrow(TlogError);
  });
});
