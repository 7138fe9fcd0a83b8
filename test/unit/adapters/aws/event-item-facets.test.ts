// Facets refute what cannot match and nothing else, so that no page misses an event.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compileFacetTest, facetsOf, filtersLeft, hasFacetFilter } from "#adapters/aws/event-item-facets.ts";
import { readEvent } from "#event/stored-line.ts";
import { compileFilter } from "#query/filter.ts";
import { planFor, sampleLine } from "#test/contract/sample-lines.ts";
import { arbitraryEvent, arbitraryQuery } from "#test/support/query-oracle.ts";

describe("facets", () => {
  it("let every event pass that matches, and are exact where they answer every filter", () => {
    fc.assert(
      fc.property(arbitraryEvent, arbitraryQuery, (members, query) => {
        const line = sampleLine({ ...members, event_id: "it" });
        const plan = planFor("default", query);
        const matches = compileFilter(plan.filter)(readEvent(line.text));
        const passes = compileFacetTest(plan.filter)(facetsOf(line.event));
        const facetFilters = Object.keys(plan.filter).filter(
          (name) => filtersLeft([name as never]).length === 0,
        );
        const isExact = facetFilters.length === Object.keys(plan.filter).length;

        expect(passes || !matches).toBe(true);
        if (isExact) expect(passes).toBe(matches);
      }),
      { numRuns: 3000 },
    );
  });

  it("that a newer version wrote, or that are missing, refute nothing", () => {
    const test = compileFacetTest({ levels: ["ERROR"], actions: ["x"] });

    expect([undefined, new Uint8Array(19), new Uint8Array(0)].map((facets) => test(facets))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("answer service, action, level and category", () => {
    expect(
      filtersLeft(["service_names", "user_ids", "levels", "categories", "actions", "request_ids"]),
    ).toEqual(["user_ids", "request_ids"]);
    expect(hasFacetFilter({ user_ids: ["ann"] })).toBe(false);
    expect(hasFacetFilter({ user_ids: ["ann"], actions: ["read"] })).toBe(true);
  });
});
