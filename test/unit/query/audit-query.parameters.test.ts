// A query from URL parameters: commas, repetition, scalars, and refusal by name.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { AuditServiceError } from "#lib/errors.ts";
import type { FieldError } from "#lib/errors.ts";
import { parseQuery, parseQueryParameters } from "#query/audit-query.ts";

type Pairs = readonly (readonly [string, string])[];

function errorsOf(pairs: Pairs): readonly FieldError[] {
  try {
    parseQueryParameters(pairs);
  } catch (error) {
    if (error instanceof AuditServiceError && error.code === "validation-failed") return error.errors;
    throw error;
  }
  return [];
}

describe("parseQueryParameters", () => {
  it("reads nothing as a query without filters", () => {
    expect(parseQueryParameters([])).toEqual(parseQuery({}));
  });

  it("splits a list given once at commas", () => {
    expect(parseQueryParameters([["user_ids", "a,b c,d"]]).user_ids).toEqual(["a", "b c", "d"]);
  });

  it("takes each value of a repeated list as it is", () => {
    const pairs: Pairs = [
      ["user_ids", "a,b"],
      ["levels", "info,warning"],
      ["user_ids", "c"],
    ];

    expect(parseQueryParameters(pairs)).toMatchObject({ user_ids: ["a,b", "c"], levels: ["INFO", "WARN"] });
  });

  it("reads integers, booleans and text", () => {
    const pairs: Pairs = [
      ["limit", "7"],
      ["offset", "0"],
      ["order_desc", "false"],
      ["include_total", "true"],
      ["message_contains", "a,b"],
      ["start_time", "2026-01-01T00:00:00+02:00"],
      ["order_by", "timestamp"],
      ["tenant_id", "acme"],
    ];

    expect(parseQueryParameters(pairs)).toMatchObject({
      limit: 7,
      offset: 0,
      order_desc: false,
      include_total: true,
      message_contains: "a,b",
      start_time: "2026-01-01T00:00:00+02:00",
      order_by: "timestamp",
      tenant_id: "acme",
    });
  });

  it.each(["-0", "00", "07", "+7", "7.0", "7e0", ""])("refuses an integer that is written %j", (text) => {
    expect(errorsOf([["limit", text]])).toMatchObject([{ path: "/limit" }]);
    expect(errorsOf([["offset", text]])).toMatchObject([{ path: "/offset" }]);
  });

  it.each(["limit", "cursor", "start_time", "order_desc", "message_contains", "tenant_id"])(
    "refuses %s given twice",
    (name) => {
      const pairs: Pairs = [
        [name, "1"],
        [name, "1"],
      ];

      expect(errorsOf(pairs)).toEqual([{ path: `/${name}`, message: "is given 2 times; give it once" }]);
    },
  );

  it.each(["", " 5", "5 ", "5.0", "1e2", "0x10", "+5", "ten", "9".repeat(16)])(
    "refuses %j as a limit",
    (limit) => {
      expect(errorsOf([["limit", limit]])).toEqual([
        { path: "/limit", message: expect.stringMatching("; expected an integer$") },
      ]);
    },
  );

  it("refuses a limit out of range as the schema does", () => {
    expect(errorsOf([["limit", "-5"]])).toEqual([
      { path: "/limit", message: "is -5; expected an integer from 1 to 1000" },
    ]);
  });

  it.each(["True", "1", "yes", ""])("refuses %j as a boolean", (text) => {
    expect(errorsOf([["explain", text]])).toEqual([
      { path: "/explain", message: expect.stringMatching("; expected true or false$") },
    ]);
  });

  it("refuses an unknown parameter by name, however often it is given", () => {
    const pairs: Pairs = [
      ["user_id", "a"],
      ["user_id", "b"],
    ];

    expect(errorsOf(pairs)).toEqual([
      { path: "/user_id", message: "is not part of a query; did you mean user_ids?" },
    ]);
  });

  it.each(["__proto__", "constructor", "toString"])("refuses the parameter %s", (name) => {
    expect(errorsOf([[name, "x"]])).toEqual([{ path: `/${name}`, message: expect.any(String) }]);
  });

  it("explains a zone whose plus became a space", () => {
    expect(errorsOf([["start_time", "2026-01-01T00:00:00 02:00"]])).toEqual([
      { path: "/start_time", message: "has a space where its zone begins; in a URL, + is written %2B" },
    ]);
  });

  it.each(["", "a,", ",a", "a,,b"])("refuses an empty value in a list: %j", (text) => {
    expect(errorsOf([["user_ids", text]])).toContainEqual({
      path: expect.stringMatching(/^\/user_ids\/\d$/),
      message: "is empty",
    });
  });

  it("refuses more than 20 values, split or repeated", () => {
    const message = "holds 21 values; the limit is 20";

    expect(errorsOf([["actions", Array(21).fill("x").join(",")]])).toEqual([{ path: "/actions", message }]);
    expect(errorsOf(Array.from({ length: 21 }, () => ["actions", "x"] as const))).toEqual([
      { path: "/actions", message },
    ]);
  });

  it("reads what a JSON body says, whatever the values", () => {
    const text = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => !value.includes("\0"));
    const values = fc.array(text, { minLength: 2, maxLength: 20 });

    fc.assert(
      fc.property(values, values, text, (user_ids, resource_ids, message_contains) => {
        const pairs: Pairs = [
          ...user_ids.map((value) => ["user_ids", value] as const),
          ...resource_ids.map((value) => ["resource_ids", value] as const),
          ["message_contains", message_contains],
        ];

        expect(parseQueryParameters(pairs)).toEqual(parseQuery({ user_ids, resource_ids, message_contains }));
      }),
    );
  });
});
