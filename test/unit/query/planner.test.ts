// The planner: which access path a query gets, what is left to check, and how a plan is described.
import { describe, expect, it } from "vitest";

import { parseQuery } from "#query/audit-query.ts";
import type { QueryPlan } from "#query/plan.ts";
import { describePlan, planQuery } from "#query/planner.ts";

const plan = (input: Readonly<Record<string, unknown>>): QueryPlan =>
  planQuery(parseQuery(input), { tenantId: "acme", after: undefined });

const service_names = ["s"];
const user_ids = ["u"];
const resource_ids = ["r"];

describe("the access path", () => {
  it("is the timeline without a filter that has a path", () => {
    expect(plan({}).access).toEqual({ kind: "timeline" });
    expect(plan({ levels: ["INFO"], request_ids: ["q"], trace_ids: ["a".repeat(32)] }).access).toEqual({
      kind: "timeline",
    });
  });

  it.each([
    [{ service_names }, { kind: "service", values: ["s"] }],
    [{ user_ids }, { kind: "user", values: ["u"] }],
    [
      { user_ids, service_names },
      { kind: "user", values: ["u"] },
    ],
    [{ resource_ids }, { kind: "resource", values: ["r"] }],
    [
      { resource_ids, service_names },
      { kind: "resource", values: ["r"] },
    ],
    [
      { resource_ids, user_ids, service_names },
      { kind: "resource", values: ["r"] },
    ],
  ])("of %j is %j", (input, access) => {
    expect(plan(input).access).toEqual(access);
  });

  it("is entered once with a value that is given twice", () => {
    expect(plan({ user_ids: ["b", "a", "b"] })).toMatchObject({
      access: { kind: "user", values: ["b", "a"] },
      filter: { user_ids: ["b", "a"] },
    });
  });
});

describe("the plan", () => {
  it("of a query without filters has none", () => {
    expect(plan({})).toEqual({
      tenantId: "acme",
      access: { kind: "timeline" },
      filter: {},
      residual: [],
      from: undefined,
      to: undefined,
      isDescending: true,
      limit: 100,
      after: undefined,
      skip: 0,
    });
  });

  it("keeps every filter, also the one that the path answers", () => {
    const filter = {
      service_names,
      user_ids,
      levels: ["WARN"],
      categories: ["SECURITY"],
      actions: ["a"],
      resource_types: ["t"],
      resource_ids,
      request_ids: ["q"],
      session_ids: ["e"],
      error_codes: ["c"],
      trace_ids: ["a".repeat(32)],
      message_contains: "hello",
    };

    expect(plan(filter).filter).toEqual(filter);
  });

  it("leaves the filters that the path does not answer, in the contract's order", () => {
    const input = { message_contains: "x", resource_ids, levels: ["INFO"], user_ids, service_names };

    expect(plan(input).residual).toEqual(["service_names", "user_ids", "levels", "message_contains"]);
    expect(plan({ levels: ["INFO"] }).residual).toEqual(["levels"]);
    expect(plan({ user_ids }).residual).toEqual([]);
  });

  it("has the part of a message in lower case", () => {
    expect(plan({ message_contains: "ÄÖ İX" }).filter.message_contains).toBe("äö i̇x");
  });

  it("has the bounds as instants", () => {
    const times = { start_time: "1970-01-01T01:00:01.5+01:00", end_time: "1970-01-01T00:00:02Z" };

    expect(plan(times)).toMatchObject({
      from: { seconds: 1, nanos: 500_000_000 },
      to: { seconds: 2, nanos: 0 },
    });
  });

  it("takes over order, limit and offset", () => {
    expect(plan({ order_desc: false, limit: 7, offset: 50 })).toMatchObject({
      isDescending: false,
      limit: 7,
      skip: 50,
    });
  });

  it("goes on behind the place it is given", () => {
    const after = { instant: { seconds: 1, nanos: 2 }, eventId: "e" };

    expect(planQuery(parseQuery({}), { tenantId: "t", after }).after).toEqual(after);
  });
});

describe("describePlan", () => {
  it("tells path, values, what is left, and the order", () => {
    expect(describePlan(plan({ user_ids: ["u", "v"], levels: ["INFO"], order_desc: false }))).toEqual({
      access_path: "user",
      access_values: ["u", "v"],
      filters_left: ["levels"],
      order: "timestamp ascending",
    });
  });

  it("tells that the timeline has no values", () => {
    expect(describePlan(plan({}))).toEqual({
      access_path: "timeline",
      access_values: [],
      filters_left: [],
      order: "timestamp descending",
    });
  });
});
