// Bodies of items: lines survive, the dictionary never changes, and what cannot be read is refused by name.
import { hash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DICTIONARY_1 } from "#adapters/aws/item-codec-dictionary.ts";
import { decodeBody, encodeBody } from "#adapters/aws/item-codec.ts";
import { accepted, prepare } from "#test/support/event-fixtures.ts";
import { anyEvent } from "#test/support/event-arbitraries.ts";

describe("a body", () => {
  it("gives back any line, character for character", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const preparation = prepare(event);
        fc.pre(preparation.kind === "prepared");
        const { text } = preparation.line;
        expect(decodeBody(encodeBody(text))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it("begins with the codec's byte", () => {
    expect(encodeBody("{}")[0]).toBe(1);
  });

  it("of a usual event takes less than half of its line", () => {
    const { text } = accepted({
      user_id: "ann@example.com",
      resource_type: "document",
      resource_id: "documents/2f1c",
      request_id: "01959123-4567-7abc-8def-0123456789ac",
      metadata: { plan: "pro" },
    });

    expect(encodeBody(text).length).toBeLessThan(text.length / 2);
  });

  it("in the codec of a newer version is refused with its number", () => {
    expect(() => decodeBody(Uint8Array.of(2, 1, 2, 3))).toThrow(/codec 2/);
    expect(() => decodeBody(new Uint8Array())).toThrow(/codec none/);
  });

  it("that is damaged is refused", () => {
    const body = encodeBody("a line");

    expect(() => decodeBody(body.subarray(0, -2))).toThrow(/damaged/);
  });

  it("that would inflate beyond a megabyte is refused", () => {
    expect(() => decodeBody(encodeBody("x".repeat(1024 * 1024 + 1)))).toThrow(/damaged/);
    expect(decodeBody(encodeBody("x".repeat(1024 * 1024)))).toHaveLength(1024 * 1024);
  });
});

describe("dictionary 1", () => {
  it("is frozen: bodies are unreadable with any other", () => {
    expect(hash("sha256", DICTIONARY_1)).toBe(
      "68e2734e2a00534abab2e77c17c9950ad613bff745b806d3b085cd0589b7f49d",
    );
  });
});
