// Prepared lines for the contract suites: small, valid, and under a tenant of their own for each test, so that a suite
// can run against a store that already holds other events.
import { randomUUID } from "node:crypto";

import type { PreparedLine, Stamp } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { parseQuery } from "#query/audit-query.ts";
import type { Position, QueryPlan } from "#query/plan.ts";
import { planQuery } from "#query/planner.ts";
import type { EventStore } from "#service/ports.ts";

export type Members = Readonly<Record<string, unknown>>;

export const RECEIVED_AT_MS = Date.parse("2026-03-01T12:00:00.000Z");
/** More pages than any test needs: a store that never comes to an end fails instead of hanging. */
const MAX_PAGES = 10_000;

/** A tenant that no other test uses. */
export function freshTenant(): string {
  return `tenant-${randomUUID()}`;
}

const STAMP: Stamp = {
  receivedAtMs: RECEIVED_AT_MS,
  receivedAt: new Date(RECEIVED_AT_MS).toISOString(),
  keyTenant: undefined,
  newEventId: () => randomUUID(),
  newSalt: () => randomUUID().replaceAll("-", "").slice(0, 22),
};

/**
 * The line of an event with these members; `action` and `service_name` have defaults. Each call has a salt of its
 * own, so that two lines of the same content differ in their text.
 */
export function sampleLine(members: Members): PreparedLine {
  const preparation = prepareEvent({ action: "read", service_name: "shop", ...members }, STAMP);
  if (preparation.kind === "prepared") return preparation.line;
  throw new Error(`the sample is refused: ${JSON.stringify(preparation.errors)}`);
}

/** A time on the day of the samples, `seconds` after its beginning. */
export function timeAt(seconds: number): string {
  return new Date(Date.parse("2026-02-01T00:00:00.000Z") + seconds * 1000).toISOString();
}

/** `count` lines of a tenant, one second apart, with ids that sort like their times. */
export function sampleLines(tenantId: string, count: number, members: Members = {}): PreparedLine[] {
  return Array.from({ length: count }, (_, index) =>
    sampleLine({
      tenant_id: tenantId,
      event_id: `event-${String(index).padStart(6, "0")}`,
      timestamp: timeAt(index),
      ...members,
    }),
  );
}

/** The plan of a query; members as in the contract of the API. */
export function planFor(tenantId: string, query: Members = {}, after?: Position): QueryPlan {
  return planQuery(parseQuery(query), { tenantId, after });
}

/** All pages of a plan, one after the other; each must hold at most `limit` lines. */
export async function readPages(store: EventStore, plan: QueryPlan): Promise<readonly (readonly string[])[]> {
  const pages: (readonly string[])[] = [];
  let next: QueryPlan | undefined = plan;
  while (next !== undefined) {
    const page = await store.page(next);
    if (page.lines.length > plan.limit) throw new Error(`${page.lines.length} lines, limit ${plan.limit}`);
    pages.push(page.lines.map(({ text }) => text));
    if (pages.length > MAX_PAGES) throw new Error(`no end after ${MAX_PAGES} pages`);
    const skip: number = Math.max(0, next.skip - page.skipped);
    next = page.next === undefined ? undefined : { ...plan, after: page.next, skip };
  }
  return pages;
}

/** Event ids of all that a query finds, in the order of its pages. */
export async function findIds(
  store: EventStore,
  tenantId: string,
  query: Members = {},
): Promise<readonly string[]> {
  const pages = await readPages(store, planFor(tenantId, query));
  return pages.flat().map(idOf);
}

/** The event id of a stored line. */
export function idOf(line: string): string {
  const { event_id: eventId } = JSON.parse(line) as { readonly event_id: string };
  return eventId;
}

export function idsOf(lines: readonly PreparedLine[]): readonly string[] {
  return lines.map(({ event }) => event.event_id);
}
