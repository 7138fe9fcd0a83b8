// The built-in SHA-256 gives what FIPS 180-4 says, and what node:crypto gives, for every length around its block bounds.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";

import { toHex } from "#tlog/bytes.ts";
import { sha256 } from "#tlog/sha256.ts";

describe("sha256", () => {
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ],
  ])("gives the digest of %j that NIST publishes", (text, digest) => {
    expect(toHex(sha256(Buffer.from(text)))).toBe(digest);
  });

  it("gives the digest of a million times a that NIST publishes", () => {
    const digest = sha256(new Uint8Array(1_000_000).fill(0x61));

    expect(toHex(digest)).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });

  it("agrees with node:crypto for every length up to 300 bytes, also within a larger buffer", () => {
    const bytes = Uint8Array.from({ length: 400 }, (_, at) => (at * 131 + 7) % 256);
    const parts = Array.from({ length: 301 }, (_, length) => bytes.subarray(5, 5 + length));

    const digests = parts.map((part) => toHex(sha256(part)));

    expect(digests).toEqual(parts.map((part) => createHash("sha256").update(part).digest("hex")));
  });

  it("returns bytes of its own and leaves the message as it is", () => {
    const message = Uint8Array.of(1, 2, 3);

    const first = sha256(message);
    const kept = toHex(first);
    sha256(Uint8Array.of(4));

    expect(toHex(first)).toBe(kept);
    expect(first.byteLength).toBe(first.buffer.byteLength);
    expect(message).toEqual(Uint8Array.of(1, 2, 3));
  });
});
