// What prepareEvent does with values: kept as sent where JSON can carry them, else refused by path and alone.
import { describe, expect, it } from "vitest";

import { MAX_VALUE_DEPTH } from "#event/limits.ts";
import { accepted, prepare, refusals, refusedPaths } from "#test/support/event-fixtures.ts";

const STRING_FIELDS = [
  "action",
  "service_name",
  "user_id",
  "session_id",
  "request_id",
  "resource_type",
  "resource_id",
  "message",
  "error_code",
  "error_message",
  "stack_trace",
  "user_agent",
  "source_ip",
] as const;

/** An object that nests `levels` deep; {} is 1. */
function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

describe("strings", () => {
  it.each(STRING_FIELDS)("refuses a lone surrogate in %s, and names no other field", (field) => {
    expect(refusals({ [field]: "a\ud800b" })).toEqual([
      { path: `/${field}`, message: "holds a lone surrogate; strings must be well-formed Unicode" },
    ]);
  });

  it.each(STRING_FIELDS)("refuses a NUL in %s", (field) => {
    expect(refusals({ [field]: "a\0b" })).toEqual([
      { path: `/${field}`, message: "holds a NUL character (U+0000)" },
    ]);
  });

  it.each(["event_id", "tenant_id", "timestamp", "trace_id", "span_id", "level", "category"])(
    "refuses a lone surrogate in %s",
    (field) => {
      expect(refusedPaths({ [field]: "\udc00" })).toContain(`/${field}`);
    },
  );

  it.each(["\ud800", "\udc00", "a\0"])("refuses a bad string deep in metadata: %j", (text) => {
    expect(refusedPaths({ metadata: { list: [{ ok: 1 }, { text }] } })).toEqual(["/metadata/list/1/text"]);
  });

  it.each(["\ud800", "\udc00", "a\0"])("refuses a bad member name in metadata at its object: %j", (key) => {
    expect(refusals({ metadata: { deep: { [key]: 1 } } })).toEqual([
      { path: "/metadata/deep", message: expect.stringMatching(/^a member name holds a /) },
    ]);
  });

  it("refuses a bad string in changes and on_behalf_of", () => {
    const members = {
      changes: [{ path: "/a", before: { x: "\ud800" }, after: ["\0"] }],
      on_behalf_of: [{ type: "user", id: "\udfff" }],
    };

    expect(refusedPaths(members)).toEqual([
      "/changes/0/before/x",
      "/changes/0/after/0",
      "/on_behalf_of/0/id",
    ]);
  });

  it.each(["\\ud800", "C:\\udata", "\\u0000", "\\\\ud", "😀", "\u2028\u2029", "\x01\x1f\x7f"])(
    "keeps text that only resembles a bad string: %j",
    (message) => {
      const { text } = accepted({ message, metadata: { [message]: message } });

      expect(JSON.parse(text)).toMatchObject({ message, metadata: { [message]: message } });
    },
  );

  it("keeps outer blanks of every field but action and service_name", () => {
    const { text } = accepted({ action: "  a ", service_name: "\ts\n", user_id: " u ", message: " m " });

    expect(JSON.parse(text)).toMatchObject({
      action: "a",
      service_name: "s",
      user_id: " u ",
      message: " m ",
    });
  });
});

describe("numbers", () => {
  it("stores -0 as 0", () => {
    const { text } = accepted({ metadata: { zero: -0 }, duration_ms: -0 });

    expect(text).toContain('"duration_ms":0,');
    expect(text).toContain('"metadata":{"zero":0}');
  });

  it.each([9007199254740991, -9007199254740991, 0.1, 5e-324, 1e21, 1.7976931348623157e308])(
    "keeps %d exactly",
    (number) => {
      expect(JSON.parse(accepted({ metadata: { number } }).text).metadata.number).toBe(number);
    },
  );

  it.each([9007199254740992, -9007199254740992, 1e20])(
    "refuses the integer %d, which did not survive",
    (number) => {
      expect(refusedPaths({ metadata: { number } })).toEqual(["/metadata/number"]);
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses %d", (number) => {
    expect(refusedPaths({ metadata: { number }, duration_ms: 1 })).toEqual(["/metadata/number"]);
  });
});

describe("depth", () => {
  it.each(["before", "after"])("takes %s of 32 levels and refuses 33", (part) => {
    const change = (levels: number): object => ({ changes: [{ path: "/a", [part]: nested(levels) }] });

    expect(refusals({ ...change(MAX_VALUE_DEPTH) })).toEqual([]);
    expect(refusals({ ...change(MAX_VALUE_DEPTH + 1) })).toEqual([
      { path: expect.stringMatching(`^/changes/0/${part}(/a){32}$`), message: "nests deeper than 32 levels" },
    ]);
  });

  it("takes metadata of 32 levels and refuses 33", () => {
    expect(refusals({ metadata: nested(32) })).toEqual([]);
    expect(refusals({ metadata: nested(33) })).toEqual([
      { path: `/metadata${"/a".repeat(32)}`, message: "nests deeper than 32 levels" },
    ]);
  });

  it("counts arrays as levels", () => {
    const list: unknown = JSON.parse(`${"[".repeat(31)}${"]".repeat(31)}`);

    expect(refusals({ metadata: { list } })).toEqual([]);
    expect(refusedPaths({ metadata: { list: [list] } })).toHaveLength(1);
  });
});

