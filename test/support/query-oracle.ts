// What a query must find, worked out without planner, filter, index or order of the service: every event is looked at,
// what matches is sorted once. Also random events and queries from domains so small that matches are common.
import * as fc from "fast-check";

import type { Members } from "#test/contract/sample-lines.ts";

interface KnownEvent {
  readonly line: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly nanos: bigint;
  readonly id: string;
}

/** Filters by the member that they look at. */
const MEMBER_OF: Readonly<Record<string, string>> = {
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
};

/** Keeps every line that was stored, and answers queries the slow way. */
export class QueryOracle {
  private readonly known: KnownEvent[] = [];
  private isSorted = true;

  add(line: string): void {
    const event = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const id = String(event["event_id"]);
    this.known.push({ line, event, nanos: nanosOf(String(event["timestamp"])), id });
    this.isSorted = false;
  }

  get size(): number {
    return this.known.length;
  }

  /** Lines that match, in the order asked for. */
  find(tenantId: string, query: Members): readonly string[] {
    if (!this.isSorted) this.known.sort(inOrder);
    this.isSorted = true;
    const found = this.known.filter(({ event, nanos }) => {
      return event["tenant_id"] === tenantId && isWithin(nanos, query) && matches(event, query);
    });
    const lines = found.map(({ line }) => line);
    return query["order_desc"] === false ? lines : lines.toReversed();
  }
}

function inOrder(a: KnownEvent, b: KnownEvent): number {
  if (a.nanos !== b.nanos) return a.nanos < b.nanos ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

function isWithin(nanos: bigint, query: Members): boolean {
  const { start_time: start, end_time: end } = query;
  return (
    (typeof start !== "string" || nanos >= nanosOf(start)) &&
    (typeof end !== "string" || nanos <= nanosOf(end))
  );
}

function matches(event: Readonly<Record<string, unknown>>, query: Members): boolean {
  const part = query["message_contains"];
  if (typeof part === "string" && !String(event["message"]).toLowerCase().includes(part.toLowerCase()))
    return false;
  return Object.entries(MEMBER_OF).every(([filter, member]) => {
    const wanted = query[filter];
    return !Array.isArray(wanted) || wanted.includes(event[member]);
  });
}

/** Nanoseconds since 1970: whole seconds by the platform's parser, the fraction by its digits. */
function nanosOf(time: string): bigint {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  const seconds = Date.parse(time.replace(/\.\d+/, "")) / 1000;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

export const TENANTS = ["default", "acme", "acme2"] as const;

const TIMES = [
  "1970-01-01T00:00:00Z",
  "2026-01-01T00:00:00Z",
  "2026-01-01T01:00:00+01:00",
  "2026-01-01T00:00:00.5Z",
  "2026-01-01T00:00:00.500000001Z",
  "2026-01-01T00:00:00.499999999Z",
  "2025-12-31T23:59:59.999Z",
  "2026-01-01T05:30:01+05:30",
  "2026-02-28T23:59:59-08:00",
  "2026-03-01T11:59:59.123456789Z",
] as const;
const HEX = "0123456789abcdef0123456789abcde";

const VALUES = {
  service_name: ["shop", "bank", "auth"],
  user_id: ["ann", "bob", "é", "a,b"],
  level: ["DEBUG", "INFO", "ERROR"],
  category: ["SECURITY", "SYSTEM_EVENT", "API_REQUEST"],
  action: ["read", "write", "login"],
  resource_type: ["file", "row"],
  resource_id: ["/a", "/b", '"quoted"'],
  request_id: ["r1", "r2"],
  session_id: ["s1", "s2"],
  error_code: ["E1", "E2"],
  trace_id: [`${HEX}1`, `${HEX}2`],
} as const;

const MESSAGES = [
  "",
  "Login failed",
  "login OK",
  "FAILED: ÄRGER",
  'a "quoted" \\ part',
  "failed\nfailed",
] as const;
const PARTS = ["failed", "LOGIN", "ärger", '"quoted"', "\\", "\n", "o"] as const;

/** Members of an event without its id; many events share a time. */
export const arbitraryEvent: fc.Arbitrary<Members> = fc.record(
  {
    tenant_id: fc.constantFrom(...TENANTS),
    timestamp: fc.constantFrom(...TIMES),
    message: fc.constantFrom(...MESSAGES),
    service_name: fc.constantFrom(...VALUES.service_name),
    action: fc.constantFrom(...VALUES.action),
    user_id: fc.constantFrom(...VALUES.user_id),
    level: fc.constantFrom(...VALUES.level),
    category: fc.constantFrom(...VALUES.category),
    resource_type: fc.constantFrom(...VALUES.resource_type),
    resource_id: fc.constantFrom(...VALUES.resource_id),
    request_id: fc.constantFrom(...VALUES.request_id),
    session_id: fc.constantFrom(...VALUES.session_id),
    error_code: fc.constantFrom(...VALUES.error_code),
    trace_id: fc.constantFrom(...VALUES.trace_id),
  },
  { requiredKeys: ["tenant_id", "timestamp", "service_name", "action"] },
);

const bounds = fc
  .tuple(fc.constantFrom(...TIMES), fc.constantFrom(...TIMES))
  .map(([a, b]) => (nanosOf(a) <= nanosOf(b) ? [a, b] : [b, a]));

/** A query with few filters; `limit` is small, so that there are pages. */
export const arbitraryQuery: fc.Arbitrary<Members> = fc
  .record({
    filters: fc.uniqueArray(fc.constantFrom(...Object.keys(MEMBER_OF)), { maxLength: 3 }),
    seeds: fc.array(fc.nat(100), { minLength: 6, maxLength: 6 }),
    part: fc.option(fc.constantFrom(...PARTS), { freq: 3, nil: undefined }),
    times: fc.option(bounds, { freq: 2, nil: undefined }),
    limit: fc.integer({ min: 1, max: 40 }),
    order_desc: fc.boolean(),
  })
  .map(({ filters, seeds, part, times, limit, order_desc }) => {
    const lists = filters.map((filter, at) => [filter, pick(filter, seeds.slice(at * 2, at * 2 + 2))]);
    return {
      ...(Object.fromEntries(lists) as Members),
      ...(part !== undefined && { message_contains: part }),
      ...(times !== undefined && { start_time: times[0], end_time: times[1] }),
      limit,
      order_desc,
    };
  });

/** One or two values of the filter's member. */
function pick(filter: string, seeds: readonly number[]): readonly string[] {
  const known = new Map<string, readonly string[]>(Object.entries(VALUES));
  const values = known.get(MEMBER_OF[filter] ?? "") ?? [];
  return [...new Set(seeds)].map((seed) => values[seed % values.length] ?? "");
}
