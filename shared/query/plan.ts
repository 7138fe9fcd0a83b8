/** The plan of a query: which access path answers it, what is left to check, in which order, from where. Plain data. */
import type { Category, Level } from "#event/audit-event.ts";
import type { Instant } from "#lib/instant.ts";

/** Filters of a query, normalised: AND across members, OR within a list. Absent means unrestricted. */
export interface EventFilter {
  readonly service_names?: readonly string[];
  readonly user_ids?: readonly string[];
  readonly levels?: readonly Level[];
  readonly categories?: readonly Category[];
  readonly actions?: readonly string[];
  readonly resource_types?: readonly string[];
  readonly resource_ids?: readonly string[];
  readonly request_ids?: readonly string[];
  readonly session_ids?: readonly string[];
  readonly error_codes?: readonly string[];
  readonly trace_ids?: readonly string[];
  /** Already in lower case. */
  readonly message_contains?: string;
}

/** Filters that take a list of values, in the contract's order. */
export const LIST_FILTER_NAMES = [
  "service_names",
  "user_ids",
  "levels",
  "categories",
  "actions",
  "resource_types",
  "resource_ids",
  "request_ids",
  "session_ids",
  "error_codes",
  "trace_ids",
] as const satisfies readonly (keyof EventFilter)[];

/** All filters, in the contract's order. */
export const FILTER_NAMES = [
  ...LIST_FILTER_NAMES,
  "message_contains",
] as const satisfies readonly (keyof EventFilter)[];

/** How the store gets at candidates: by time alone, or by time within some values of one member. */
export type AccessPath =
  | { readonly kind: "timeline" }
  | { readonly kind: "service" | "user" | "resource"; readonly values: readonly string[] };

/** A place in the total order (timestamp, then event_id by UTF-16 code units). */
export interface Position {
  readonly instant: Instant;
  readonly eventId: string;
}

export interface QueryPlan {
  readonly tenantId: string;
  readonly access: AccessPath;
  /** Every filter of the query, also the one that the access path uses: equality is re-checked on the line. */
  readonly filter: EventFilter;
  /** Names of the filters that the access path does not answer, in the contract's order. */
  readonly residual: readonly (keyof EventFilter)[];
  /** Inclusive bounds of the timestamp. */
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly isDescending: boolean;
  /** Matches to return at most, 1–1000. */
  readonly limit: number;
  /** Return only what lies strictly behind this place in the order. */
  readonly after: Position | undefined;
  /** Matches to pass over first, 0–10,000. */
  readonly skip: number;
}
