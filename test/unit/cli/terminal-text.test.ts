// Foreign text on a terminal: harmless, and measured and cut by the columns it takes.
import { describe, expect, it } from "vitest";
import { fitText, formatCount, printable, safeJson, textWidth } from "#cli/terminal-text.ts";

describe("terminal text", () => {
  it.each([
    ["plain", "plain"],
    ["\u001b[2Jx", "␛[2Jx"],
    ["a\nb\tc", "a␊b␉c"],
    ["\u007f\u009b", "␡\ufffd"],
    ["\u202eevil\u2066\u200b", "\ufffdevil\ufffd\ufffd"],
    ["日本 é 🎉", "日本 é 🎉"],
  ])("shows %j as %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it.each([
    ["abc", 3],
    ["日本", 4],
    ["e\u0301", 1],
    ["🎉", 2],
  ])("measures %s as %i columns", (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it.each([
    ["abc", 5, "end", "abc  "],
    ["abcdef", 4, "end", "abc…"],
    ["abcdef", 4, "start", "…def"],
    ["日本語", 4, "end", "日… "],
    ["日本語", 4, "start", "…語 "],
  ] as const)("fits %s into %i columns, cut at its %s", (text, width, cut, fitted) => {
    expect(fitText(text, width, cut)).toBe(fitted);
    expect(textWidth(fitText(text, width, cut))).toBe(width);
  });

  it("escapes in JSON what a terminal could act on, without changing its meaning", () => {
    const json = JSON.stringify({ a: "\u009b31m\u2028\u007f" });

    expect(safeJson(json)).toBe('{"a":"\\u009b31m\\u2028\\u007f"}');
    expect(JSON.parse(safeJson(json))).toEqual(JSON.parse(json));
  });

  it.each([
    [0, "0"],
    [999, "999"],
    [1234567, "1,234,567"],
  ])("groups the digits of %i", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
});
