// Trying again: pauses grow and end at the deadline.
import { describe, expect, it } from "vitest";

import { createBackOff, isPassing } from "#adapters/aws/dynamo-client-retry.ts";
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
