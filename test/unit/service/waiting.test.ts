// Waiting, always bounded: polling with growing pauses, and work raced against a deadline.
import { describe, expect, it } from "vitest";
import { pollUntil, withDeadline } from "#service/waiting.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

describe("pollUntil", () => {
  it("answers at once what is done at once", async () => {
    const time = virtualTime();

    expect(
      await pollUntil(
        async () => 1,
        () => true,
        { waitMs: 1000, ...time },
      ),
    ).toBe(1);
    expect(time.monotonicMs()).toBe(0);
  });

  it("asks a last time when the time is up", async () => {
    const time = virtualTime();
    const ask = async (): Promise<number> => time.monotonicMs();

    expect(await pollUntil(ask, (now) => now >= 1000, { waitMs: 1000, ...time })).toBe(1000);
  });
});

describe("withDeadline", () => {
  it("tells what is done from what is late", async () => {
    const never = Promise.withResolvers().promise;

    expect(await withDeadline(Promise.resolve(), 1000, virtualTime().sleep)).toBe("done");
    expect(await withDeadline(never, 1000, virtualTime().sleep)).toBe("late");
  });

  it("ends the wait once the work is done", async () => {
    let signal: AbortSignal | undefined;
    const sleep = (_: number, given?: AbortSignal): Promise<void> => {
      signal = given;
      return Promise.withResolvers<undefined>().promise;
    };

    await withDeadline(Promise.resolve(), 1000, sleep);

    expect(signal?.aborted).toBe(true);
  });

  it("fails as the work does", async () => {
    const work = Promise.reject(new Error("disk"));

    await expect(withDeadline(work, 1000, virtualTime().sleep)).rejects.toThrow("disk");
  });
});
