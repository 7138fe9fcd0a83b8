/**
 * Bodies and parameters of the HTTP API as the OpenAPI document shows them. Only that imports this module as a value: events,
 * queries and the few other inputs are checked by modules of their own, and building these costs a function's start.
 */
import * as z from "zod";
import { AuditEventInput, Category, EventId, Level, TenantId, Timestamp } from "#event/audit-event.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import {
  BatchParameters,
  EventParameters,
  FeedParameters,
  FlushParameters,
  FlushRequest,
  LineParameters,
  NoParameters,
  ProofParameters,
} from "#http/parameters.ts";
import type { ProblemCode } from "#http/problem.ts";
import { PROBLEMS } from "#http/problem.ts";
import { AuditQuery } from "#query/audit-query.ts";
import { EXPORT_FORMATS } from "#service/export.ts";

const ContentHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: "SHA-256 of the event's canonical content, lower-case hexadecimal" });

const FieldError = z.object({
  path: z.string().meta({ description: "JSON Pointer into the input; empty for the whole" }),
  message: z.string(),
});

// cast: Object.keys forgets that the keys of a record are its key type.
const CODES = Object.keys(PROBLEMS) as ProblemCode[];

const StoredEvent = AuditEventInput.extend({
  content_hash: ContentHash,
  event_id: EventId,
  timestamp: Timestamp,
  level: Level,
  category: Category,
  message: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  tenant_id: TenantId,
  received_at: z.string().meta({ format: "date-time", description: "when the service accepted it, UTC" }),
  conflicts: z
    .array(z.string())
    .optional()
    .meta({ description: "ids under which other content sent with the same id is kept; the first 100" }),
});

const Leaf = z.int().min(0).meta({ description: "its place in the log, from 0" });
const Hash = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .meta({ description: "32 bytes in base64" });

const BatchResult = z.object({
  index: z.int(),
  status: z.enum(["accepted", "rejected"]),
  event_id: EventId.optional(),
  code: z.enum(["validation-failed", "event-id-conflict", "payload-too-large"]).optional(),
  errors: z.array(FieldError).optional().meta({ description: "paths are JSON Pointers into the event" }),
});

const Plan = z.object({
  access_path: z.enum(["timeline", "service", "user", "resource"]),
  access_values: z.array(z.string()),
  filters_left: z.array(z.string()).meta({ description: "filters checked on every event the path yields" }),
  order: z.enum(["timestamp ascending", "timestamp descending"]),
  entries_read: z.int(),
  lines_read: z.int(),
  bytes_read: z.int(),
  units_read: z.number().optional().meta({ description: "read units billed, where the store bills them" }),
  round_trips: z.int().optional().meta({ description: "calls to the store that had to wait for each other" }),
});

const HealthStatus = z.enum(["healthy", "degraded", "unhealthy"]);
const PartHealth = z.looseObject({ status: HealthStatus, problems: z.array(z.string()).optional() });

/** Components of the OpenAPI document, by name. */
export const SCHEMAS = {
  NewEvent: AuditEventInput,
  Event: StoredEvent,
  MinimalReceipt: z.object({ event_id: EventId, content_hash: ContentHash }),
  Batch: z.strictObject({ events: z.array(AuditEventInput).min(1).max(MAX_BATCH_EVENTS) }),
  FieldError,
  BatchResult,
  BatchReceipt: z.object({
    events_logged: z.int().meta({ description: "number of accepted results" }),
    event_ids: z.array(EventId).meta({ description: "ids of the accepted results, in order" }),
    results: z.array(BatchResult),
  }),
  Query: AuditQuery,
  EventPage: z.object({
    events: z.array(StoredEvent),
    has_more: z.boolean().meta({
      description: "only false is the end: a page may hold fewer events than limit, even none",
    }),
    next_cursor: z.string().nullable(),
    total_count: z.int().nullable().meta({
      description:
        "exact where it is known for free, or asked for by include_total and at most 10,000; else null. On AWS also null where counting takes more than 20,000 index entries, 10,000 lines or 8 s",
    }),
    query_duration_ms: z.number(),
    plan: Plan.optional(),
  }),
  FeedPage: z.object({
    events: z.array(StoredEvent.extend({ leaf_index: Leaf })),
    unreadable_leaves: z.array(Leaf).meta({
      description:
        "leaves of the page whose line cannot be read (damaged, in quarantine, erased), ascending; each may be an event of any tenant. No leaf is passed without a word",
    }),
    next_after: z.int().min(-1).meta({ description: "`after` of the next page" }),
    has_more: z.boolean().meta({
      description: "only false is the end: a page may hold fewer events than limit, even none",
    }),
    log_size: z.int().meta({ description: "leaves of the published log" }),
  }),
  StoredLine: z.looseObject({
    _v: z.int().meta({ description: "version of the form of the line" }),
    _salt: z.string(),
    _defaulted: z.array(z.string()).meta({ description: "members that the service filled in" }),
  }),
  EventProof: z.object({
    event_id: z.string(),
    leaf_index: Leaf,
    log_size: z.int().meta({ description: "leaves that the checkpoint covers" }),
    leaf_hash: Hash,
    hashes: z.array(Hash).meta({ description: "from the sibling of the leaf up to the child of the root" }),
    checkpoint: z.string().meta({ description: "a signed note (C2SP tlog-checkpoint)" }),
    proof: z.string().meta({ description: "all of it as C2SP tlog-proof writes it" }),
    line: z.string().meta({ description: "the exact stored line: the leaf is over its SHA-256" }),
    content_hash: ContentHash,
  }),
  FlushRequest,
  FlushReceipt: z.object({
    status: z.enum(["flushed", "pending"]),
    pending: z.int().optional().meta({ description: "how many of event_ids are not stored yet" }),
  }),
  Health: z.object({
    status: HealthStatus,
    timestamp: z.string().meta({ format: "date-time" }),
    service: PartHealth,
    storage: PartHealth,
    queue: PartHealth,
    archive: PartHealth,
    log: PartHealth,
    unaccounted_events: z.int().nullable().meta({
      description: "accepted events that are neither stored nor about to be; 0 when healthy",
    }),
  }),
  Problem: z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum(CODES).meta({ description: "stable; what programs look at" }),
    errors: z.array(FieldError).optional(),
    request_id: z.string(),
  }),
} as const;
export type SchemaName = keyof typeof SCHEMAS;

const QueryParameters = z.strictObject(AuditQuery.shape);

const {
  limit: _limit,
  offset: _offset,
  include_total: _total,
  explain: _explain,
  ...exported
} = AuditQuery.shape;
const ExportParameters = z.strictObject({
  ...exported,
  limit: AuditQuery.shape.limit
    .unwrap()
    .optional()
    .meta({ description: "events in a chunk at most; default as many as fit in 4 MiB" }),
  format: z.enum(EXPORT_FORMATS).default("jsonl"),
});

/** Parameters of routes, by the names that the route table uses. */
export const PARAMETERS = {
  none: NoParameters,
  batch: BatchParameters,
  event: EventParameters,
  line: LineParameters,
  proof: ProofParameters,
  feed: FeedParameters,
  flush: FlushParameters,
  query: QueryParameters,
  export: ExportParameters,
} as const;
export type ParametersName = keyof typeof PARAMETERS;
