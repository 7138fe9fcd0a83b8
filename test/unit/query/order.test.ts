// The total order: instants first, ids as UTF-16 code units where they tie.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { comparePositions } from "#query/order.ts";
import type { Position } from "#query/plan.ts";

const at = (seconds: number, nanos: number, eventId: string): Position => ({
  instant: { seconds, nanos },
  eventId,
});

const position = fc
  .tuple(fc.nat(2), fc.nat(2), fc.constantFrom("", "A", "a", "a!", "a:1", "aa", "b"))
  .map(([seconds, nanos, eventId]) => at(seconds, nanos, eventId));

describe("comparePositions", () => {
  it.each([
    [at(1, 0, "z"), at(2, 0, "a")],
    [at(1, 1, "z"), at(1, 2, "a")],
    [at(1, 1, "a"), at(1, 1, "b")],
    [at(1, 1, "B"), at(1, 1, "a")],
    [at(1, 1, "a"), at(1, 1, "a!")],
    [at(1, 1, "10"), at(1, 1, "9")],
  ])("puts %j before %j", (earlier, later) => {
    expect(comparePositions(earlier, later)).toBeLessThan(0);
    expect(comparePositions(later, earlier)).toBeGreaterThan(0);
  });

  it("is 0 for the same place only", () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        expect(comparePositions(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it("is transitive", () => {
    fc.assert(
      fc.property(position, position, position, (...three) => {
        const [a, b, c] = three.toSorted(comparePositions);
        if (a === undefined || b === undefined || c === undefined) throw new Error("three were given");

        expect(
          [comparePositions(a, b), comparePositions(b, c), comparePositions(a, c)].every(
            (order) => order <= 0,
          ),
        ).toBe(true);
      }),
    );
  });
});
