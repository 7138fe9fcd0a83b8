// Sort keys of the indexes: bytes compare as the total order of events does, and a range is what a plan may answer.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compareSortKeys, positionOf, sortKey, sortRange } from "#adapters/aws/event-item-sort.ts";
import { comparePositions } from "#query/order.ts";
import type { Position } from "#query/plan.ts";

const ID_CHARACTERS = "-.0129:AZ_az!".split("");
const instant = fc.record({
  seconds: fc.constantFrom(0, 1, 1_770_000_000, 1_770_000_001, 18_446_744_072),
  nanos: fc.constantFrom(0, 1, 500_000_000, 999_999_999),
});
const position: fc.Arbitrary<Position> = fc.record({
  instant,
  eventId: fc.string({ unit: fc.constantFrom(...ID_CHARACTERS), minLength: 1, maxLength: 6 }),
});
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

function isInRange(place: Position, range: ReturnType<typeof sortRange>): boolean {
  if (range === undefined) return false;
  const key = sortKey(place);
  const isExcept = range.except !== undefined && compareSortKeys(key, range.except) === 0;
  return compareSortKeys(key, range.from) >= 0 && compareSortKeys(key, range.to) <= 0 && !isExcept;
}

describe("a sort key", () => {
  it("gives back its position", () => {
    fc.assert(
      fc.property(position, (place) => {
        expect(positionOf(sortKey(place))).toEqual(place);
      }),
    );
  });

  it("compares as positions do", () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        const order = compareSortKeys(sortKey(a), sortKey(b));
        expect(Math.sign(order)).toBe(Math.sign(comparePositions(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it("is 64 bits of nanoseconds, then the id", () => {
    const key = sortKey({ instant: { seconds: 1, nanos: 2 }, eventId: "a!b" });

    expect(Buffer.from(key).toString("hex")).toBe("000000003b9aca02612162");
  });
});

describe("the range of a plan", () => {
  it("holds what lies within its bounds and behind its place, and nothing else", () => {
    fc.assert(
      fc.property(
        position,
        maybe(instant),
        maybe(instant),
        maybe(position),
        fc.boolean(),
        (place, from, to, after, isDescending) => {
          const order = after === undefined ? 1 : comparePositions(place, after) * (isDescending ? -1 : 1);
          const bounded = (bound: Position["instant"], id: string): Position => ({
            instant: bound,
            eventId: id,
          });
          const isWanted =
            (from === undefined || comparePositions(place, bounded(from, "")) >= 0) &&
            (to === undefined || comparePositions(place, bounded(to, "\u{7f}")) <= 0) &&
            order > 0;

          expect(isInRange(place, sortRange({ from, to, after, isDescending }))).toBe(isWanted);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it.each([true, false])("leaves out the very place at which it begins (descending: %s)", (isDescending) => {
    const place: Position = { instant: { seconds: 5, nanos: 0 }, eventId: "it" };

    const range = sortRange({ from: undefined, to: undefined, after: place, isDescending });

    expect(isInRange(place, range)).toBe(false);
    expect(isInRange({ ...place, eventId: isDescending ? "is" : "iu" }, range)).toBe(true);
  });

  it("takes a bound beyond the year 2554 as the last moment that a key can hold", () => {
    const far = { seconds: 253_402_300_799, nanos: 0 };
    const last = { instant: { seconds: 18_446_744_073, nanos: 709_551_615 }, eventId: "z" };

    const range = sortRange({ from: undefined, to: far, after: undefined, isDescending: true });

    expect(isInRange(last, range)).toBe(true);
  });

  it("is none where its bounds leave nothing", () => {
    const [early, late] = [
      { seconds: 1, nanos: 0 },
      { seconds: 2, nanos: 0 },
    ];

    expect(sortRange({ from: late, to: early, after: undefined, isDescending: true })).toBeUndefined();
  });
});
