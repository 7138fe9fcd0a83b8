/**
 * Finding events: one by its id, or a page of those that match a query. Events travel as the JSON text that was cut
 * from their stored lines and are never serialised again, so a page costs little more than reading it.
 */
import type { StoredAuditEvent } from "#event/audit-event.ts";
import { readEvent } from "#event/stored-line.ts";
import { AuditQueryError } from "#lib/errors.ts";
import type { AuditQuery } from "#query/audit-query.ts";
import { decodeCursor, encodeCursor } from "#query/cursor.ts";
import type { PlanDescription } from "#query/planner.ts";
import { describePlan, planQuery } from "#query/planner.ts";
import type { QueryPlan } from "#query/plan.ts";
import { foundJson } from "#service/found-json.ts";
import type { EventKey, EventStore, FoundLine, LinePage, ReadCost } from "#service/ports.ts";
import type { Sleep } from "#service/waiting.ts";
import { pollUntil } from "#service/waiting.ts";

/** A page as the API answers it; members as on the wire, events as JSON text. */
export interface FoundPage {
  readonly events: readonly string[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly total_count: number | null;
  /** Milliseconds. */
  readonly query_duration_ms: number;
  /** Only with `explain`. */
  readonly plan?: FoundPlan;
}

export interface FoundPlan extends PlanDescription {
  readonly entries_read: number;
  readonly lines_read: number;
  readonly bytes_read: number;
  /** Read units billed, where the store bills them. */
  readonly units_read?: number;
  /** Calls to the store that had to wait for each other, where each is a round trip. */
  readonly round_trips?: number;
}

export interface PageRequest {
  readonly tenantId: string;
  readonly query: AuditQuery;
}

export interface Find {
  /**
   * The event as JSON text, or undefined where none is stored under this id.
   * @param waitMs how long to wait for it to be stored; default 0
   */
  byId(key: EventKey, waitMs?: number): Promise<string | undefined>;
  /**
   * @throws AuditQueryError `invalid-cursor`, `use-cursor` (the read budget ended before `offset` was reached)
   * @throws AuditStorageError `storage-unavailable`
   */
  page(request: PageRequest): Promise<FoundPage>;
}

export interface FindDependencies {
  readonly store: EventStore;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
}

/** Longest wait of `byId`. */
export const MAX_WAIT_S = 20;
/** `include_total` counts so far; beyond it the total is null. */
export const MAX_COUNTED_MATCHES = 10_000;

export function createFind({ store, monotonicMs, sleep }: FindDependencies): Find {
  const byId: Find["byId"] = async (key, waitMs = 0) => {
    const get = (): Promise<FoundLine | undefined> => store.get(key);
    const line =
      waitMs === 0
        ? await get()
        : await pollUntil(get, (found) => found !== undefined, { waitMs, monotonicMs, sleep });
    return line === undefined ? undefined : foundJson(line);
  };

  const page: Find["page"] = async ({ tenantId, query }) => {
    const began = monotonicMs();
    const scope = { tenantId, query };
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, scope);
    const plan = planQuery(query, { tenantId, after });
    const found = await store.page(plan);
    if (found.next !== undefined && found.skipped < plan.skip) throw offsetTooFar(plan.skip, found);
    const total = await totalCount(plan, found, query.include_total);
    const events = found.lines.map(foundJson);
    return {
      events,
      has_more: found.next !== undefined,
      next_cursor: found.next === undefined ? null : encodeCursor(found.next, scope),
      total_count: total.matches,
      query_duration_ms: Math.round((monotonicMs() - began) * 1000) / 1000,
      ...(query.explain ? { plan: explain(plan, [found.cost, ...total.costs]) } : {}),
    };
  };

  const totalCount = async (
    plan: QueryPlan,
    found: LinePage,
    isAsked: boolean,
  ): Promise<{ readonly matches: number | null; readonly costs: readonly ReadCost[] }> => {
    // A first page that ends the matches has seen all of them: the total is free.
    if (plan.after === undefined && found.next === undefined) {
      return { matches: found.skipped + found.lines.length, costs: [] };
    }
    if (!isAsked) return { matches: null, costs: [] };
    const { matches, cost } = await store.count(plan, MAX_COUNTED_MATCHES);
    return { matches, costs: [cost] };
  };

  return { byId, page };
}

/** The page as the body of an answer. */
export function foundPageJson({ events, ...rest }: FoundPage): string {
  const members = JSON.stringify(rest);
  return `{"events":[${events.join(",")}],${members.slice(1)}`;
}

/** The page as values, for callers in the same process. */
export function readFoundPage(
  page: FoundPage,
): Omit<FoundPage, "events"> & { readonly events: readonly StoredAuditEvent[] } {
  return { ...page, events: page.events.map(readEvent) };
}

function explain(plan: QueryPlan, costs: readonly ReadCost[]): FoundPlan {
  const sum = (unit: keyof ReadCost): number => costs.reduce((total, cost) => total + (cost[unit] ?? 0), 0);
  const isBilled = costs.some(({ units }) => units !== undefined);
  return {
    ...describePlan(plan),
    entries_read: sum("entries"),
    lines_read: sum("lines"),
    bytes_read: sum("bytes"),
    ...(isBilled ? { units_read: sum("units"), round_trips: sum("roundTrips") } : {}),
  };
}

function offsetTooFar(offset: number, { skipped }: LinePage): AuditQueryError {
  const message = `offset is ${offset}, but the read budget of a page ended after ${skipped} matches; page by cursor instead`;
  return new AuditQueryError("use-cursor", message, { errors: [{ path: "/offset", message }] });
}
