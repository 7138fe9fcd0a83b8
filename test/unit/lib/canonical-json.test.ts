// Canonical JSON against RFC 8785's own examples and another implementation, and what it refuses.
import canonicalize from "canonicalize";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  canonicalJson,
  isPlainObject,
  jsonProblems,
  mayHoldBadStrings,
  NotJsonError,
} from "#lib/canonical-json.ts";

const DEEP = 1000;

function nested(levels: number): unknown {
  return JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`);
}

function doubleOf(bits: string): number {
  return Buffer.from(bits, "hex").readDoubleBE();
}

describe("canonicalJson", () => {
  it("writes the example of RFC 8785 section 3.2.2", () => {
    const value: unknown = JSON.parse(`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`);

    expect(canonicalJson(value, DEEP)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("sorts members by UTF-16 code units, as RFC 8785 section 3.2.3 does", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };

    const order = Object.values(JSON.parse(canonicalJson(value, DEEP)) as object);

    expect(order).toEqual([
      "One", // V8 lists integer keys first, which here is their place
      "Carriage Return",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it("sorts integer names as text", () => {
    expect(canonicalJson({ 2: 0, 10: 0, "": 0, a: 0 }, DEEP)).toBe('{"":0,"10":0,"2":0,"a":0}');
  });

  it.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", undefined], // 2^53: the RFC writes it, evidence does not take it
    ["4430000000000000", undefined],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", undefined],
    ["444b1ae4d6e2ef4f", undefined],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("writes the double %s of RFC 8785 appendix B as %s", (bits, text) => {
    const write = (): string => canonicalJson(doubleOf(bits), DEEP);

    if (text === undefined) expect(write).toThrow(NotJsonError);
    else expect(write()).toBe(text);
  });

  it("agrees with another implementation on every value that both take", () => {
    const value = fc.jsonValue({ maxDepth: 6, stringUnit: "binary" });

    fc.assert(
      fc.property(value, (json) => {
        fc.pre(jsonProblems(json, { path: "", maxDepth: DEEP }).length === 0);

        expect(canonicalJson(json, DEEP)).toBe(canonicalize(json));
      }),
    );
  });

  it("writes a canonical text again as it is", () => {
    fc.assert(
      fc.property(
        fc.object({ withNullPrototype: true, values: [fc.string({ unit: "binary" }), fc.integer()] }),
        (json) => {
          const text = canonicalJson(json, DEEP);

          expect(canonicalJson(JSON.parse(text), DEEP)).toBe(text);
        },
      ),
    );
  });

  it.each([
    undefined,
    Symbol("s"),
    1n,
    () => 1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    -(2 ** 53),
    1e20,
  ])("refuses %s", (value) => {
    expect(() => canonicalJson(value, DEEP)).toThrow(NotJsonError);
    expect(() => canonicalJson({ list: [value] }, DEEP)).toThrow(NotJsonError);
  });

  it.each([
    new Date(0),
    new Map(),
    new Set(),
    /x/,
    new (class A {})(),
    Object.create({ a: 1 }),
    new Uint8Array(1),
  ])("refuses an instance: %s", (value) => {
    expect(() => canonicalJson([value], DEEP)).toThrow(NotJsonError);
  });

  it("takes what nests as deep as allowed and refuses more", () => {
    expect(canonicalJson(nested(3), 3)).toBe("[[[]]]");
    expect(() => canonicalJson(nested(4), 3)).toThrow(NotJsonError);
    expect(canonicalJson("flat", 0)).toBe('"flat"');
  });

  it("refuses a value that contains itself", () => {
    const value: unknown[] = [];
    value.push(value);

    expect(() => canonicalJson(value, DEEP)).toThrow(NotJsonError);
  });

  it("ignores a toJSON that is data", () => {
    expect(canonicalJson({ toJSON: "x" }, DEEP)).toBe('{"toJSON":"x"}');
  });
});

describe("mayHoldBadStrings", () => {
  it("misses no lone surrogate and no NUL", () => {
    const bad = fc.constantFrom("\ud800", "\udbff", "\udc00", "\udfff", "\0");

    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        bad,
        fc.string({ unit: "binary" }),
        (before, character, after) => {
          const text = `${before}${character}${after}`;

          expect(mayHoldBadStrings(canonicalJson({ [text]: 1 }, 1))).toBe(
            !text.isWellFormed() || text.includes("\0"),
          );
        },
      ),
    );
  });

  it.each(["plain", "é€😀", "\x01\n\u2028", "\\n"])("clears %j", (text) => {
    expect(mayHoldBadStrings(canonicalJson(text, 0))).toBe(false);
  });
});

describe("jsonProblems", () => {
  it("finds nothing in a value without fault", () => {
    expect(jsonProblems({ a: [1, "x", null, true, { b: {} }] }, { path: "", maxDepth: 4 })).toEqual([]);
  });

  it("names each fault by its path below the given one", () => {
    const value = { "a/b": [1, Number.NaN], "c~d": { e: "\0" }, f: 2 ** 53 };

    expect(jsonProblems(value, { path: "/metadata", maxDepth: 5 }).map(({ path }) => path)).toEqual([
      "/metadata/a~1b/1",
      "/metadata/c~0d/e",
      "/metadata/f",
    ]);
  });

  it("finds a fault wherever canonicalJson refuses", () => {
    const leaf = fc.oneof(fc.anything(), fc.double(), fc.bigInt(), fc.date());

    fc.assert(
      fc.property(fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf)), (value) => {
        fc.pre(isRefused(value));

        expect(jsonProblems(value, { path: "", maxDepth: 20 })).not.toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it("stops after as many problems as asked for", () => {
    const value = Array.from({ length: 1000 }, () => Number.NaN);

    expect(jsonProblems(value, { path: "", maxDepth: 5 })).toHaveLength(20);
    expect(jsonProblems(value, { path: "", maxDepth: 5, maxProblems: 3 })).toHaveLength(3);
    expect(jsonProblems(value, { path: "", maxDepth: 5, maxProblems: 0 })).toEqual([]);
  });

  it("ends on a value that contains itself many times", () => {
    const value: unknown[] = [];
    value.push(value, value, value);

    expect(jsonProblems(value, { path: "", maxDepth: 32 })).toHaveLength(20);
  });
});

describe("isPlainObject", () => {
  it.each([{}, { a: 1 }, Object.create(null)])("is true of %j", (value) => {
    expect(isPlainObject(value)).toBe(true);
  });

  it.each([null, undefined, [[]], "x", 1, new Date(0), Object.create({}), () => 1])(
    "is false of %s",
    (value) => {
      expect(isPlainObject(value)).toBe(false);
    },
  );
});

function isRefused(value: unknown): boolean {
  try {
    canonicalJson(value, 20);
    return false;
  } catch {
    return true;
  }
}
