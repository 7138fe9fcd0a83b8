// Every limit of the event model, at the limit and one past it.
import { describe, expect, it } from "vitest";

import { accepted, LEAST, prepare, refusals, refusedPaths, STAMP } from "#test/support/event-fixtures.ts";

const x = (count: number): string => "x".repeat(count);
/** `count` bytes of UTF-8 in characters of two bytes, and one of one byte where it is odd. */
const twoByte = (count: number): string => "é".repeat(count >> 1) + x(count % 2);

describe("bytes of a string", () => {
  it.each([
    ["action", 256],
    ["service_name", 256],
    ["user_id", 256],
    ["session_id", 256],
    ["request_id", 256],
    ["resource_type", 256],
    ["resource_id", 1024],
    ["error_code", 256],
    ["source_ip", 64],
    ["user_agent", 512],
  ])("%s takes %d bytes and refuses one more", (field, limit) => {
    expect(refusals({ [field]: x(limit) })).toEqual([]);
    expect(refusals({ [field]: twoByte(limit) })).toEqual([]);
    expect(refusals({ [field]: x(limit + 1) })).toEqual([
      { path: `/${field}`, message: `is ${limit + 1} bytes; the limit is ${limit}` },
    ]);
    expect(refusals({ [field]: twoByte(limit + 1) })).toEqual([
      { path: `/${field}`, message: `is ${limit + 1} bytes; the limit is ${limit}` },
    ]);
  });
});

describe("characters of a string", () => {
  it.each([
    ["message", 10_000],
    ["error_message", 10_000],
    ["stack_trace", 50_000],
  ])("%s takes %d characters and refuses one more", (field, limit) => {
    expect(refusals({ [field]: x(limit) })).toEqual([]);
    expect(refusals({ [field]: "😀".repeat(limit) })).toEqual([]);
    expect(refusals({ [field]: x(limit + 1) })).toEqual([
      { path: `/${field}`, message: `is ${limit + 1} characters; the limit is ${limit}` },
    ]);
    expect(refusals({ [field]: "😀".repeat(limit + 1) })).toEqual([
      { path: `/${field}`, message: `is ${limit + 1} characters; the limit is ${limit}` },
    ]);
  });
});

describe("identifiers", () => {
  it.each([
    ["event_id", 128],
    ["tenant_id", 120],
  ])("%s takes %d characters and refuses one more", (field, limit) => {
    expect(refusals({ [field]: x(limit) })).toEqual([]);
    expect(refusals({ [field]: x(limit + 1) })).toEqual([
      { path: `/${field}`, message: `is ${limit + 1} characters; the limit is ${limit}` },
    ]);
  });

  it.each(["a", "A-Za-z0-9._:-", "..."])("takes the event id %s", (event_id) => {
    expect(JSON.parse(accepted({ event_id }).text).event_id).toBe(event_id);
  });

  it.each(["a b", "a/b", "a#b", "a!b", "é", "a\n", "\na", "a,b", 'a"b', "a\\b"])(
    "refuses the id %j",
    (id) => {
      expect(refusedPaths({ event_id: id, tenant_id: id })).toEqual(["/event_id", "/tenant_id"]);
    },
  );

  it.each([".", "..", "batch", "query", "export", "feed"])(
    "refuses the event id %s, which routes use",
    (event_id) => {
      expect(refusals({ event_id })).toEqual([{ path: "/event_id", message: "is a reserved name" }]);
    },
  );

  it.each([".", "..", "_", "_system"])("refuses the tenant %s", (tenant_id) => {
    expect(refusedPaths({ tenant_id })).toEqual(["/tenant_id"]);
  });

  it.each([
    ["trace_id", 32],
    ["span_id", 16],
  ])("%s takes exactly %d hexadecimal digits", (field, digits) => {
    expect(refusals({ [field]: "aF".repeat(digits / 2) })).toEqual([]);
    for (const wrong of ["a".repeat(digits - 1), "a".repeat(digits + 1), "g".repeat(digits)])
      expect(refusals({ [field]: wrong })).toEqual([
        { path: `/${field}`, message: `is not ${digits} hexadecimal digits` },
      ]);
  });
});

describe("lists", () => {
  const links = (count: number): object[] => Array.from({ length: count }, () => ({ type: "user", id: "u" }));
  const changes = (count: number): object[] => Array.from({ length: count }, () => ({ path: "/a" }));

  it("on_behalf_of takes 8 entries and refuses 9", () => {
    expect(refusals({ on_behalf_of: links(8) })).toEqual([]);
    expect(refusals({ on_behalf_of: links(9) })).toEqual([
      { path: "/on_behalf_of", message: "holds 9 entries; the limit is 8" },
    ]);
  });

  it("changes takes 256 entries and refuses 257", () => {
    expect(refusals({ changes: changes(256) })).toEqual([]);
    expect(refusals({ changes: changes(257) })).toEqual([
      { path: "/changes", message: "holds 257 entries; the limit is 256" },
    ]);
  });

  it.each(["type", "id"])("the %s of an on_behalf_of entry takes 256 bytes and refuses 257", (part) => {
    const entry = { type: "user", id: "u" };

    expect(refusals({ on_behalf_of: [{ ...entry, [part]: x(256) }] })).toEqual([]);
    expect(refusedPaths({ on_behalf_of: [{ ...entry, [part]: x(257) }] })).toEqual([
      `/on_behalf_of/0/${part}`,
    ]);
  });

  it.each(["type", "id"])("an on_behalf_of entry needs its %s, not blank", (part) => {
    const entry = { type: "user", id: "u" };

    expect(refusedPaths({ on_behalf_of: [{ ...entry, [part]: undefined }] })).toEqual([
      `/on_behalf_of/0/${part}`,
    ]);
    expect(refusedPaths({ on_behalf_of: [{ ...entry, [part]: "" }] })).toEqual([`/on_behalf_of/0/${part}`]);
  });

  it("a change path takes 1,024 bytes and refuses 1,025", () => {
    expect(refusals({ changes: [{ path: `/${x(1023)}` }] })).toEqual([]);
    expect(refusedPaths({ changes: [{ path: `/${x(1024)}` }] })).toEqual(["/changes/0/path"]);
  });

  it.each(["", "/", "/a/0/b", "/a~0b/c~1d", "//"])("takes the change path %j", (path) => {
    expect(refusals({ changes: [{ path }] })).toEqual([]);
  });

  it.each(["a", "a/b", "/~", "/~2", "/a~"])("refuses the change path %j", (path) => {
    expect(refusals({ changes: [{ path }] })).toEqual([
      { path: "/changes/0/path", message: "is not a JSON Pointer, such as /address/city" },
    ]);
  });
});

