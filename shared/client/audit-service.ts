/**
 * The audit log as an application sees it: one interface, kept by the in-process library and by the client over HTTP,
 * so that moving from one to the other changes a single line. Results have the shape of the HTTP API.
 */
import type { AuditEventDraft, StoredAuditEvent } from "#event/audit-event.ts";
import type { AuditEventBuilder } from "#event/event-builder.ts";
import type { AuditErrorCode, FieldError } from "#lib/errors.ts";
import type { AuditQueryDraft } from "#query/audit-query.ts";

/** An event to log: a plain object, or a builder that is built when it is logged. */
export type LoggableEvent = AuditEventDraft | AuditEventBuilder;

export interface LogReceipt {
  /** The id that the event is stored under: its own, or the one it was given. */
  readonly event_id: string;
}

/** What became of one event of a batch. */
export interface BatchEntry {
  /** Place in the batch, from 0. */
  readonly index: number;
  readonly status: "accepted" | "rejected";
  readonly event_id?: string | undefined;
  readonly code?: AuditErrorCode | undefined;
  /** Paths are JSON Pointers into the event. */
  readonly errors?: readonly FieldError[] | undefined;
}

export interface BatchReceipt {
  readonly events_logged: number;
  /** Ids of the accepted events, in order. */
  readonly event_ids: readonly string[];
  readonly results: readonly BatchEntry[];
  /** Accepted events that had been stored before; undefined where the service does not know at once. Not on the wire. */
  readonly duplicates?: number | undefined;
}

export interface BatchOptions {
  /** Accept all or nothing, as far as validation goes. @default false */
  readonly atomic?: boolean;
}

export interface EventPage {
  readonly events: readonly StoredAuditEvent[];
  /** Only `false` is the end: a page may hold fewer events than asked for, even none. */
  readonly has_more: boolean;
  /** Give it as `cursor` for the next page; null at the end. */
  readonly next_cursor: string | null;
  /** Matches in all; null unless known for free, or asked for and at most 10,000. */
  readonly total_count: number | null;
  readonly query_duration_ms: number;
  /** How the page was found and what it cost; only with `explain`. */
  readonly plan?: unknown;
}

export interface GetOptions {
  /** Where no keys are configured: whose event. @default "default" */
  readonly tenantId?: string | undefined;
}

export interface ProofOptions extends GetOptions {
  /** Seconds to wait for the event to be stored and sealed, 1 to 20. @default not at all */
  readonly waitS?: number | undefined;
}

/** That an event is in the log. Together with the verifier key of the log it is a receipt that can be checked offline. */
export interface EventProof {
  readonly event_id: string;
  /** Place of the event in the log, from 0. */
  readonly leaf_index: number;
  /** Leaves that the checkpoint covers. */
  readonly log_size: number;
  /** Base64, as the hashes: RFC 6962 leaf hash of the SHA-256 of the line. */
  readonly leaf_hash: string;
  /** From the sibling of the leaf up to the child of the root. */
  readonly hashes: readonly string[];
  /** A signed note (C2SP tlog-checkpoint). */
  readonly checkpoint: string;
  /** All of it as C2SP tlog-proof writes it. */
  readonly proof: string;
  /** The exact stored line. */
  readonly line: string;
  readonly content_hash: string;
}

export interface FeedOptions extends GetOptions {
  /** Begin behind this leaf: the `leaf_index` of the last event that was handled. @default the beginning of the log */
  readonly after?: number | undefined;
  /** Events fetched at once, 1 to 1,000. @default 100 */
  readonly limit?: number | undefined;
  /** Do not end at the end of the log, but wait for what comes. @default false */
  readonly follow?: boolean | undefined;
  /**
   * Told which leaves of a page have no line that can be read (damaged, in quarantine, erased), ascending, before the events
   * of that page: each may be an event of any tenant. @default they are passed over
   */
  readonly onUnreadable?: ((leaves: readonly number[]) => void) | undefined;
}

