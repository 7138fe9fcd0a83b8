// A bound on work under way: never more at once, nothing forgotten, order kept, failures free their slot.
import { describe, expect, it } from "vitest";
import { createSlots } from "#infra/local/slots.ts";

describe("slots", () => {
  it("let so many run at once, and the rest in the order in which they came", async () => {
    const { run } = createSlots(2);
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;

    await Promise.all(
      Array.from({ length: 7 }, async (_, number) =>
        run(async () => {
          begun.push(number);
          most = Math.max(most, ++underWay);
          await new Promise(setImmediate);
          underWay--;
        }),
      ),
    );

    expect(most).toBe(2);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("are free again behind work that failed", async () => {
    const { run } = createSlots(1);
    const failing = run(async () => {
      throw new RangeError("broken");
    });

    const next = run(async () => "done");

    await expect(failing).rejects.toThrow("broken");
    expect(await next).toBe("done");
    expect(await run(async () => "again")).toBe("again");
  });
});
