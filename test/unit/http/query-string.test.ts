// Query strings: strict decoding, and parameters of routes that have few.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { parseQueryString, readParameters, takeParameter } from "#http/query-string.ts";
import { BatchParameters, EventParameters, FeedParameters } from "#http/parameters.ts";
import { AuditValidationError } from "#lib/errors.ts";

describe("parseQueryString", () => {
  it("keeps order, repetition and empty values", () => {
    expect(parseQueryString("a=1&b=&a=2&c&&=x")).toEqual([
      ["a", "1"],
      ["b", ""],
      ["a", "2"],
      ["c", ""],
      ["", "x"],
    ]);
  });

  it("reads what URLSearchParams writes", () => {
    const text = fc.string({ unit: "grapheme" });

    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
        expect(parseQueryString(new URLSearchParams(pairs).toString())).toEqual(pairs);
      }),
    );
  });

  it.each(["a=%", "a=%f", "a=%ff", "%ff=a", "a=%ED%A0%80", "a=%C0%AF"])("refuses %s", (raw) => {
    expect(() => parseQueryString(raw)).toThrow(AuditValidationError);
  });
});

describe("readParameters", () => {
  it("reads values and defaults", () => {
    expect(readParameters(BatchParameters, [])).toEqual({ atomic: false });
    expect(readParameters(BatchParameters, [["atomic", "true"]])).toEqual({ atomic: true });
    expect(readParameters(EventParameters, [["wait", "20"]])).toEqual({ wait: 20 });
  });

  it.each([
    [[["atomic", "1"]], "/atomic", "is neither true nor false"],
    [[["a/b", "1"]], "/a~1b", "is not a parameter of this route, which knows atomic"],
    [
      [
        ["atomic", "true"],
        ["atomic", "true"],
      ],
      "/atomic",
      "is given more than once",
    ],
  ] as const)("refuses %j", (pairs, path, message) => {
    expect(() => readParameters(BatchParameters, pairs)).toThrow(
      expect.objectContaining({ code: "validation-failed", errors: [{ path, message }] }),
    );
  });

  it("says so where a route has no parameters", () => {
    expect(() => readParameters(z.strictObject({}), [["a", ""]])).toThrow("which has none");
  });
});

describe("takeParameter", () => {
  it("takes one out and leaves the rest", () => {
    const pairs = parseQueryString("a=1&b=2&a=3");

    expect(takeParameter(pairs, "b")).toEqual({
      value: "2",
      rest: [
        ["a", "1"],
        ["a", "3"],
      ],
    });
    expect(takeParameter(pairs, "c")).toEqual({ value: undefined, rest: pairs });
    expect(() => takeParameter(pairs, "a")).toThrow("is given 2 times");
  });
});

describe("a number", () => {
  it.each(["-0", "00", "01", "-01", "+1", " 1", "1.0", "1e1", ""])("is not written %j", (text) => {
    expect(() => readParameters(FeedParameters, [["after", text]])).toThrow(AuditValidationError);
    expect(() => readParameters(FeedParameters, [["limit", text]])).toThrow(AuditValidationError);
  });

  it.each([
    ["-1", -1],
    ["0", 0],
    ["10", 10],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("is written %s", (text, after) => {
    expect(readParameters(FeedParameters, [["after", text]])).toMatchObject({ after });
  });
});
