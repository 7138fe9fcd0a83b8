// Strict JSON: what JSON.parse would change silently is reported by path; hostile text costs little.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { AuditServiceError } from "#lib/errors.ts";
import { parseStrictJson } from "#lib/strict-json.ts";

/** What hostile text is made of. */
const TOKENS = [
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  '"',
  "\\",
  "u",
  "0",
  "a",
  "1",
  "-",
  ".",
  "e",
  " ",
  "\n",
  "null",
];

const MIB = 1024 * 1024;
const DEEP = "[".repeat(600) + "]".repeat(600);

const paths = (text: string): string[] => parseStrictJson(text).problems.map(({ path }) => path);

function refusal(text: string): AuditServiceError {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof AuditServiceError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("honest text", () => {
  it("is read as JSON.parse reads it, without problems", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), fc.constantFrom(undefined, 1, "\t"), (json, space) => {
        const text = JSON.stringify(JSON.parse(json), undefined, space);

        expect(parseStrictJson(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    "{}",
    " [ ] ",
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    '"text with {\\"a\\":1,\\"a\\":2} in it"',
    '{"a:b":"c:d","":"" , "\\\\":":","\\"":"\\""}',
    "[1.5,-0.25,1e5,1E-7,1.0e+2,-0,0.1234567890123456789]",
    "[9007199254740991,-9007199254740991,1e22,1e-400]",
    '{"__proto__":1,"constructor":2}',
    "null",
    "12345678901",
  ])("has no problems: %s", (text) => {
    expect(paths(text)).toEqual([]);
  });

  it("keeps __proto__ as a member", () => {
    const { value } = parseStrictJson('{"__proto__":{"x":1}}');

    expect(Object.keys(value as object)).toEqual(["__proto__"]);
  });
});

describe("members given twice", () => {
  it.each([
    ['{"a":1,"a":1}', ["/a"]],
    ['{"a":1,"\\u0061":2}', ["/a"]],
    ['{"\\u00e9":1,"é":2}', ["/é"]],
    ['{"":1,"":2}', ["/"]],
    ['{"a/b":1,"a\\/b":2,"c~":1,"c~":2}', ["/a~1b", "/c~0"]],
    ['{"__proto__":1,"__proto__":2}', ["/__proto__"]],
    ['[[{"x":{"a":1,"b":2,"a":3}}]]', ["/0/0/x/a"]],
    ['{"a":1,"a":{"b":1,"b":2}}', ["/a", "/a/b"]],
    ['{"a":1,"a":1,"a":1}', ["/a", "/a"]],
    [' { "a" : "1" ,\n"a"\t: [ ] } ', ["/a"]],
    ['{"s":"\\"a\\":1","a":[],"a":{}}', ["/a"]],
    ['{"1":1,"1":2}', ["/1"]],
  ])("are named by path: %s", (text, expected) => {
    expect(paths(text)).toEqual(expected);
  });

  it("are found wherever they are put", () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const key = fc.string();

    fc.assert(
      fc.property(fc.array(json, { maxLength: 5 }), key, json, (before, name, twice) => {
        const member = `${JSON.stringify(name)}:${JSON.stringify(twice)}`;
        const text = `[${[...before.map((value) => JSON.stringify(value)), `{${member},${member}}`].join(",")}]`;

        const repeated = parseStrictJson(text).problems.filter(({ message }) =>
          message.startsWith("is given twice"),
        );

        expect(repeated).toHaveLength(1);
      }),
    );
  });
});

describe("numbers that JavaScript would change", () => {
  it.each([
    ["9007199254740992", "is an integer beyond"],
    ["-9007199254740993", "is an integer beyond"],
    ["123456789012345678901234567890", "is an integer beyond"],
    ["1e400", "overflows"],
    ["-1E+999", "overflows"],
    ["1.5e309", "overflows"],
  ])("are refused by path: %s", (token, message) => {
    expect(parseStrictJson(`{"a":["9007199254740993",${token}]}`).problems).toEqual([
      { path: "/a/1", message: expect.stringContaining(message) },
    ]);
  });

  it("are refused as the whole text", () => {
    expect(paths("9007199254740993")).toEqual([""]);
  });

  it("are found with blanks around them", () => {
    expect(paths('[ 9007199254740993 , { "a" :\n1e999\t} ]')).toEqual(["/0", "/1/a"]);
  });

  it("are told exactly from those that survive", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }), (integer) => {
        const survives = integer >= -(2n ** 53n) + 1n && integer <= 2n ** 53n - 1n;

        expect(paths(`[${integer}]`)).toEqual(survives ? [] : ["/0"]);
      }),
    );
  });
});

