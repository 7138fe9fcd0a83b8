// For any query: filters agree with a naive reading, plans lose nothing, cursors lead back and forged ones never break.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CATEGORIES, LEVELS } from "#event/audit-event.ts";
import { AuditQueryError, AuditValidationError } from "#lib/errors.ts";
import { parseQuery, parseQueryParameters } from "#query/audit-query.ts";
import { decodeCursor, encodeCursor } from "#query/cursor.ts";
import { compileFilter } from "#query/filter.ts";
import type { EventFilter, Position } from "#query/plan.ts";
import { planQuery } from "#query/planner.ts";

/** Few values, so that matches are as frequent as misses; some differ only in case or blanks. */
const value = fc.constantFrom("a", "A", "b", "ä", "Ä", "a b", "ß", "İ", "i̇", "a,b");
const values = fc.array(value, { minLength: 1, maxLength: 4 });
const traceId = fc.constantFrom("a".repeat(32), "A".repeat(32), "b".repeat(32));

/** List filter → the member of an event that it is about. */
const MEMBER_OF = {
  service_names: "service_name",
  user_ids: "user_id",
  levels: "level",
  categories: "category",
  actions: "action",
  resource_types: "resource_type",
  resource_ids: "resource_id",
  request_ids: "request_id",
  session_ids: "session_id",
  error_codes: "error_code",
  trace_ids: "trace_id",
} as const;

const filters = fc.record(
  {
    service_names: values,
    user_ids: values,
    levels: fc.array(fc.constantFrom(...LEVELS.slice(0, 2)), { minLength: 1, maxLength: 3 }),
    categories: fc.array(fc.constantFrom(...CATEGORIES.slice(0, 2)), { minLength: 1, maxLength: 3 }),
    actions: values,
    resource_types: values,
    resource_ids: values,
    request_ids: values,
    session_ids: values,
    error_codes: values,
    trace_ids: fc.array(traceId, { minLength: 1, maxLength: 3 }),
    message_contains: value,
  },
  { requiredKeys: [] },
);

const event = fc.record(
  {
    service_name: value,
    user_id: value,
    level: fc.constantFrom(...LEVELS.slice(0, 2)),
    category: fc.constantFrom(...CATEGORIES.slice(0, 2)),
    action: value,
    resource_type: value,
    resource_id: value,
    request_id: value,
    session_id: value,
    error_code: value,
    trace_id: traceId,
    message: fc.array(value, { maxLength: 3 }).map((parts) => parts.join("")),
  },
  { requiredKeys: ["service_name", "level", "category", "action", "message"] },
);

type Filters = typeof filters extends fc.Arbitrary<infer T> ? T : never;
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** A filter and an event; the filter's lists often hold the event's own values, so that about half of them match. */
const pair = fc
  .tuple(filters, event, fc.subarray(Object.keys(MEMBER_OF)), fc.boolean())
  .map(([wanted, found, misses, isNear]) => {
    if (!isNear) return { wanted, found };
    const near: Record<string, unknown> = {
      ...wanted,
      message_contains: found.message.slice(0, 2) || undefined,
    };
    for (const [filter, member] of Object.entries(MEMBER_OF)) {
      const list = wanted[filter as keyof typeof MEMBER_OF];
      const isHit =
        list !== undefined && found[member] !== undefined && (misses.length > 1 || !misses.includes(filter));
      if (isHit) near[filter] = [...list, found[member]];
    }
    return { wanted: near, found };
  });

/** The contract's words: AND across, OR within a list, toLowerCase on both sides of message_contains. */
function matchesNaively(wanted: Filters, found: Event): boolean {
  const part = wanted.message_contains;
  if (part !== undefined && !found.message.toLowerCase().includes(part.toLowerCase())) return false;
  return Object.entries(MEMBER_OF).every(([filter, member]) => {
    const list: readonly string[] | undefined = wanted[filter as keyof typeof MEMBER_OF];
    return list === undefined || list.some((one) => one === found[member]);
  });
}

describe("filters", () => {
  it("agree with a naive reading of the contract", () => {
    fc.assert(
      fc.property(pair, ({ wanted, found }) => {
        const { filter } = planQuery(parseQuery(wanted), { tenantId: "t", after: undefined });

        expect(compileFilter(filter)(found)).toBe(matchesNaively(wanted, found));
      }),
      { numRuns: 5000 },
    );
  });

  it("match often enough for that to mean something", () => {
    const sample = fc.sample(pair, { numRuns: 2000, seed: 1 });

    const matches = sample.filter(({ wanted, found }) => matchesNaively(wanted, found)).length;

    expect(matches).toBeGreaterThan(200);
    expect(matches).toBeLessThan(1600);
  });
});

