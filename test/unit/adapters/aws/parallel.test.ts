// Parallel work is bounded and in order, and ends with the first failure.
import { describe, expect, it } from "vitest";

import { chunksOf, inParallel } from "#adapters/aws/parallel.ts";

describe("parallel work", () => {
  it("keeps its bound and the order of its items", async () => {
    let running = 0;
    let most = 0;

    const results = await inParallel([5, 1, 4, 2, 3], 2, async (turns) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      running--;
      return turns * 10;
    });

    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it("rejects with the first failure", async () => {
    const failing = inParallel([1, 2], 2, async (item) => Promise.reject(new Error(`item ${item}`)));

    await expect(failing).rejects.toThrow("item 1");
  });

  it("begins nothing more once something has failed", async () => {
    const begun: number[] = [];
    const failing = inParallel([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error("throttled");
    });

    await expect(failing).rejects.toThrow("throttled");
    await new Promise(setImmediate);
    expect(begun).toEqual([1, 2]);
  });
});

describe("chunks", () => {
  it("hold every item once, in order", () => {
    expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunksOf([], 2)).toEqual([]);
  });
});
