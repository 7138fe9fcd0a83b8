/**
 * The one route table: what the local gateway, the functions, the deployed API, the OpenAPI document and the client
 * know of routes comes from here. Paths are written as API Gateway writes them: `{name+}` takes the whole rest of a path.
 */
import { MAX_BATCH_BODY_BYTES, MAX_DECODED_BODY_BYTES, MAX_EVENT_BODY_BYTES } from "#event/limits.ts";
import type { ProblemCode } from "#http/problem.ts";
import type { RouteBody, RouteResponse } from "#http/route-parts.ts";
import type { ParametersName, SchemaName } from "#http/schemas.ts";

export type FunctionName = "ingest" | "query" | "prove" | "health";

export interface Route {
  readonly method: "GET" | "POST";
  /** Such as `/events/{event_id}` or `/log/tile/{path+}`. */
  readonly path: string;
  readonly function: FunctionName;
  /** What a key must be allowed; `public` routes need none. */
  readonly scope: "write" | "read" | "export" | "verify" | "public";
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: ParametersName;
  /** Request headers that mean something here, by what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RouteBody;
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Beside those that every route has. */
  readonly problems: readonly ProblemCode[];
}

/** A query holds at most 11 lists of 20 values, of which one is of 1,024 bytes each and the rest of 256. */
const MAX_QUERY_BODY_BYTES = 512 * 1024;
const MAX_FLUSH_BODY_BYTES = 64 * 1024;

const BODY_PROBLEMS = ["malformed-json", "payload-too-large", "unsupported-media-type"] as const;
const IDEMPOTENCY_KEY =
  "id of events that name none (`<key>`, in a batch `<key>:<index>`), so that a request can be repeated";
const DUPLICATES = "how many of the accepted events had been stored before, where that is known at once";

