// Cursors: bound to tenant, filters and order; canonical; every forgery is one clear error.
import { describe, expect, it } from "vitest";

import { AuditQueryError } from "#lib/errors.ts";
import { parseQuery } from "#query/audit-query.ts";
import type { CursorScope } from "#query/cursor.ts";
import { decodeCursor, encodeCursor } from "#query/cursor.ts";
import type { Position } from "#query/plan.ts";

const position: Position = {
  instant: { seconds: 1_767_225_600, nanos: 123_456_789 },
  eventId: "0197-aaaa:1",
};
const INPUT = { user_ids: ["a", "b"], levels: ["INFO"], start_time: "2026-01-01T00:00:00Z" };

const scope = (input: Readonly<Record<string, unknown>> = INPUT, tenantId = "acme"): CursorScope => ({
  tenantId,
  query: parseQuery(input),
});

function refusal(cursor: string, of: CursorScope = scope()): AuditQueryError {
  try {
    decodeCursor(cursor, of);
  } catch (error) {
    if (error instanceof AuditQueryError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** The bytes of a valid cursor, changed. */
function forged(change: (bytes: Buffer) => Buffer): string {
  return change(Buffer.from(encodeCursor(position, scope()), "base64url")).toString("base64url");
}

describe("a cursor", () => {
  it("leads back to its place", () => {
    expect(decodeCursor(encodeCursor(position, scope()), scope())).toEqual(position);
  });

  it("leads back to the place of a conflict with the longest id", () => {
    const longest = { ...position, eventId: `${"x".repeat(128)}!${"a".repeat(32)}` };
    const cursor = encodeCursor(longest, scope());

    expect(decodeCursor(cursor, scope())).toEqual(longest);
    expect(cursor.length).toBeLessThanOrEqual(1024);
  });

  it("does not show what the query filters by", () => {
    const bytes = Buffer.from(encodeCursor(position, scope({ user_ids: ["secret-user"] })), "base64url");

    expect(bytes.toString("latin1")).not.toContain("secret-user");
    expect(bytes.toString("latin1")).not.toContain("acme");
  });

  it("keeps its form: it is golden", () => {
    expect(encodeCursor(position, scope())).toBe("Ac_7nF04mZ4-ZGgIY8y5LbkAAGlVuQAHW80VMDE5Ny1hYWFhOjE");
  });
});

describe("the same query", () => {
  const cursor = encodeCursor(position, scope());

  it.each([
    ["another limit", { ...INPUT, limit: 1 }],
    ["another order of values", { ...INPUT, user_ids: ["b", "a"] }],
    ["a value repeated", { ...INPUT, user_ids: ["a", "b", "a"] }],
    ["another case of a level", { ...INPUT, levels: ["info"] }],
    ["the same instant in another zone", { ...INPUT, start_time: "2026-01-01T01:00:00+01:00" }],
    ["explain", { ...INPUT, explain: true }],
    ["include_total", { ...INPUT, include_total: true }],
    ["the tenant named", { ...INPUT, tenant_id: "acme" }],
    ["offset 0", { ...INPUT, offset: 0 }],
  ])("takes its cursor with %s", (_, input) => {
    expect(decodeCursor(cursor, scope(input))).toEqual(position);
  });
});

describe("another query", () => {
  const cursor = encodeCursor(position, scope());

  it.each([
    ["more values", { ...INPUT, user_ids: ["a", "b", "c"] }],
    ["fewer values", { ...INPUT, user_ids: ["a"] }],
    ["no filter", { start_time: INPUT.start_time }],
    ["values in another filter", { ...INPUT, user_ids: undefined, session_ids: ["a", "b"] }],
    ["another order", { ...INPUT, order_desc: false }],
    ["another start", { ...INPUT, start_time: "2026-01-01T00:00:00.000000001Z" }],
    ["no start", { ...INPUT, start_time: undefined }],
    ["an end", { ...INPUT, end_time: "2027-01-01T00:00:00Z" }],
    ["the start as end", { ...INPUT, start_time: undefined, end_time: INPUT.start_time }],
    ["a part of the message", { ...INPUT, message_contains: "x" }],
  ])("refuses the cursor: %s", (_, input) => {
    expect(refusal(cursor, scope(input))).toMatchObject({
      code: "invalid-cursor",
      message: expect.stringMatching("^the cursor belongs to another query"),
      errors: [{ path: "/cursor" }],
    });
  });

  it("refuses the cursor of another tenant", () => {
    expect(refusal(cursor, scope(INPUT, "other")).message).toMatch(/belongs to another query/);
  });

  it("is one whose values only run together to the same text", () => {
    const joined = encodeCursor(position, scope({ user_ids: ["a,b"] }));

    expect(refusal(joined, scope({ user_ids: ["a", "b"] })).code).toBe("invalid-cursor");
  });

  it("refuses a cursor together with offset", () => {
    expect(refusal(cursor, scope({ ...INPUT, offset: 1 })).message).toBe(
      "the cursor cannot be used together with offset; leave offset out",
    );
  });
});

describe("a forged cursor", () => {
  it.each(["", "A", "AQ", "!!!!", "ä", "null", "0", " ", "x".repeat(1024), "x".repeat(1_000_000)])(
    "is refused: %.20j",
    (cursor) => {
      expect(refusal(cursor).code).toBe("invalid-cursor");
    },
  );

  it("is refused where it is written in another way", () => {
    const cursor = encodeCursor(position, scope());

    for (const other of [
      `${cursor}=`,
      ` ${cursor}`,
      `${cursor}\n`,
      cursor.replace("_", "/"),
      `${cursor.slice(0, 5)} ${cursor.slice(5)}`,
    ]) {
      if (other !== cursor) expect(refusal(other).message).toMatch(/is not one that this service has made$/);
    }
  });

  it.each([0, 2, 255])("of version %d is refused with advice", (version) => {
    expect(
      refusal(forged((bytes) => Buffer.concat([Buffer.from([version]), bytes.subarray(1)]))).message,
    ).toBe("the cursor is of another version of this service; begin again without it");
  });

  it("is refused where it is cut short", () => {
    expect(refusal(forged((bytes) => bytes.subarray(0, 27))).message).toBe("the cursor is cut short");
  });

  it("is refused where its nanoseconds are no fraction of a second", () => {
    const cursor = forged((bytes) => {
      bytes.writeUInt32BE(1_000_000_000, 23);
      return bytes;
    });

    expect(refusal(cursor).message).toMatch(/names no place/);
  });

  it.each(["é", "a b", "a/b", "\0", "a\n"])("is refused where its event id is none: %j", (eventId) => {
    const cursor = forged((bytes) => Buffer.concat([bytes.subarray(0, 27), Buffer.from(eventId, "latin1")]));

    expect(refusal(cursor).message).toMatch(/names no place/);
  });

  it("is refused where its event id is too long", () => {
    const cursor = forged((bytes) => Buffer.concat([bytes.subarray(0, 27), Buffer.alloc(162, "x")]));

    expect(refusal(cursor).code).toBe("invalid-cursor");
  });

  it("is refused where its place is before the start or behind the end of the query", () => {
    const bounded = scope({ start_time: "2026-01-01T00:00:00Z", end_time: "2026-01-01T00:00:01Z" });
    const cursorAt = (seconds: number, nanos: number): string =>
      encodeCursor({ instant: { seconds, nanos }, eventId: "e" }, bounded);

    expect(decodeCursor(cursorAt(1_767_225_600, 0), bounded).eventId).toBe("e");
    expect(decodeCursor(cursorAt(1_767_225_601, 0), bounded).eventId).toBe("e");
    expect(refusal(cursorAt(1_767_225_599, 999_999_999), bounded).code).toBe("invalid-cursor");
    expect(refusal(cursorAt(1_767_225_601, 1), bounded).code).toBe("invalid-cursor");
  });

  it("never changes the tenant or filters that are read", () => {
    const elsewhere = forged((bytes) => {
      bytes.writeUIntBE(1_767_225_700, 17, 6);
      return bytes;
    });

    expect(decodeCursor(elsewhere, scope())).toEqual({
      ...position,
      instant: { ...position.instant, seconds: 1_767_225_700 },
    });
  });
});