describe("member names that JavaScript treats apart", () => {
  it("stores __proto__ in metadata as data", () => {
    const metadata: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');

    const { text } = accepted({ metadata });

    expect(text).toContain('"metadata":{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("stores __proto__ in changes as data", () => {
    const before: unknown = JSON.parse('{"__proto__":1}');

    expect(accepted({ changes: [{ path: "", before }] }).text).toContain('"before":{"__proto__":1}');
  });

  it("refuses __proto__ beside the fields of an event", () => {
    const input = JSON.parse('{"__proto__":{"action":"a"}}') as Record<string, unknown>;

    expect(prepare(Object.fromEntries(Object.entries(input))).kind).toBe("refused");
  });
});

describe("values of callers in the same process", () => {
  class Point {
    readonly path = "/a";
  }

  it.each([
    ["a date", new Date(0), "is a Date instance; only JSON values can be stored"],
    ["a map", new Map(), "is a Map instance; only JSON values can be stored"],
    ["a class instance", new Point(), "is a Point instance; only JSON values can be stored"],
    ["undefined", undefined, "is undefined; only JSON values can be stored"],
    ["a function", () => 1, "is function; only JSON values can be stored"],
    ["a symbol", Symbol("s"), "is symbol; only JSON values can be stored"],
    ["a bigint", 1n, "is bigint; only JSON values can be stored"],
  ])("refuses %s in metadata by path", (_, value, message) => {
    expect(refusals({ metadata: { list: [1, value] } })).toEqual([{ path: "/metadata/list/1", message }]);
  });

  it("refuses a gap in an array", () => {
    // oxlint-disable-next-line no-sparse-arrays -- what is tested
    expect(refusedPaths({ metadata: { list: [1, , 3] } })).toEqual(["/metadata/list/1"]);
  });

  it("refuses a value that contains itself as too deep", () => {
    const metadata: Record<string, unknown> = {};
    metadata["self"] = metadata;

    expect(refusals({ metadata })).toEqual([
      { path: `/metadata${"/self".repeat(32)}`, message: "nests deeper than 32 levels" },
    ]);
  });

  it.each([new Date(0), new Map(), new Point(), [[]], "x", 1, true])(
    "refuses metadata that is no plain object: %s",
    (metadata) => {
      expect(refusals({ metadata })).toEqual([{ path: "/metadata", message: "is not a JSON object" }]);
    },
  );

  it("refuses a class instance as a change", () => {
    expect(refusals({ changes: [new Point()] })).toEqual([
      { path: "/changes/0", message: "is a Point instance; only JSON values can be stored" },
    ]);
  });

  it("takes objects without a prototype", () => {
    const metadata: unknown = Object.assign(Object.create(null), { a: 1 });

    expect(accepted({ metadata }).text).toContain('"metadata":{"a":1}');
  });

  it("keeps the line when the caller changes metadata afterwards", () => {
    const metadata = { list: [1] };

    const { text } = accepted({ metadata });
    metadata.list.push(2);

    expect(text).toContain('"metadata":{"list":[1]}');
  });
});

describe("the size of an answer", () => {
  it("lists at most 20 unknown fields", () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, 1]));

    expect(refusals(many)).toHaveLength(20);
  });

  it("lists at most 20 unknown members of a change, each by its name", () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`member${index}`, 1]));

    const errors = refusals({ changes: [{ path: "/a", ...many }] });

    expect(errors).toHaveLength(20);
    expect(errors[0]).toEqual({
      path: "/changes/0/member0",
      message: expect.stringMatching("^is not known"),
    });
  });

  it("lists at most 20 bad values", () => {
    const changes = Array.from({ length: 256 }, () => ({ path: "/a", before: ["\0", "\0"] }));

    expect(refusals({ changes })).toHaveLength(20);
  });

  it("names an enclosing value where a path would be longer than 1,024 characters", () => {
    const key = "k".repeat(600);

    expect(refusedPaths({ metadata: { [key]: { [key]: "\0" } } })).toEqual([`/metadata/${key}`]);
  });

  it("repeats nothing of a name of a megabyte", () => {
    const long = "n".repeat(1_000_000);

    const answer = JSON.stringify(refusals({ event_id: `!${long}`, tenant_id: `_${long}`, level: long }));

    expect(answer.length).toBeLessThan(1000);
  });

  it("refuses a change path of megabytes by its size", () => {
    expect(refusals({ changes: [{ path: "/~0".repeat(8_000_000) }] })).toEqual([
      { path: "/changes/0/path", message: "is 24000000 bytes; the limit is 1024" },
    ]);
  });
});
