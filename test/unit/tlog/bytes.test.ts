// Hexadecimal and UTF-8 are strict, comparison is by content.
import { describe, expect, it } from "vitest";

import { concatBytes, decodeUtf8, encodeUtf8, equalBytes, fromHex, quote, toHex } from "#tlog/bytes.ts";
import { TlogError } from "#tlog/tlog-error.ts";

describe("bytes", () => {
  it("are equal where length and content are", () => {
    const bytes = Uint8Array.of(1, 2);

    expect(equalBytes(bytes, Buffer.from([1, 2]))).toBe(true);
    expect(equalBytes(bytes, Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(bytes, Uint8Array.of(1, 2, 0))).toBe(false);
  });

  it("are joined in order", () => {
    expect(concatBytes([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)])).toEqual(
      Uint8Array.of(1, 2, 3),
    );
  });

  it("become lowercase hexadecimal and come back", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);

    expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
    expect(fromHex(toHex(bytes))).toEqual(bytes);
  });

  it.each(["0", "AA", "0g", " 00", "00\n", "０0"])("are not read from %j", (text) => {
    expect(() => fromHex(text)).toThrow(TlogError);
  });

  it("become text only where they are UTF-8, a byte order mark included", () => {
    expect(decodeUtf8(encodeUtf8("\ufeff— è"))).toBe("\ufeff— è");
    expect(() => decodeUtf8(Uint8Array.of(0xc0, 0x80))).toThrow("2 bytes are not UTF-8");
  });

  it("are not made of text with a lone surrogate", () => {
    expect(() => encodeUtf8("a\ud800")).toThrow(TlogError);
  });

  it("quote at most 60 characters of an attacker's text, escaped", () => {
    expect(quote("a\u0007\n")).toBe('"a\\u0007\\n"');
    expect(quote("a".repeat(1000)).length).toBe(63);
  });
});
