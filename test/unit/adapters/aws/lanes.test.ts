// Lanes: where an event is written there it is looked for, under every plan that it matches and whatever epochs there
// were; and a plan reads no lane in which nothing of it can be.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { FIRST_EPOCH, lanesToRead, laneOf, writingEpoch } from "#adapters/aws/lanes.ts";
import { CATEGORIES, LEVELS } from "#event/audit-event.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { planFor } from "#test/contract/sample-lines.ts";

const SERVICES = ["shop", "bank", "auth", "mail"] as const;
const SPREAD: LaneEpoch = { number: 1, lanes: 8, spread: 4, activeFromMs: 1000 };

const event = fc.record({
  service_name: fc.constantFrom(...SERVICES),
  level: fc.constantFrom(...LEVELS),
  category: fc.constantFrom(...CATEGORIES),
});
const someOf = <T>(values: readonly T[]): fc.Arbitrary<T[] | undefined> =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }), { nil: undefined });
const epochs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 5 })), { maxLength: 3 })
  .map((steps) => grow(steps));

function grow(steps: readonly (readonly [number, number])[]): readonly LaneEpoch[] {
  const found = [FIRST_EPOCH];
  for (const [lanes, spread] of steps) {
    const last = found.at(-1)!;
    const next = {
      lanes: Math.min(64, last.lanes + lanes),
      spread: Math.min(last.lanes, last.spread + spread),
    };
    found.push({ ...next, number: last.number + 1, activeFromMs: found.length * 1000 });
  }
  return found;
}

function lanesFor(query: Members, known: readonly LaneEpoch[] = [FIRST_EPOCH]): readonly string[] {
  return lanesToRead(planFor("t", query), known).toSorted();
}

describe("the lanes of a plan", () => {
  it("hold every event that matches it, in whichever epoch it was written", () => {
    const filters = fc.record(
      { service_names: someOf(SERVICES), levels: someOf(LEVELS), categories: someOf(CATEGORIES) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(event, fc.uuid(), filters, epochs, fc.nat(3), (members, id, wanted, known, at) => {
        const query = Object.fromEntries(Object.entries(wanted).filter(([, values]) => values !== undefined));
        const matches =
          (wanted.service_names?.includes(members.service_name) ?? true) &&
          (wanted.levels?.includes(members.level) ?? true) &&
          (wanted.categories?.includes(members.category) ?? true);
        fc.pre(matches);
        const written = known[at % known.length]!;

        expect(lanesFor(query, known)).toContain(laneOf(members, id, written));
      }),
      { numRuns: 2000 },
    );
  });

  it("are all of a tenant for its timeline", () => {
    expect(lanesFor({})).toEqual(["0", "1", "2", "3", "n"]);
    expect(lanesFor({}, [FIRST_EPOCH, SPREAD])).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "n"]);
  });

  it("are one and the notable one for a service, and as many as it is spread over", () => {
    expect(lanesFor({ service_names: ["shop"] })).toHaveLength(2);
    expect(lanesFor({ service_names: ["shop"] }, [SPREAD])).toHaveLength(5);
  });

  it.each([
    { query: { levels: ["ERROR"] }, lanes: ["n"] },
    { query: { levels: ["ERROR", "CRITICAL"], service_names: ["shop"] }, lanes: ["n"] },
    { query: { categories: ["SECURITY"], levels: ["INFO"] }, lanes: ["n"] },
    { query: { levels: ["ERROR", "INFO"] }, lanes: ["0", "1", "2", "3", "n"] },
    { query: { levels: ["INFO"] }, lanes: ["0", "1", "2", "3", "n"] },
    { query: { levels: ["INFO"], categories: ["SYSTEM_EVENT"] }, lanes: ["0", "1", "2", "3"] },
    {
      query: { levels: ["INFO"], categories: ["SYSTEM_EVENT", "SECURITY"] },
      lanes: ["0", "1", "2", "3", "n"],
    },
  ])("are $lanes for $query", ({ query, lanes }) => {
    expect(lanesFor(query)).toEqual(lanes);
  });
});

describe("the lane of an event", () => {
  // By SHA-256 as another program computes it.
  it("never changes for an epoch", () => {
    const members = { level: "INFO", category: "SYSTEM_EVENT" } as const;
    const lanes = SERVICES.map((service_name) => laneOf({ ...members, service_name }, "id", FIRST_EPOCH));
    const spread = ["a", "b", "c", "d"].map((id) => laneOf({ ...members, service_name: "shop" }, id, SPREAD));

    expect(lanes).toEqual(["3", "2", "0", "1"]);
    expect(spread).toEqual(["5", "5", "6", "6"]);
  });

  it.each([
    { level: "ERROR", category: "SYSTEM_EVENT" },
    { level: "CRITICAL", category: "SYSTEM_EVENT" },
    { level: "INFO", category: "SECURITY" },
  ] as const)("is the notable one for $level $category", (members) => {
    expect(laneOf({ ...members, service_name: "shop" }, "id", FIRST_EPOCH)).toBe("n");
  });
});

describe("the epoch that writers use", () => {
  it("is the newest that is active", () => {
    const known = [FIRST_EPOCH, SPREAD];

    expect(writingEpoch(known, 999)).toBe(FIRST_EPOCH);
    expect(writingEpoch(known, 1000)).toBe(SPREAD);
    expect(writingEpoch([], 1000)).toEqual(FIRST_EPOCH);
  });
});
