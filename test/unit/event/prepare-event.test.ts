// How prepareEvent normalises an event and fills it in: what counts as absent, what is upper-cased, who sets what.
import { describe, expect, it } from "vitest";

import { CATEGORIES, EVENT_FIELDS, LEVELS } from "#event/audit-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { accepted, LEAST, prepare, refusals, refusedPaths, STAMP } from "#test/support/event-fixtures.ts";

const OPTIONAL_FIELDS = [...EVENT_FIELDS].filter((field) => !(field in LEAST));
/** Optional fields that have no default: absent in the line when absent in the event. */
const BARE_FIELDS = OPTIONAL_FIELDS.filter(
  (field) =>
    !["event_id", "timestamp", "level", "category", "message", "metadata", "tenant_id"].includes(field),
);

const stored = (members: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  JSON.parse(accepted(members).text) as Record<string, unknown>;

describe("fields that are left out", () => {
  it("fills in the defaults and says which", () => {
    expect(stored({})).toEqual({
      _defaulted: ["category", "event_id", "level", "message", "metadata", "timestamp"],
      _salt: STAMP.newSalt(),
      _v: 1,
      action: "user_login",
      category: "SYSTEM_EVENT",
      event_id: STAMP.newEventId(),
      level: "INFO",
      message: "",
      metadata: {},
      received_at: STAMP.receivedAt,
      service_name: "auth",
      tenant_id: "default",
      timestamp: STAMP.receivedAt,
    });
  });

  it.each(OPTIONAL_FIELDS)("takes null, an empty string and undefined in %s for absent", (field) => {
    const absent = accepted({}).text;

    for (const nothing of [null, "", undefined]) expect(accepted({ [field]: nothing }).text).toBe(absent);
  });

  it.each(BARE_FIELDS)("stores no %s", (field) => {
    expect(stored({})).not.toHaveProperty(field);
  });

  it("keeps null and empty strings inside metadata and changes", () => {
    const data = { a: null, b: "", c: [null, ""] };

    expect(stored({ metadata: data, changes: [{ path: "/a", before: null, after: "" }] })).toMatchObject({
      metadata: data,
      changes: [{ path: "/a", before: null, after: "" }],
    });
  });

  it.each(["action", "service_name"])("requires %s", (field) => {
    expect(refusals({ [field]: undefined })).toEqual([{ path: `/${field}`, message: "is required" }]);
    expect(refusals({ [field]: null })).toEqual([
      { path: `/${field}`, message: "is null; expected a string" },
    ]);
  });

  it.each(["", " ", "\t\n", "\u00a0\ufeff\u2003"])("refuses blank names: %j", (blank) => {
    expect(refusals({ action: blank, service_name: blank })).toEqual([
      { path: "/action", message: "is blank" },
      { path: "/service_name", message: "is blank" },
    ]);
  });

  it("measures names trimmed", () => {
    expect(refusals({ action: `  ${"x".repeat(256)}  ` })).toEqual([]);
  });
});

describe("enumerations", () => {
  it.each([...LEVELS])("takes level %s in any case", (level) => {
    expect(stored({ level: level.toLowerCase() })["level"]).toBe(level);
    expect(stored({ level })["level"]).toBe(level);
  });

  it.each(["WARNING", "warning", "Warning"])("takes %s for WARN", (level) => {
    expect(stored({ level })["level"]).toBe("WARN");
  });

  it.each([...CATEGORIES])("takes category %s in any case", (category) => {
    expect(stored({ category: category.toLowerCase() })["category"]).toBe(category);
  });

  it.each(["fatal", " info", "ınfo", "ﬁ", "WARN\n", 5, ["INFO"], {}])("refuses level %j", (level) => {
    expect(refusedPaths({ level })).toEqual(["/level"]);
  });

  it("shows a refused value as it was sent", () => {
    expect(refusals({ level: "fatal" })).toEqual([
      { path: "/level", message: '"fatal" is not one of DEBUG, INFO, WARN, ERROR, CRITICAL' },
    ]);
  });
});

describe("fields that are not known", () => {
  it("are refused by name, each one", () => {
    expect(refusals({ usr_id: "u", "a/b": 1 })).toEqual([
      { path: "/usr_id", message: "is not a field of an event; put it into metadata, or correct its name" },
      { path: "/a~1b", message: expect.stringContaining("is not a field") },
    ]);
  });

  it.each(["received_at", "content_hash", "conflicts", "_v", "_salt", "_defaulted", "__proto__"])(
    "refuse %s, which is the service's",
    (field) => {
      const input: unknown = JSON.parse(`{"action":"a","service_name":"s","${field}":1}`);

      expect(prepareEvent(input, STAMP)).toMatchObject({
        errors: [{ path: `/${field}`, message: "is set by the service and cannot be sent" }],
      });
    },
  );

  it("are refused within a change and an on_behalf_of entry", () => {
    const members = { changes: [{ path: "", old: 1 }], on_behalf_of: [{ type: "a", id: "b", name: "c" }] };

    expect(refusedPaths(members)).toEqual(["/on_behalf_of/0/name", "/changes/0/old"]);
  });

  it.each([null, undefined, [], "x", 5, true, new Date(0)])(
    "an event that is no object is refused: %s",
    (input) => {
      expect(prepareEvent(input, STAMP)).toEqual({
        kind: "refused",
        code: "validation-failed",
        errors: [{ path: "", message: "is not a JSON object" }],
      });
    },
  );

  it("do not hide what else is wrong: every reason is given", () => {
    expect(refusedPaths({ level: "x", user_id: 5, timestamp: "yesterday", duration_ms: -1 })).toEqual([
      "/timestamp",
      "/level",
      "/user_id",
      "/duration_ms",
    ]);
  });
});

describe("the tenant", () => {
  const keyed = { ...STAMP, keyTenant: "acme" };

  it("is the one of the key", () => {
    expect(accepted({}, keyed).event.tenant_id).toBe("acme");
  });

  it("may be named where it is the key's", () => {
    expect(accepted({ tenant_id: "acme" }, keyed).text).toBe(accepted({}, keyed).text);
  });

  it("is refused where it is another", () => {
    expect(refusals({ tenant_id: "other" }, keyed)).toEqual([
      { path: "/tenant_id", message: "is not the tenant of this key; leave it out" },
    ]);
  });

  it("may be any while no keys are configured", () => {
    expect(accepted({ tenant_id: "other" }).event.tenant_id).toBe("other");
  });
});

describe("the event id", () => {
  it("is the fallback where the event names none", () => {
    const preparation = prepareEvent(LEAST, STAMP, "key:0");

    expect(preparation).toMatchObject({ line: { event: { event_id: "key:0" } } });
  });

  it("is the event's own where it names one", () => {
    const preparation = prepareEvent({ ...LEAST, event_id: "own" }, STAMP, "key:0");

    expect(preparation).toMatchObject({ line: { event: { event_id: "own" } } });
  });

  it("is not said to be defaulted where the sender's key gave it", () => {
    const preparation = prepareEvent(LEAST, STAMP, "key:0");

    expect(preparation).toMatchObject({ line: { text: expect.not.stringContaining('"event_id","level"') } });
  });
});

describe("the instant", () => {
  it("is the one of the timestamp", () => {
    expect(accepted({ timestamp: "1970-01-01T01:00:01.000000005+01:00" }).instant).toEqual({
      seconds: 1,
      nanos: 5,
    });
  });

  it("is the time of receipt where no timestamp was sent", () => {
    expect(accepted({}).instant).toEqual({ seconds: STAMP.receivedAtMs / 1000, nanos: 0 });
  });
});

describe("the input", () => {
  it("is left as it was", () => {
    const input = Object.freeze({ ...LEAST, level: "info", metadata: Object.freeze({ b: 1, a: 2 }) });

    prepare(input);

    expect(JSON.stringify(input)).toBe(
      '{"action":"user_login","service_name":"auth","level":"info","metadata":{"b":1,"a":2}}',
    );
  });
});
