// The query's schema: defaults, limits at both sides, and a helpful refusal for everything that is not understood.
import { describe, expect, it } from "vitest";
import * as z from "zod";

import { AuditServiceError, AuditValidationError } from "#lib/errors.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditQuery, parseQuery, queryTenant } from "#query/audit-query.ts";

const DEFAULTS = {
  limit: 100,
  offset: 0,
  order_by: "timestamp",
  order_desc: true,
  include_total: false,
  explain: false,
};

function refusal(run: () => unknown): AuditServiceError {
  try {
    run();
  } catch (error) {
    if (error instanceof AuditServiceError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const errorsOf = (input: unknown): readonly FieldError[] => refusal(() => parseQuery(input)).errors;
const pathsOf = (input: unknown): string[] => errorsOf(input).map(({ path }) => path);

describe("parseQuery", () => {
  it("fills in the defaults", () => {
    expect(parseQuery({})).toEqual(DEFAULTS);
  });

  it("keeps every member that is given", () => {
    const query = {
      start_time: "2026-01-01T00:00:00Z",
      end_time: "2026-01-02T00:00:00+02:00",
      service_names: ["s"],
      user_ids: ["u"],
      levels: ["WARN"],
      categories: ["SECURITY"],
      actions: ["a"],
      resource_types: ["t"],
      resource_ids: ["r"],
      request_ids: ["q"],
      session_ids: ["e"],
      error_codes: ["c"],
      trace_ids: ["4bf92f3577b34da6a3ce929d0e0e4736"],
      message_contains: "Hello",
      tenant_id: "acme",
      limit: 7,
      cursor: "abc",
      offset: 3,
      order_by: "timestamp",
      order_desc: false,
      include_total: true,
      explain: true,
    };

    expect(parseQuery(query)).toEqual(query);
  });

  it("answers what it answered when given its own answer", () => {
    const query = parseQuery({ levels: ["warning"], actions: [" a "], message_contains: "İ", limit: 5 });

    expect(parseQuery(query)).toEqual(query);
  });

  it("takes null and undefined for absent", () => {
    const nothing = Object.fromEntries(Object.keys(AuditQuery.shape).map((name) => [name, null]));

    expect(parseQuery(nothing)).toEqual(DEFAULTS);
    expect(parseQuery({ limit: undefined, user_ids: undefined })).toEqual(DEFAULTS);
  });

  it("throws an error with every reason", () => {
    const error = refusal(() => parseQuery({ limit: 0, order_by: "level", levels: ["x"] }));

    expect(error).toBeInstanceOf(AuditValidationError);
    expect(error.code).toBe("validation-failed");
    expect(error.message).toMatch(/^the query is not valid: \/levels\/0 "x" is not one of DEBUG/);
    expect(error.errors.map(({ path }) => path)).toEqual(["/levels/0", "/limit", "/order_by"]);
  });

  it.each([null, undefined, [[]], "x", 5, new Date(0)])("refuses what is no object: %s", (input) => {
    expect(errorsOf(input)).toEqual([{ path: "", message: "is not a JSON object" }]);
  });
});

describe("members that are not known", () => {
  it.each([
    ["user_id", "user_ids"],
    ["level", "levels"],
    ["category", "categories"],
    ["trace_id", "trace_ids"],
    ["since", "start_time"],
    ["until", "end_time"],
    ["message", "message_contains"],
  ])("are refused by name, and %s is told to be %s", (name, meant) => {
    expect(errorsOf({ [name]: ["x"] })).toEqual([
      { path: `/${name}`, message: `is not part of a query; did you mean ${meant}?` },
    ]);
  });

  it("are refused with a list of those that are", () => {
    expect(errorsOf({ colour: 1 })).toEqual([
      { path: "/colour", message: expect.stringMatching(/which knows start_time, end_time, .*explain$/) },
    ]);
  });

  it("are refused when they come from a prototype's name", () => {
    expect(pathsOf(JSON.parse('{"__proto__":{"limit":5}}'))).toEqual(["/__proto__"]);
  });

  it("are listed at most 20, each name cut short", () => {
    const many = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`n${index}${"x".repeat(500)}`, 1]),
    );

    const errors = errorsOf(many);

    expect(errors).toHaveLength(20);
    expect(Math.max(...errors.map(({ path }) => path.length))).toBe(65);
  });
});

