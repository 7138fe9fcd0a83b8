// Making a thing once: kept when it was made, made anew when that failed.
import { expect, it } from "vitest";
import { once } from "#functions/once.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

it("makes the thing once for everybody", async () => {
  let made = 0;
  const get = once(async () => ++made);

  const values = await Promise.all([get(), get()]);

  expect([...values, await get()]).toEqual([1, 1, 1]);
});

it("makes it anew after a failure, which those who asked are told", async () => {
  let tries = 0;
  const get = once(async () => {
    tries++;
    if (tries === 1) throw new Error("not yet");
    return tries;
  });

  const outcomes = await Promise.allSettled([get(), get()]);

  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(get()).resolves.toBe(2);
});

it("makes it anew when it is old, where that is asked for", async () => {
  const { monotonicMs, pass } = virtualTime();
  let made = 0;
  const get = once(async () => ++made, { afterMs: 1000, monotonicMs });
  const first = await get();
  pass(999);
  const kept = await get();
  pass(1);

  const renewals = await Promise.all([get(), get()]);

  expect([first, kept, renewals, await get()]).toEqual([1, 1, [2, 2], 2]);
});

it("keeps the old one where time may heal that there is no new one, and else fails until there is", async () => {
  const { monotonicMs, pass } = virtualTime();
  const down = new AuditStorageError("storage-unavailable", "down", { retryable: true });
  const replaced = new AuditStorageError("storage-unavailable", "the table is a copy");
  const outcomes = [1, down, 3, replaced, replaced, 6];
  const get = once(
    async () => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    { afterMs: 1000, monotonicMs },
  );
  const next = async (): Promise<unknown> => {
    pass(1000);
    return get();
  };

  expect([await next(), await next(), await next()]).toEqual([1, 1, 3]);
  await expect(next()).rejects.toBe(replaced);
  await expect(get()).rejects.toBe(replaced);
  await expect(get()).resolves.toBe(6);
});
