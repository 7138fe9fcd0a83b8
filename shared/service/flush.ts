/**
 * Waiting until accepted events are stored, so that a reader finds what a writer has sent. Bounded: after 10 s the
 * answer is what is still pending.
 */
import type { EventStore } from "#service/ports.ts";
import type { Sleep } from "#service/waiting.ts";
import { pollUntil, withDeadline } from "#service/waiting.ts";

export type FlushOutcome =
  | { readonly status: "flushed" }
  /** `pending`: how many of the events asked for are not stored yet; absent where none were named. */
  | { readonly status: "pending"; readonly pending?: number };

export interface FlushRequest {
  readonly tenantId: string;
  /** Events to wait for, beside everything accepted before the call. */
  readonly eventIds: readonly string[];
}

export interface FlushDependencies {
  readonly store: EventStore;
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
}

export const MAX_FLUSH_EVENT_IDS = 100;
export const FLUSH_DEADLINE_MS = 10_000;

/** @returns a function that throws AuditStorageError `storage-unavailable` */
export function createFlush({
  store,
  monotonicMs,
  sleep,
}: FlushDependencies): (request: FlushRequest) => Promise<FlushOutcome> {
  const missing = async (tenantId: string, eventIds: readonly string[]): Promise<readonly string[]> => {
    const lines = await Promise.all(eventIds.map((eventId) => store.get({ tenantId, eventId })));
    return eventIds.filter((_, index) => lines[index] === undefined);
  };

  return async ({ tenantId, eventIds }) => {
    const began = monotonicMs();
    const progress = await withDeadline(store.flush(), FLUSH_DEADLINE_MS, sleep);
    if (eventIds.length === 0) return { status: progress === "done" ? "flushed" : "pending" };
    const waitMs = Math.max(0, FLUSH_DEADLINE_MS - (monotonicMs() - began));
    let left = eventIds;
    const ask = async (): Promise<number> => {
      left = await missing(tenantId, left);
      return left.length;
    };
    const pending = await pollUntil(ask, (count) => count === 0, { waitMs, monotonicMs, sleep });
    return pending === 0 ? { status: "flushed" } : { status: "pending", pending };
  };
}
