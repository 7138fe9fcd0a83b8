// Work on many things at once, with a bound.
import { describe, expect, it } from "vitest";

import { forEachParallel } from "#service/parallel.ts";

describe("forEachParallel", () => {
  it("works on all items, never on more than so many at once", async () => {
    const items = Array.from({ length: 20 }, (_, index) => index);
    const done: number[] = [];
    let [live, most] = [0, 0];

    await forEachParallel(items, 3, async (item) => {
      most = Math.max(most, ++live);
      await new Promise(setImmediate);
      live--;
      done.push(item);
    });

    expect(done.toSorted((a, b) => a - b)).toEqual(items);
    expect(most).toBe(3);
  });

  it("begins nothing behind a failure, waits for what was begun, and throws the first", async () => {
    const begun: number[] = [];
    const ended: number[] = [];

    const work = forEachParallel([0, 1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      if (item === 0) throw new Error("first");
      await new Promise(setImmediate);
      ended.push(item);
    });

    await expect(work).rejects.toThrow("first");
    expect(begun).toEqual([0, 1]);
    expect(ended).toEqual([1]);
  });
});