describe("plans", () => {
  it("answer every filter by path or leave it, and never both", () => {
    fc.assert(
      fc.property(filters, (wanted) => {
        const { access, filter, residual } = planQuery(parseQuery(wanted), {
          tenantId: "t",
          after: undefined,
        });
        const answered: (keyof EventFilter)[] = access.kind === "timeline" ? [] : [PATH_FILTER[access.kind]];

        expect([...answered, ...residual].toSorted()).toEqual(Object.keys(wanted).toSorted());
        expect(Object.keys(filter).toSorted()).toEqual(Object.keys(wanted).toSorted());
      }),
    );
  });
});

const PATH_FILTER = { service: "service_names", user: "user_ids", resource: "resource_ids" } as const;

const position: fc.Arbitrary<Position> = fc.record({
  instant: fc.record({ seconds: fc.integer({ min: 0, max: 253_402_387_139 }), nanos: fc.nat(999_999_999) }),
  eventId: fc.string({ unit: fc.constantFrom(..."aZ09._:!-".split("")), minLength: 1, maxLength: 161 }),
});
const tenant = fc.constantFrom("default", "acme", "t-1");
const order = fc.boolean();

describe("cursors", () => {
  it("lead back to any place of any query, and fit the limit of the member", () => {
    fc.assert(
      fc.property(position, filters, tenant, order, (place, wanted, tenantId, order_desc) => {
        const scope = { tenantId, query: parseQuery({ ...wanted, order_desc }) };
        const cursor = encodeCursor(place, scope);

        expect(decodeCursor(cursor, scope)).toEqual(place);
        expect(parseQuery({ ...wanted, cursor }).cursor).toBe(cursor);
      }),
    );
  });

  it("differ wherever places differ", () => {
    const scope = { tenantId: "t", query: parseQuery({}) };

    fc.assert(
      fc.property(position, position, (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b);

        expect(encodeCursor(a, scope) === encodeCursor(b, scope)).toBe(isSame);
      }),
    );
  });

  it("are refused by any other query", () => {
    fc.assert(
      fc.property(position, filters, filters, (place, mine, theirs) => {
        const sets = [mine, theirs].map((wanted) => normalForm(wanted));
        fc.pre(sets[0] !== sets[1]);
        const cursor = encodeCursor(place, { tenantId: "t", query: parseQuery(mine) });

        expect(() => decodeCursor(cursor, { tenantId: "t", query: parseQuery(theirs) })).toThrow(
          /another query/,
        );
      }),
    );
  });

  it("that are changed anywhere are a place or invalid-cursor, never another failure", () => {
    const scope = {
      tenantId: "t",
      query: parseQuery({ user_ids: ["a"], start_time: "1970-01-01T00:00:00Z" }),
    };

    fc.assert(
      fc.property(
        position,
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (place, edits) => {
          const bytes = Buffer.from(encodeCursor(place, scope), "base64url");
          for (const [at, byte] of edits) bytes[at % bytes.length] = byte;

          expect(outcome(bytes.toString("base64url"), scope)).toMatch(/^(place|invalid-cursor)$/);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("made of anything are invalid-cursor", () => {
    const scope = { tenantId: "t", query: parseQuery({}) };
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.base64String(),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
    );

    fc.assert(
      fc.property(text, (cursor) => {
        expect(outcome(cursor, scope)).toBe("invalid-cursor");
      }),
      { numRuns: 3000 },
    );
  });
});

describe("any input at all", () => {
  const names = fc.constantFrom(
    "limit",
    "levels",
    "user_ids",
    "start_time",
    "cursor",
    "order_by",
    "explain",
    "__proto__",
    "x",
  );
  const input = fc.oneof(
    fc.anything(),
    fc.dictionary(names, fc.anything({ withBigInt: true, withDate: true })),
  );

  it("is a query or validation-failed", () => {
    fc.assert(
      fc.property(input, (any) => {
        expect(verdict(() => parseQuery(any))).toMatch(/^(query|validation-failed)$/);
      }),
      { numRuns: 3000 },
    );
  });

  it("as URL parameters is a query or validation-failed", () => {
    const pairs = fc.array(
      fc.tuple(fc.oneof(names, fc.string()), fc.oneof(fc.string(), fc.constantFrom("1", "true", "info"))),
    );

    fc.assert(
      fc.property(pairs, (any) => {
        expect(verdict(() => parseQueryParameters(any))).toMatch(/^(query|validation-failed)$/);
      }),
      { numRuns: 3000 },
    );
  });
});

function normalForm(wanted: Filters): string {
  const members = Object.entries(wanted).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const normal = members.map(([name, given]) => [
    name,
    typeof given === "string" ? given.toLowerCase() : [...new Set<string>(given)].toSorted(),
  ]);
  return JSON.stringify(normal);
}

function outcome(cursor: string, scope: Parameters<typeof decodeCursor>[1]): string {
  try {
    decodeCursor(cursor, scope);
    return "place";
  } catch (error) {
    if (error instanceof AuditQueryError) return error.code;
    throw error;
  }
}

function verdict(parse: () => unknown): string {
  try {
    parse();
    return "query";
  } catch (error) {
    if (error instanceof AuditValidationError) return error.code;
    throw error;
  }
}