describe("text that is not JSON", () => {
  it.each([
    "",
    " ",
    "{",
    "[1,]",
    "{'a':1}",
    "nul",
    "NaN",
    '{"a":01}',
    '"\n"',
    "{} {}",
    "\ufeff{}",
    "[".repeat(1_000_000),
  ])("is refused as malformed-json: %.20s", (text) => {
    expect(refusal(text).code).toBe("malformed-json");
  });

  it("is quoted only in part", () => {
    expect(refusal(`{"a":${"x".repeat(100_000)}`).message.length).toBeLessThan(250);
  });

  it("never makes it throw anything but its own error", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TOKENS), { maxLength: 30 }), (characters) => {
        const text = characters.join("");
        try {
          parseStrictJson(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "malformed-json" });
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe("hostile text", () => {
  it.each([
    ["arrays", "[".repeat(500) + "]".repeat(500)],
    ["objects", `${'{"a":'.repeat(499)}{}${"}".repeat(499)}`],
  ])("of 500 levels of %s is read", (_, text) => {
    expect(paths(text)).toEqual([]);
  });

  it.each([
    ["arrays", "[".repeat(501) + "]".repeat(501), "/0/0/0"],
    ["objects", `${'{"a":'.repeat(500)}{}${"}".repeat(500)}`, "/a/a/a"],
    ["arrays, four million", "[".repeat(4 * MIB) + "]".repeat(4 * MIB), "/0/0/0"],
    ["an entry among others", `{"events":[1,{"m":${DEEP}},{}]}`, "/events/1/m"],
    ["a member with a long name", `{"events":[{"${"k".repeat(2000)}":${DEEP}}]}`, "/events/0"],
    ["many containers in one", `[[[${"[".repeat(497)}${"[],".repeat(MIB)}0${"]".repeat(500)}`, "/0/0/0"],
  ])("of more levels is one problem of the value that nests so: %s", (_, text, path) => {
    expect(parseStrictJson(text).problems).toEqual([{ path, message: "nests deeper than 500 levels" }]);
  });

  it("is looked at further where it does not nest so deep", () => {
    const text = `[{"a":["]\\"[",${DEEP},{"b":1,"b":2}],"c":1e999},${DEEP},{"d":1,"d":1}]`;

    expect(paths(text)).toEqual(["/0/a/1", "/0/a/2/b", "/0/c", "/1/0/0", "/2/d"]);
  });

  it("of eight million brackets that nobody closes is not JSON", () => {
    expect(refusal("[".repeat(8 * MIB)).code).toBe("malformed-json");
  });

  it("has at most 100 problems listed", () => {
    expect(paths(`{"a":1${',"a":1'.repeat(10_000)}}`)).toHaveLength(100);
  });

  it("has a problem of each entry listed behind those of one that has more", () => {
    const many = `{"a":1${',"a":1'.repeat(200)}}`;

    const listed = paths(`{"events":[${many},{},{"b":1,"b":2,"b":3},${many},1e999]}`);

    expect(listed.slice(100)).toEqual(["/events/2/b", "/events/3/a", "/events/4"]);
  });

  it("has a list given twice listed behind the problems of the first one", () => {
    expect(paths(`{"events":[[1${",1e999".repeat(200)}]],"events":[]}`).slice(100)).toEqual(["/events"]);
  });

  it("has no more listed than a batch holds entries", () => {
    expect(paths(`[[${"1e999,".repeat(100_000)}1]]`)).toHaveLength(1100);
  });

  it("gets no answer much larger than itself: long paths are cut back to an enclosing value", () => {
    const key = "k".repeat(20_000);
    let text = `{"a":1${',"a":1'.repeat(200)}}`;
    for (let level = 0; level < 50; level++) text = `{"${key}":${text}}`;

    const { problems } = parseStrictJson(`{"top":${text}}`);

    expect(problems).toHaveLength(100);
    expect(new Set(problems.map(({ path }) => path))).toEqual(new Set(["/top"]));
  });
});