describe("sizes", () => {
  it("takes metadata of 50,000 bytes serialised and refuses 50,001", () => {
    const room = 50_000 - '{"a":""}'.length;

    expect(refusals({ metadata: { a: twoByte(room) } })).toEqual([]);
    expect(refusals({ metadata: { a: twoByte(room + 1) } })).toEqual([
      { path: "/metadata", message: "is 50001 bytes serialised; the limit is 50000" },
    ]);
  });

  it("takes an event of 256 KiB as its sender serialises it and refuses one byte more as too large", () => {
    const big = { error_message: "\x01".repeat(10_000), stack_trace: x(50_000), metadata: { a: x(49_000) } };
    const sent = (event: object): number => Buffer.byteLength(JSON.stringify({ ...LEAST, ...event }));
    const room = 262_144 - sent({ ...big, changes: [{ path: "", after: "" }] });
    const filled = (bytes: number): Record<string, unknown> => ({
      ...big,
      changes: [{ path: "", after: x(bytes) }],
    });

    expect(sent(filled(room))).toBe(262_144);
    expect(prepare(filled(room)).kind).toBe("prepared");
    expect(prepare(filled(room + 1))).toEqual({
      kind: "refused",
      code: "payload-too-large",
      errors: [{ path: "", message: "the event is 262145 bytes serialised; the limit is 262144" }],
    });
  });

  it("counts bytes of the whole event, not characters", () => {
    const wide = { stack_trace: "\u{10ffff}".repeat(50_000), message: "\u{10ffff}".repeat(10_000) };

    expect(refusals({ ...wide })).toEqual([]);
    expect(prepare({ ...wide, error_message: "\u{10ffff}".repeat(10_000) })).toMatchObject({
      code: "payload-too-large",
    });
  });
});

describe("numbers and times", () => {
  it.each([0, 0.001, 1e300])("takes a duration of %d", (duration_ms) => {
    expect(JSON.parse(accepted({ duration_ms }).text).duration_ms).toBe(duration_ms);
  });

  it.each([
    [-1, "is negative"],
    [-5e-324, "is negative"],
    [Number.NaN, "is not a finite number"],
    [Number.POSITIVE_INFINITY, "is not a finite number"],
    ["5", "is not a finite number"],
    [[5], "is not a finite number"],
  ])("refuses a duration of %j", (duration_ms, message) => {
    expect(refusals({ duration_ms })).toEqual([{ path: "/duration_ms", message }]);
  });

  it("takes a timestamp 5 minutes ahead and refuses a nanosecond more", () => {
    expect(refusals({ timestamp: "2026-03-01T12:05:00.000Z" })).toEqual([]);
    expect(refusals({ timestamp: "2026-03-01T12:05:00.000000001Z" })).toEqual([
      {
        path: "/timestamp",
        message: `is more than 5 minutes ahead of the service's clock, which reads ${STAMP.receivedAt}`,
      },
    ]);
  });

  it("compares a timestamp as an instant, not as text", () => {
    expect(refusals({ timestamp: "2026-03-01T23:04:59+11:00" })).toEqual([]);
    expect(refusedPaths({ timestamp: "2026-03-01T01:05:01-11:00" })).toEqual(["/timestamp"]);
  });

  it("takes a timestamp of 1970-01-01T00:00:00Z and refuses an earlier one", () => {
    expect(refusals({ timestamp: "1970-01-01T00:00:00Z" })).toEqual([]);
    expect(refusals({ timestamp: "1969-12-31T23:59:59.999999999Z" })).toEqual([
      { path: "/timestamp", message: "is before 1970-01-01T00:00:00Z" },
    ]);
  });

  it("takes 9 fractional digits and refuses 10", () => {
    expect(refusals({ timestamp: "2026-01-01T00:00:00.123456789Z" })).toEqual([]);
    expect(refusals({ timestamp: "2026-01-01T00:00:00.1234567890Z" })).toEqual([
      { path: "/timestamp", message: "has 10 fractional digits; the limit is 9" },
    ]);
  });

  it.each(["2026-01-01T00:00:00.120+05:30", "2026-01-01t00:00:00z", "2026-01-01T00:00:00-00:00"])(
    "stores %s character for character",
    (timestamp) => {
      expect(JSON.parse(accepted({ timestamp }).text).timestamp).toBe(timestamp);
    },
  );
});