describe("times", () => {
  it("may be the same instant", () => {
    expect(
      parseQuery({ start_time: "2026-01-01T01:00:00+01:00", end_time: "2026-01-01T00:00:00Z" }),
    ).toBeDefined();
  });

  it("are refused where the start is after the end, as instants", () => {
    const times = { start_time: "2026-01-01T00:00:00.000000001Z", end_time: "2026-01-01T01:00:00+01:00" };

    expect(errorsOf(times)).toEqual([{ path: "/start_time", message: "is after end_time" }]);
  });

  it.each(["2026-01-01T00:00:00", "2026-01-01", "yesterday", "", 5])(
    "are refused without zone or shape: %j",
    (time) => {
      expect(pathsOf({ start_time: time, end_time: time })).toEqual(["/start_time", "/end_time"]);
    },
  );
});

describe("scalars", () => {
  it.each([
    ["limit", 1, 1000],
    ["offset", 0, 10_000],
  ])("%s takes %d to %d", (name, least, most) => {
    expect(parseQuery({ [name]: least })).toHaveProperty(name, least);
    expect(parseQuery({ [name]: most })).toHaveProperty(name, most);
    for (const wrong of [least - 1, most + 1, 1.5, "5", Number.NaN, 1e300, true, {}, 5n]) {
      expect(errorsOf({ [name]: wrong })).toEqual([
        {
          path: `/${name}`,
          message: expect.stringMatching(`; expected an integer from ${least} to ${most}$`),
        },
      ]);
    }
  });

  it.each(["order_desc", "include_total", "explain"])("%s takes booleans only", (name) => {
    expect(parseQuery({ [name]: true })).toHaveProperty(name, true);
    for (const wrong of ["true", 1, "yes"]) {
      expect(errorsOf({ [name]: wrong })).toEqual([
        { path: `/${name}`, message: expect.stringMatching("expected true or false$") },
      ]);
    }
  });

  it.each(["level", "TIMESTAMP", "", 5])("order_by refuses %j", (order_by) => {
    expect(errorsOf({ order_by })).toEqual([
      { path: "/order_by", message: expect.stringMatching("; events are ordered by timestamp only$") },
    ]);
  });

  it("message_contains takes 1 to 1,000 characters", () => {
    expect(parseQuery({ message_contains: "😀".repeat(1000) })).toHaveProperty("message_contains");
    expect(errorsOf({ message_contains: "x".repeat(1001) })).toEqual([
      { path: "/message_contains", message: "is longer than 1000 characters" },
    ]);
    expect(errorsOf({ message_contains: "" })).toEqual([
      { path: "/message_contains", message: "is empty; leave it out to match every message" },
    ]);
  });

  it.each(["\ud800", "\0"])("message_contains refuses %j", (message_contains) => {
    expect(pathsOf({ message_contains })).toEqual(["/message_contains"]);
  });

  it("cursor takes 1 to 1,024 characters", () => {
    expect(parseQuery({ cursor: "x".repeat(1024) })).toHaveProperty("cursor");
    expect(pathsOf({ cursor: "x".repeat(1025) })).toEqual(["/cursor"]);
    expect(pathsOf({ cursor: "" })).toEqual(["/cursor"]);
  });

  it.each(["_system", "a b", "", ".."])("tenant_id refuses %j", (tenant_id) => {
    expect(pathsOf({ tenant_id })).toContain("/tenant_id");
  });
});

describe("queryTenant", () => {
  it.each([
    [undefined, undefined, "default"],
    ["acme", undefined, "acme"],
    [undefined, "acme", "acme"],
    ["acme", "acme", "acme"],
  ])("of a query for %s with a key of %s is %s", (asked, key, tenant) => {
    expect(queryTenant(parseQuery({ tenant_id: asked }), key)).toBe(tenant);
  });

  it("refuses another tenant than the key's", () => {
    const error = refusal(() => queryTenant(parseQuery({ tenant_id: "other" }), "acme"));

    expect(error.errors).toEqual([
      { path: "/tenant_id", message: "is not the tenant of this key; leave it out" },
    ]);
  });
});

describe("the schema", () => {
  it("can be written as JSON Schema", () => {
    expect(z.toJSONSchema(AuditQuery, { io: "input" })).toMatchObject({
      type: "object",
      additionalProperties: false,
      properties: {
        levels: {
          type: "array",
          minItems: 1,
          maxItems: 20,
          items: { enum: expect.arrayContaining(["WARN"]) },
        },
        limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
        start_time: { type: "string", format: "date-time" },
      },
    });
  });
});
