// Trying again: pauses grow, end at the deadline, and parallel work is bounded and in order.
import { describe, expect, it } from "vitest";

import { chunksOf, createBackOff, inParallel, isPassing } from "#adapters/aws/dynamo-client-retry.ts";
import { fastTiming, vendorError } from "#test/support/dynamodb-faults.ts";

describe("a back-off", () => {
  it("doubles its pauses up to 2 s", async () => {
    const timing = fastTiming();
    const backOff = createBackOff({ what: "it", deadlineMs: 60_000, timing });
    const pauses: number[] = [];

    for (let count = 0; count < 8; count++) {
      const before = timing.monotonicMs();
      await backOff(new Error("throttled"));
      pauses.push(Math.round(timing.monotonicMs() - before));
    }

    expect(pauses).toEqual([50, 100, 200, 400, 799, 1598, 1998, 1998]);
  });

  it("throws what was in the way once the deadline would pass", async () => {
    const timing = fastTiming();
    const backOff = createBackOff({ what: "the insert", deadlineMs: 100, timing });
    await backOff(vendorError("ThrottlingError"));

    const late = backOff(vendorError("ThrottlingError"));

    await expect(late).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
      message: "the insert was answered by ThrottlingError",
    });
    expect(timing.monotonicMs()).toBeLessThan(100);
  });
});

describe("passing faults", () => {
  it.each([
    ["ThrottlingException", true],
    ["ProvisionedThroughputExceededException", true],
    ["RequestLimitExceeded", true],
    ["InternalServerError", true],
    ["TimeoutError", true],
    ["TransactionInProgressException", true],
    ["ValidationException", false],
    ["AccessDeniedException", false],
    ["ResourceNotFoundException", false],
  ])("%s: %s", (name, expected) => {
    expect(isPassing(vendorError(name))).toBe(expected);
  });
});

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