/** `METHOD /path` is the route key of API Gateway. */
export const ROUTES = [
  {
    method: "POST",
    path: "/events",
    function: "ingest",
    scope: "write",
    operationId: "logEvent",
    summary: "Log one event",
    parameters: "none",
    headers: {
      "Idempotency-Key": IDEMPOTENCY_KEY,
      Prefer: "`return=minimal` answers with event_id and content_hash only",
    },
    body: sized("NewEvent", MAX_EVENT_BODY_BYTES),
    responses: {
      202: {
        description: "The event is durable. Sent again with the same content it is stored once",
        schema: "Event",
        headers: {
          Location: "path of the event",
          "Preference-Applied": "`return=minimal` where it was asked for",
          "audit-duplicates": DUPLICATES,
        },
      },
    },
    problems: [...BODY_PROBLEMS, "event-id-conflict", "storage-unavailable"],
  },
  {
    method: "POST",
    path: "/events/batch",
    function: "ingest",
    scope: "write",
    operationId: "logBatch",
    summary: "Log 1 to 1,000 events",
    parameters: "batch",
    headers: { "Idempotency-Key": IDEMPOTENCY_KEY },
    body: { ...sized("Batch", MAX_BATCH_BODY_BYTES), maxDecodedBytes: MAX_DECODED_BODY_BYTES },
    responses: {
      202: {
        description: "All events are durable",
        schema: "BatchReceipt",
        headers: { "audit-duplicates": DUPLICATES },
      },
      207: {
        description: "Some events are not valid; the others are durable",
        schema: "BatchReceipt",
        headers: { "audit-duplicates": DUPLICATES },
      },
    },
    problems: [...BODY_PROBLEMS, "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/events",
    function: "query",
    scope: "read",
    operationId: "findEvents",
    summary: "Find events by URL parameters",
    parameters: "query",
    responses: {
      200: {
        description: "A page of the events that match",
        schema: "EventPage",
        headers: { Link: 'the next page, `rel="next"`, where there is one' },
      },
    },
    problems: ["invalid-cursor", "use-cursor", "storage-unavailable"],
  },
  {
    method: "POST",
    path: "/events/query",
    function: "query",
    scope: "read",
    operationId: "queryEvents",
    summary: "Find events by a query in JSON",
    parameters: "none",
    body: sized("Query", MAX_QUERY_BODY_BYTES),
    responses: { 200: { description: "A page of the events that match", schema: "EventPage" } },
    problems: [...BODY_PROBLEMS, "invalid-cursor", "use-cursor", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/events/export",
    function: "query",
    scope: "export",
    operationId: "exportEvents",
    summary: "All events that match, in chunks of at most 4 MiB that joined are one file",
    parameters: "export",
    responses: {
      200: {
        description: "A chunk of whole lines; the first one of a CSV begins with the header",
        types: ["application/jsonl", "text/csv"],
        headers: { Link: 'the next chunk, `rel="next"`, where there is one' },
      },
    },
    problems: ["invalid-cursor", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/events/{event_id}",
    function: "query",
    scope: "read",
    operationId: "getEvent",
    summary: "One event by its id",
    parameters: "event",
    responses: { 200: { description: "The event", schema: "Event" } },
    problems: ["event-not-found", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/events/feed",
    function: "prove",
    scope: "export",
    operationId: "feedEvents",
    summary: "All events in the order of the log, without gaps, from any place on",
    parameters: "feed",
    responses: {
      200: {
        description: "A page of events that the published checkpoint covers, oldest first",
        schema: "FeedPage",
        headers: { Link: 'the next page, `rel="next"`, while `has_more` is true' },
      },
    },
    problems: ["storage-unavailable"],
  },
  {
    method: "GET",
    path: "/events/{event_id}/line",
    function: "prove",
    scope: "verify",
    operationId: "getLine",
    summary: "The exact stored bytes of an event, which its leaf in the log is the hash of",
    parameters: "line",
    responses: { 200: { description: "The line, without a newline", schema: "StoredLine" } },
    problems: ["event-not-found", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/events/{event_id}/proof",
    function: "prove",
    scope: "verify",
    operationId: "proveEvent",
    summary: "Proof that an event is in the log, to be checked offline",
    parameters: "proof",
    headers: { Accept: "`application/json` for the proof with its line; else text" },
    responses: {
      200: {
        description:
          "The proof: as C2SP tlog-proof writes it, or as JSON with all that checking it takes but the key",
        schema: "EventProof",
        types: ["text/plain", "application/json"],
      },
    },
    problems: ["event-not-found", "not-yet-sealed", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/log/checkpoint",
    function: "prove",
    scope: "public",
    operationId: "logCheckpoint",
    summary: "The newest published checkpoint of the log, a signed note (C2SP tlog-checkpoint)",
    parameters: "none",
    responses: { 200: { description: "The checkpoint with its signatures", types: ["text/plain"] } },
    problems: ["not-yet-sealed", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/log/vkey",
    function: "prove",
    scope: "public",
    operationId: "logKey",
    summary: "The verifier key of the log, one line (C2SP signed-note)",
    parameters: "none",
    responses: { 200: { description: "The key", types: ["text/plain"] } },
    problems: ["not-yet-sealed", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/log/vkeys",
    function: "prove",
    scope: "public",
    operationId: "logKeys",
    summary: "The verifier keys of the log, of its freshness cosigner and of its witnesses, one in each line",
    parameters: "none",
    responses: { 200: { description: "The keys", types: ["text/plain"] } },
    problems: ["not-yet-sealed", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/log/tile/{path+}",
    function: "prove",
    scope: "public",
    operationId: "logTile",
    summary: "A tile of the tree, or a bundle of its entries (C2SP tlog-tiles)",
    parameters: "none",
    responses: {
      200: { description: "The hashes or entries; they never change", types: ["application/octet-stream"] },
    },
    problems: ["route-not-found", "storage-unavailable"],
  },
  {
    method: "POST",
    path: "/flush",
    function: "query",
    scope: "write",
    operationId: "flush",
    summary: "Wait until accepted events are stored",
    parameters: "flush",
    body: { ...sized("FlushRequest", MAX_FLUSH_BODY_BYTES), isOptional: true },
    responses: {
      200: { description: "They are stored", schema: "FlushReceipt" },
      202: { description: "Some are still pending after 10 seconds", schema: "FlushReceipt" },
    },
    problems: [...BODY_PROBLEMS, "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/health",
    function: "health",
    scope: "public",
    operationId: "health",
    summary: "State of the service and of what it depends on, really probed",
    parameters: "none",
    responses: {
      200: { description: "`healthy`, or `degraded`: it serves, but a human must act", schema: "Health" },
      503: { description: "`unhealthy`: it takes no events", schema: "Health" },
    },
    problems: [],
  },
  {
    method: "GET",
    path: "/openapi.json",
    function: "query",
    scope: "public",
    operationId: "openApi",
    summary: "This document",
    parameters: "none",
    responses: { 200: { description: "OpenAPI 3.1" } },
    problems: [],
  },
] as const satisfies readonly Route[];

function sized(schema: SchemaName, maxBytes: number): RouteBody {
  return { schema, maxWireBytes: maxBytes, maxDecodedBytes: maxBytes, isOptional: false };
}

type TableEntry = (typeof ROUTES)[number];
/** Routes of one function, as keys of API Gateway. */
export type RouteKeyOf<Name extends FunctionName> = TableEntry extends infer Entry
  ? Entry extends { readonly function: Name; readonly method: infer Method; readonly path: infer Path }
    ? `${Method & string} ${Path & string}`
    : never
  : never;
