// However much is read at once, everything else gets its turn of the event loop between two stretches.
import { describe, expect, it } from "vitest";
import { ReadTurns } from "#adapters/file/read-turns.ts";

describe("turns", () => {
  it("run one stretch per turn of the loop, in the order in which they were asked for", async () => {
    const turns = new ReadTurns();
    const order: string[] = [];
    const other = (left: number): void => {
      order.push("other");
      if (left > 1) setImmediate(other, left - 1);
    };
    setImmediate(other, 4);

    await Promise.all(["a", "b", "c"].map((name) => turns.run(() => order.push(name))));

    expect(order.filter((name) => name !== "other")).toEqual(["a", "b", "c"]);
    expect(order.indexOf("other")).toBeLessThan(order.indexOf("b"));
    expect(order.slice(order.indexOf("b") + 1, order.indexOf("c"))).toContain("other");
  });

  it("give a free turn at once", async () => {
    const turns = new ReadTurns();
    let hasRun = false;

    const running = turns.run(() => {
      hasRun = true;
    });

    expect(hasRun).toBe(true);
    await running;
  });

  it("go on behind a stretch that throws", async () => {
    const turns = new ReadTurns();
    const failing = turns.run(() => {
      throw new RangeError("broken");
    });

    const next = turns.run(() => "read");

    await expect(failing).rejects.toThrow("broken");
    expect(await next).toBe("read");
  });

  it("refuse more than may wait, and take more once some have gone", async () => {
    const turns = new ReadTurns();
    const running = Array.from({ length: 201 }, async () => turns.run(() => undefined));

    await expect(turns.run(() => undefined)).rejects.toMatchObject({ code: "overloaded", retryable: true });

    await Promise.all(running);
    await expect(turns.run(() => "read")).resolves.toBe("read");
  });
});
