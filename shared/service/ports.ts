/**
 * The few interfaces through which the use cases reach the world. Each comment is the contract that every adapter
 * keeps; `test/contract` holds one suite per port, which each adapter runs.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import type { Position, QueryPlan } from "#query/plan.ts";

/** Time, passed in so that tests drive it. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** What became of a line that was sent. */
export type SendOutcome =
  /** Durable; this send is the first that is known with its id. */
  | { readonly kind: "accepted" }
  /** The same content is durable already; `readLine` gives the stored line. Only where the store knows at once. */
  | { readonly kind: "duplicate"; readonly readLine: () => Promise<string> }
  /** Other content is stored under this id; nothing was written. Only where the store knows at once. */
  | { readonly kind: "conflict" };

/** Takes accepted lines. */
export interface EventQueue {
  /**
   * Makes lines durable; one outcome per line, in order. Durable on return: no crash after it loses a line.
   * Lines are stored in the order given; identity is (tenant_id, event_id), also between calls under way and within
   * one call, where the first of two wins. Rejects as a whole or not at all: after a rejection no line counts as
   * acknowledged, though some may be stored, and sending the same lines again is always safe. The caller retries.
   * @throws AuditQueueError `overloaded` (retryable): too much is waiting; nothing was taken
   * @throws AuditStorageError `storage-unavailable` (retryable): it cannot be made durable now
   */
  send(lines: readonly PreparedLine[]): Promise<readonly SendOutcome[]>;
}

export interface EventKey {
  readonly tenantId: string;
  readonly eventId: string;
}

/** What answering a page took. */
export interface ReadCost {
  /** Index entries looked at. */
  readonly entries: number;
  /** Stored lines read and checked. */
  readonly lines: number;
  /** Bytes of these lines. */
  readonly bytes: number;
}

export interface LinePage {
  /** Stored lines that match, in the order of the plan; at most `limit`, and at most 4 MiB unless one alone is larger. */
  readonly lines: readonly string[];
  /**
   * Where the next page goes on; undefined only when nothing that matches lies behind. Every match up to it is in
   * `lines` or was skipped. A page may end before `limit`, even empty, when its read budget is used up.
   */
  readonly next: Position | undefined;
  /** Matches passed over because of `plan.skip`. Less than that with `next` set: the budget ended before `skip` was reached. */
  readonly skipped: number;
  readonly cost: ReadCost;
}

export interface LineCount {
  /** Matches of the plan, exactly; null where that would pass `maxMatches` or the read budget. */
  readonly matches: number | null;
  readonly cost: ReadCost;
}

/** Condition of the store as a probe found it. */
export interface StoreHealth {
  /** `healthy`; `degraded`: serves, but a human must act; `unhealthy`: takes no events. */
  readonly status: "healthy" | "degraded" | "unhealthy";
  /** What is wrong, for a human; empty when healthy. */
  readonly problems: readonly string[];
  /** Facts about the store: counts, bytes, places. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Finds stored lines. All reads see at least every line whose `send` had returned before the read began. */
export interface EventStore {
  /**
   * The stored line of an event, or undefined.
   * @throws AuditStorageError `storage-unavailable` where the event is stored but its line cannot be read
   */
  get(key: EventKey): Promise<string | undefined>;
  /**
   * One page of a plan, within a stated read budget. Pages that follow each other by `after` never repeat a line and
   * never skip one that was stored before the first page, whatever arrives meanwhile.
   */
  page(plan: QueryPlan): Promise<LinePage>;
  /** Counts the plan's matches from its beginning (`after`, `skip` and `limit` are ignored), bounded. */
  count(plan: QueryPlan, maxMatches: number): Promise<LineCount>;
  /** Resolves when every line whose `send` began before this call is stored or rejected. */
  flush(): Promise<void>;
  /** Really tries the storage. Never rejects. */
  probe(): Promise<StoreHealth>;
}