/** An event with its place in the log. */
export interface FeedEvent extends StoredAuditEvent {
  readonly leaf_index: number;
}

export type ExportFormat = "jsonl" | "csv";

export interface FlushReceipt {
  readonly status: "flushed" | "pending";
  /** Events that were not stored yet. */
  readonly pending?: number | undefined;
}

export interface HealthReport {
  /** `degraded`: serves, but a human must act; `unhealthy`: takes no events. */
  readonly status: "healthy" | "degraded" | "unhealthy";
  /** RFC 3339 UTC. */
  readonly timestamp?: string | undefined;
  /** Facts about each part: service, storage, queue and so on. */
  readonly [part: string]: unknown;
}

/**
 * An audit log to write to and to search. All methods throw AuditServiceError with the code `closed` after `close()`.
 *
 * @example
 * ```ts
 * import { createAuditService } from "audit-service";
 *
 * await using audit = await createAuditService({ filePath: "logs/audit.jsonl", serviceName: "shop" });
 * await audit.log(audit.event().action("user_login").user("alice"));
 * const page = await audit.query({ user_ids: ["alice"], limit: 10 });
 * console.log(page.events.length);
 * ```
 */
export interface AuditService extends AsyncDisposable {
  /** An empty builder that knows the default service name. */
  event(): AuditEventBuilder;

  /**
   * Logs one event; resolves when it is durable. Its content is taken at the call: later changes do not reach it.
   * @throws AuditValidationError `validation-failed`, `payload-too-large`, `event-id-conflict`
   * @throws AuditQueueError `overloaded`: too much is waiting
   * @throws AuditStorageError `storage-unavailable`: it cannot be made durable now
   */
  log(event: LoggableEvent): Promise<LogReceipt>;

  /**
   * Logs 1 to 1,000 events; resolves when the valid ones are durable. `results` names the others and why.
   * @throws AuditValidationError `validation-failed` where none is valid, or where one is not and `atomic` is asked;
   *   `details.results` then says why
   * @throws AuditServiceError as `log`
   */
  logBatch(events: readonly LoggableEvent[], options?: BatchOptions): Promise<BatchReceipt>;

  /**
   * One page of the events that match; without a query, of all, newest first.
   * @throws AuditValidationError `validation-failed`
   * @throws AuditQueryError `invalid-cursor`, `use-cursor`
   */
  query(query?: AuditQueryDraft): Promise<EventPage>;

  /** The event with this id, or undefined. */
  get(eventId: string, options?: GetOptions): Promise<StoredAuditEvent | undefined>;

  /**
   * Every event that matches, as text in chunks that end at a line end. `limit` counts per chunk.
   * @throws AuditValidationError `validation-failed`
   */
  exportEvents(query?: AuditQueryDraft, format?: ExportFormat): AsyncIterable<string>;

  /**
   * The proof that an event is in the log; undefined where no event is stored under this id.
   * @throws AuditQueryError `not-yet-sealed` (retryable): it is stored, and soon will be in the log
   */
  proof(eventId: string, options?: ProofOptions): Promise<EventProof | undefined>;

  /** The exact stored line of an event, which its leaf in the log is the hash of; undefined where there is none. */
  line(eventId: string, options?: GetOptions): Promise<string | undefined>;

  /**
   * Every event of the log, in its order and without gaps, as far as it is sealed.
   * @throws AuditValidationError `validation-failed`, also where the log has no leaf `after`
   */
  feed(options?: FeedOptions): AsyncIterable<FeedEvent>;

  /** Resolves when everything logged before the call is stored, or after 10 s with status `pending`. */
  flush(): Promise<FlushReceipt>;

  /** The state of the service, really probed. */
  health(): Promise<HealthReport>;

  /** Waits for what is under way, then lets go of files and connections. Events that were not durable are refused. */
  close(): Promise<void>;
}
