// Proof files are read as tlog-proof writes them, and nothing else is.
import { describe, expect, it } from "vitest";

import { TlogError } from "#tlog/tlog-error.ts";
import { formatTlogProof, parseTlogProof } from "#tlog/tlog-proof.ts";

const HASH = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=";
const CHECKPOINT = `example.com/fancylog\n109482\n${HASH}\n\n\u2014 example.com/fancylog AAAAAAE=\n`;
const FIRST = "c2sp.org/tlog-proof@v1\n";
const hash = new Uint8Array(Buffer.from(HASH, "base64"));

describe("proof files", () => {
  it("are read and written with extra data", () => {
    const text = `${FIRST}extra AQID\nindex 73894\n${HASH}\n${HASH}\n\n${CHECKPOINT}`;
    const proof = {
      index: 73_894n,
      hashes: [hash, hash],
      checkpoint: CHECKPOINT,
      extra: Uint8Array.of(1, 2, 3),
    };

    expect(parseTlogProof(text)).toEqual(proof);
    expect(formatTlogProof(proof)).toBe(text);
  });

  it("are read and written without hashes and extra data", () => {
    const text = `${FIRST}index 0\n\n${CHECKPOINT}`;
    const proof = { index: 0n, hashes: [], checkpoint: CHECKPOINT };

    expect(parseTlogProof(text)).toEqual(proof);
    expect(formatTlogProof(proof)).toBe(text);
  });

  it("have at most 63 hashes", () => {
    const most = { index: 0n, hashes: Array.from({ length: 63 }, () => hash), checkpoint: CHECKPOINT };

    const text = formatTlogProof(most);

    expect(parseTlogProof(text).hashes.length).toBe(63);
    expect(() => formatTlogProof({ ...most, hashes: [...most.hashes, hash] })).toThrow("64 hashes");
    expect(() => parseTlogProof(text.replace(HASH, `${HASH}\n${HASH}`))).toThrow("64 hashes");
  });

  it.each([
    ["nothing", ""],
    ["another first line", `c2sp.org/tlog-proof@v2\nindex 0\n\n${CHECKPOINT}`],
    ["no index", `${FIRST}\n${CHECKPOINT}`],
    ["no blank line", `${FIRST}index 0\n${HASH}`],
    ["extra data behind the index", `${FIRST}index 0\nextra AQID\n\n${CHECKPOINT}`],
    ["two lines of extra data", `${FIRST}extra AQID\nextra AQID\nindex 0\n\n${CHECKPOINT}`],
    ["empty extra data", `${FIRST}extra \nindex 0\n\n${CHECKPOINT}`],
    ["a word for extra data", `${FIRST}extra\nindex 0\n\n${CHECKPOINT}`],
    ["another word", `${FIRST}other AQID\nindex 0\n\n${CHECKPOINT}`],
    ["two indexes", `${FIRST}index 0\nindex 0\n\n${CHECKPOINT}`],
    ["an index with a leading zero", `${FIRST}index 00\n\n${CHECKPOINT}`],
    ["an index above 2^63 - 1", `${FIRST}index 9223372036854775808\n\n${CHECKPOINT}`],
    ["a hash of 31 bytes", `${FIRST}index 0\n${Buffer.alloc(31).toString("base64")}\n\n${CHECKPOINT}`],
    ["a hash that is no base64", `${FIRST}index 0\n${HASH.slice(1)}\n\n${CHECKPOINT}`],
    ["a carriage return", `${FIRST}index 0\r\n\n${CHECKPOINT}`],
    ["an unsigned checkpoint", `${FIRST}index 0\n\nexample.com/fancylog\n109482\n${HASH}\n`],
    ["more than 2 MiB", `${FIRST}index 0\n\n${CHECKPOINT}`.padStart(2 * 1024 * 1024 + 1)],
  ])("are not read from text with %s", (_name, text) => {
    expect(() => parseTlogProof(text)).toThrow(TlogError);
  });

  it.each([
    ["a negative index", { index: -1n, hashes: [], checkpoint: CHECKPOINT }],
    ["empty extra data", { index: 0n, hashes: [], checkpoint: CHECKPOINT, extra: new Uint8Array(0) }],
    ["a short hash", { index: 0n, hashes: [hash.subarray(1)], checkpoint: CHECKPOINT }],
    ["an unsigned checkpoint", { index: 0n, hashes: [], checkpoint: "a\n" }],
  ])("are not written with %s", (_name, wrong) => {
    expect(() => formatTlogProof(wrong)).toThrow(TlogError);
  });
});
