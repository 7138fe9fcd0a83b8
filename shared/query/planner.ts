/**
 * From a query to its plan. The most selective access path that the query allows is taken: a resource is touched by
 * few events, a user makes more, a service is a large share of a tenant, and the timeline is all of it. The order is
 * fixed, not estimated: a plan must be the same for every page of a query, and statistics drift.
 */
import { parseInstant } from "#lib/instant.ts";
import type { Instant } from "#lib/instant.ts";
import type { AuditQuery } from "#query/audit-query.ts";
import type { AccessPath, EventFilter, Position, QueryPlan } from "#query/plan.ts";
import { FILTER_NAMES } from "#query/plan.ts";

/** Filters with an access path of their own, most selective first. */
const PATHS = [
  { kind: "resource", name: "resource_ids" },
  { kind: "user", name: "user_ids" },
  { kind: "service", name: "service_names" },
] as const;

export interface PlanContext {
  readonly tenantId: string;
  /** Where the page before ended; undefined for the first. */
  readonly after: Position | undefined;
}

export function planQuery(query: AuditQuery, { tenantId, after }: PlanContext): QueryPlan {
  const filter = queryFilter(query);
  const path = PATHS.find(({ name }) => filter[name] !== undefined);
  const values = path === undefined ? undefined : filter[path.name];
  const access: AccessPath =
    path === undefined || values === undefined ? { kind: "timeline" } : { kind: path.kind, values };
  return {
    tenantId,
    access,
    filter,
    residual: FILTER_NAMES.filter((name) => filter[name] !== undefined && name !== path?.name),
    from: bound(query.start_time),
    to: bound(query.end_time),
    isDescending: query.order_desc,
    limit: query.limit,
    after,
    skip: query.offset,
  };
}

/** A plan for people to read, as `explain` shows it; member names are the wire's. */
export interface PlanDescription {
  readonly access_path: AccessPath["kind"];
  /** What the path is entered with; empty for the timeline. */
  readonly access_values: readonly string[];
  /** Filters that are checked on every event the path yields. */
  readonly filters_left: readonly (keyof EventFilter)[];
  readonly order: "timestamp ascending" | "timestamp descending";
}

export function describePlan({ access, residual, isDescending }: QueryPlan): PlanDescription {
  return {
    access_path: access.kind,
    access_values: access.kind === "timeline" ? [] : access.values,
    filters_left: residual,
    order: isDescending ? "timestamp descending" : "timestamp ascending",
  };
}

/** The filters of a query, normalised: each value once, the part of a message in lower case. */
function queryFilter(query: AuditQuery): EventFilter {
  return {
    ...(query.service_names && { service_names: unique(query.service_names) }),
    ...(query.user_ids && { user_ids: unique(query.user_ids) }),
    ...(query.levels && { levels: unique(query.levels) }),
    ...(query.categories && { categories: unique(query.categories) }),
    ...(query.actions && { actions: unique(query.actions) }),
    ...(query.resource_types && { resource_types: unique(query.resource_types) }),
    ...(query.resource_ids && { resource_ids: unique(query.resource_ids) }),
    ...(query.request_ids && { request_ids: unique(query.request_ids) }),
    ...(query.session_ids && { session_ids: unique(query.session_ids) }),
    ...(query.error_codes && { error_codes: unique(query.error_codes) }),
    ...(query.trace_ids && { trace_ids: unique(query.trace_ids) }),
    ...(query.message_contains && { message_contains: query.message_contains.toLowerCase() }),
  };
}

/** A value given twice must not be read twice by the access path. */
function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

/** An inclusive bound; the query's schema has accepted the text. */
function bound(time: string | undefined): Instant | undefined {
  const instant = time === undefined ? undefined : parseInstant(time);
  return typeof instant === "string" ? undefined : instant;
}
