// Rows of the index and line numbers are told from each other where markers and missing lines have moved them apart.
import { describe, expect, it } from "vitest";

import { LineNumbers } from "#adapters/file/line-numbers.ts";

describe("line numbers", () => {
  it("are those of the rows where nothing moves them apart", () => {
    const numbers = new LineNumbers();

    expect([0, 7, 1_000_000].map((row) => numbers.lineOf(row))).toEqual([0, 7, 1_000_000]);
    expect([0, 7, 1_000_000].map((line) => numbers.rowFrom(line))).toEqual([0, 7, 1_000_000]);
  });

  it("pass those that a marker takes with its one row", () => {
    const numbers = new LineNumbers();
    numbers.note(3, 5); // row 2 is a marker of lines 2, 3 and 4

    expect([1, 2, 3, 4].map((row) => numbers.lineOf(row))).toEqual([1, 2, 5, 6]);
    expect([1, 2, 3, 4, 5, 6].map((line) => numbers.rowFrom(line))).toEqual([1, 2, 3, 3, 3, 4]);
  });

  it("pass the row of a marker that takes none", () => {
    const numbers = new LineNumbers();
    numbers.note(3, 2); // row 2 is a marker of garbage

    expect([1, 3, 4].map((row) => numbers.lineOf(row))).toEqual([1, 2, 3]);
    expect([1, 2, 3].map((line) => numbers.rowFrom(line))).toEqual([1, 3, 4]);
  });

  it("begin where the oldest file that is there does", () => {
    const numbers = new LineNumbers();
    numbers.note(0, 100);

    expect(numbers.lineOf(2)).toBe(102);
    expect([0, 99, 100, 102].map((line) => numbers.rowFrom(line))).toEqual([0, 0, 0, 2]);
  });

  it("find their way over many breaks", () => {
    const numbers = new LineNumbers();
    for (let at = 1; at <= 100; at++) numbers.note(at * 10, at * 12); // nine lines, then a marker of three

    for (let row = 0; row < 1100; row++) {
      const line = numbers.lineOf(row);
      expect(line).toBe(row < 1010 ? Math.floor(row / 10) * 12 + (row % 10) : row + 200);
      expect(numbers.rowFrom(line)).toBe(row);
    }
  });
});
