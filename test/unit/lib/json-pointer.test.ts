// JSON Pointers: escaping as RFC 6901 has it, and paths short enough to be shown.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { childPointer, shownPointer, toPointer } from "#lib/json-pointer.ts";

const unescape = (token: string): string => token.replaceAll("~1", "/").replaceAll("~0", "~");

describe("toPointer", () => {
  it.each([
    [[], ""],
    [["foo"], "/foo"],
    [["foo", 0], "/foo/0"],
    [[""], "/"],
    [["a/b"], "/a~1b"],
    [["m~n"], "/m~0n"],
    [["~1"], "/~01"],
    [[" ", "é", '"'], '/ /é/"'],
  ])("writes %j as RFC 6901 section 5 does: %s", (keys, pointer) => {
    expect(toPointer(keys)).toBe(pointer);
  });

  it("can be read back, whatever the names", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("~", "/", "0", "1", "a") })), (keys) => {
        expect(toPointer(keys).split("/").slice(1).map(unescape)).toEqual(keys);
      }),
    );
  });
});

describe("childPointer", () => {
  it("extends a pointer by one step", () => {
    expect(childPointer("/a", "b/c")).toBe("/a/b~1c");
    expect(childPointer("", 3)).toBe("/3");
  });
});

describe("shownPointer", () => {
  it("keeps a pointer of 1,024 characters", () => {
    const pointer = `/${"a".repeat(1023)}`;

    expect(shownPointer(pointer)).toBe(pointer);
  });

  it("cuts a longer one back to an enclosing value", () => {
    expect(shownPointer(`/a/b${"b".repeat(1024)}`)).toBe("/a");
    expect(shownPointer(`/${"a".repeat(1023)}/b`)).toBe(`/${"a".repeat(1023)}`);
  });

  it("answers the whole where even the first name is too long", () => {
    expect(shownPointer(`/${"a".repeat(2000)}`)).toBe("");
  });
});
