// Making a thing once: kept when it was made, made anew when that failed.
import { expect, it } from "vitest";
import { once } from "#functions/once.ts";

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
