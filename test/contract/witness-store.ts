// The contract suite of the port WitnessStore, run by every adapter.
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";

import type { WitnessStore } from "#service/witness-ports.ts";

const RACERS = 20;

/** @param subject the open store; it need not be empty */
export function witnessStoreContract(name: string, subject: () => WitnessStore): void {
  describe(`${name} keeps the contract of WitnessStore`, () => {
    const freshOrigin = (): string => `log.example/${randomUUID()}`;

    it("has nothing of a log that it never stored", async () => {
      expect(await subject().read(freshOrigin())).toBeUndefined();
    });

    it("stores a note where nothing stands, and another where that one stands", async () => {
      const origin = freshOrigin();

      const first = await subject().swap(origin, { expected: undefined, next: "one — é\n" });
      const second = await subject().swap(origin, { expected: "one — é\n", next: "two\n" });

      expect([first, second]).toEqual(["swapped", "swapped"]);
      expect(await subject().read(origin)).toBe("two\n");
    });

    it.each([
      ["nothing", undefined],
      ["another note", "other\n"],
    ])("changes nothing where %s was expected", async (_, expected) => {
      const origin = freshOrigin();
      await subject().swap(origin, { expected: undefined, next: "one\n" });

      const outcome = await subject().swap(origin, { expected, next: "two\n" });

      expect(outcome).toBe("lost");
      expect(await subject().read(origin)).toBe("one\n");
    });

    it("changes nothing where a note was expected and there is none", async () => {
      const origin = freshOrigin();

      expect(await subject().swap(origin, { expected: "one\n", next: "two\n" })).toBe("lost");
      expect(await subject().read(origin)).toBeUndefined();
    });

    it("keeps logs apart", async () => {
      const [one, other] = [freshOrigin(), freshOrigin()];
      await subject().swap(one, { expected: undefined, next: "one\n" });

      expect(await subject().read(other)).toBeUndefined();
    });

    it("lets one of many win that expect the same", async () => {
      const origin = freshOrigin();
      await subject().swap(origin, { expected: undefined, next: "0\n" });

      const racers = Array.from({ length: RACERS }, (_, at) => `racer ${at}\n`);
      const outcomes = await Promise.all(
        racers.map((next) => subject().swap(origin, { expected: "0\n", next })),
      );

      const winners = racers.filter((_, at) => outcomes[at] === "swapped");
      expect(winners).toEqual([await subject().read(origin)]);
    });
  });
}
