// Entry bundles are read as tlog-tiles writes them, and nothing else is.
import { describe, expect, it } from "vitest";

import { decodeBundle, decodeHashBundle, encodeBundle, encodeHashBundle } from "#tlog/bundle.ts";

const entry = (length: number): Uint8Array => new Uint8Array(length).fill(7);

describe("entry bundles", () => {
  it("hold each entry behind its length in two bytes", () => {
    const entries = [entry(0), entry(1), entry(258)];

    const bundle = encodeBundle(entries);

    expect(bundle.slice(0, 7)).toEqual(Uint8Array.of(0, 0, 0, 1, 7, 1, 2));
    expect(decodeBundle(bundle)).toEqual(entries);
  });

  it("take 256 entries of 65535 bytes and no more", () => {
    const most = Array.from({ length: 256 }, () => entry(65_535));

    expect(decodeBundle(encodeBundle(most)).length).toBe(256);
    expect(() => encodeBundle([...most, entry(0)])).toThrow("1 to 256 entries, not 257");
    expect(() => encodeBundle([entry(65_536)])).toThrow("an entry is 65536 bytes; the limit is 65535");
    expect(() => encodeBundle([])).toThrow("1 to 256 entries, not 0");
  });

  it("with entries of 32 bytes are the same from one buffer", () => {
    const entries = Array.from({ length: 256 }, (_, at) => new Uint8Array(32).fill(at));

    const bundle = encodeHashBundle(Buffer.concat(entries));

    expect(bundle).toEqual(encodeBundle(entries));
    expect(decodeHashBundle(bundle)).toEqual(new Uint8Array(Buffer.concat(entries)));
  });

  it.each([
    ["nothing", [], "1 to 256 entries, not 0"],
    ["half a length", [0], "entry 0 of the bundle is cut off at byte 0"],
    ["half an entry", [0, 1, 9, 0, 2, 1], "entry 1 of the bundle is cut off at byte 3"],
    ["257 entries", Array.from({ length: 514 }, () => 0), "1 to 256 entries, not 257"],
  ])("are not read from %s", (_name, bytes, reason) => {
    expect(() => decodeBundle(Uint8Array.from(bytes))).toThrow(reason);
  });

  it("with an entry of another length are no bundles of hashes", () => {
    const bundle = encodeBundle([entry(32), entry(31)]);

    expect(() => decodeHashBundle(bundle)).toThrow("entry 1 is 31 bytes; it must be 32");
    expect(() => encodeHashBundle(entry(33))).toThrow("33 bytes are not entries of 32 bytes");
    expect(() => encodeHashBundle(entry(0))).toThrow("1 to 256 entries, not 0");
    expect(() => encodeHashBundle(entry(257 * 32))).toThrow("1 to 256 entries, not 257");
  });
});
