// Measures of text: exact at the limit, whatever the characters.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { countCharacters, fitsCharacters, fitsUtf8, stringProblem } from "#lib/text.ts";

const anyText = fc.string({ unit: fc.constantFrom("a", "é", "€", "😀", "\ud800", "\udc00") });

describe("fitsUtf8", () => {
  it("is exact for any text and limit", () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, limit) => {
        expect(fitsUtf8(text, limit)).toBe(Buffer.byteLength(text) <= limit);
      }),
    );
  });
});

describe("fitsCharacters", () => {
  it("is exact for any text and limit", () => {
    fc.assert(
      fc.property(anyText, fc.nat(20), (text, limit) => {
        expect(fitsCharacters(text, limit)).toBe(Array.from(text).length <= limit);
      }),
    );
  });
});

describe("countCharacters", () => {
  it.each([
    ["", 0],
    ["ab", 2],
    ["😀é", 2],
    ["\ud800", 1],
    ["e\u0301", 2],
  ])("counts the code points of %j", (text, characters) => {
    expect(countCharacters(text)).toBe(characters);
  });
});

describe("stringProblem", () => {
  it.each(["", "a", "😀", "\x01", "\ufffd", "\uffff"])("takes %j", (text) => {
    expect(stringProblem(text)).toBeUndefined();
  });

  it.each(["\ud800", "\udc00", "\udc00\ud800", "a\ud83d", "\ude00b"])(
    "finds the lone surrogate in %j",
    (text) => {
      expect(stringProblem(text)).toMatch(/^holds a lone surrogate/);
    },
  );

  it.each(["\0", "a\0b"])("finds the NUL in %j", (text) => {
    expect(stringProblem(text)).toBe("holds a NUL character (U+0000)");
  });
});
