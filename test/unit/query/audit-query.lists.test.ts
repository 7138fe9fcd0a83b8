// The lists of a query: how many values, how long, which strings, and how they are normalised.
import { describe, expect, it } from "vitest";

import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { parseQuery } from "#query/audit-query.ts";

const NAME_LISTS = [
  "service_names",
  "user_ids",
  "actions",
  "resource_types",
  "request_ids",
  "session_ids",
  "error_codes",
];
const LISTS = [...NAME_LISTS, "resource_ids", "levels", "categories", "trace_ids"];

function errorsOf(input: unknown): readonly FieldError[] {
  try {
    parseQuery(input);
  } catch (error) {
    if (error instanceof AuditServiceError) return error.errors;
    throw error;
  }
  return [];
}

const pathsOf = (input: unknown): string[] => errorsOf(input).map(({ path }) => path);

describe("lists", () => {
  const valueFor = (name: string): string =>
    ({ levels: "INFO", categories: "SECURITY", trace_ids: "a".repeat(32) })[name] ?? "x";

  it.each(LISTS)("%s takes 1 to 20 values", (name) => {
    const values = (count: number): string[] => Array.from({ length: count }, () => valueFor(name));

    expect(parseQuery({ [name]: values(1) })).toHaveProperty(name);
    expect(parseQuery({ [name]: values(20) })).toHaveProperty(name);
    expect(errorsOf({ [name]: [] })).toEqual([
      { path: `/${name}`, message: "is an empty list; leave it out to match everything" },
    ]);
    expect(errorsOf({ [name]: values(21) })).toEqual([
      { path: `/${name}`, message: "holds 21 values; the limit is 20" },
    ]);
  });

  it.each(LISTS)("%s is refused where it is one string", (name) => {
    expect(errorsOf({ [name]: "x" })).toEqual([
      { path: `/${name}`, message: 'is "x"; expected an array of strings' },
    ]);
  });

  it.each(LISTS)("%s refuses a value that is no string, by its index", (name) => {
    expect(pathsOf({ [name]: [valueFor(name), 5, null] })).toEqual([`/${name}/1`, `/${name}/2`]);
  });

  it.each(NAME_LISTS)("%s takes values of 256 bytes and refuses 257", (name) => {
    expect(parseQuery({ [name]: ["é".repeat(128)] })).toHaveProperty(name);
    expect(errorsOf({ [name]: [`${"é".repeat(128)}x`] })).toEqual([
      { path: `/${name}/0`, message: "is 257 bytes; the limit is 256" },
    ]);
  });

  it("resource_ids takes values of 1,024 bytes and refuses 1,025", () => {
    expect(parseQuery({ resource_ids: ["x".repeat(1024)] })).toHaveProperty("resource_ids");
    expect(pathsOf({ resource_ids: ["x".repeat(1025)] })).toEqual(["/resource_ids/0"]);
  });

  it.each([...NAME_LISTS, "resource_ids"])("%s refuses values that no event can have", (name) => {
    expect(errorsOf({ [name]: ["", "\ud800", "a\0"] })).toEqual([
      { path: `/${name}/0`, message: "is empty" },
      { path: `/${name}/1`, message: "holds a lone surrogate; strings must be well-formed Unicode" },
      { path: `/${name}/2`, message: "holds a NUL character (U+0000)" },
    ]);
  });

  it("are refused by their size before their values are looked at", () => {
    const began = performance.now();

    expect(pathsOf({ levels: Array.from({ length: 2_000_000 }, () => 1) })).toEqual(["/levels"]);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it.each([
    ["levels", ["warning", "Info", "WARN"], ["WARN", "INFO", "WARN"]],
    ["categories", ["security", "Data_Access"], ["SECURITY", "DATA_ACCESS"]],
    ["actions", [" login "], ["login"]],
    ["service_names", ["\tauth\n"], ["auth"]],
    ["user_ids", [" u "], [" u "]],
  ])("%s are normalised as in an event: %j", (name, given, read) => {
    expect(parseQuery({ [name]: given })).toHaveProperty(name, read);
  });

  it("refuse a trace id that is not 32 hexadecimal digits", () => {
    expect(errorsOf({ trace_ids: ["abc"] })).toEqual([
      { path: "/trace_ids/0", message: "is not 32 hexadecimal digits" },
    ]);
  });
});
