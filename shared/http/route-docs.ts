/** What the OpenAPI document says of each route in words, and which answers it can give: nothing that a function needs. */
import type { ProblemCode } from "#http/problem.ts";
import type { RouteResponse } from "#http/route-parts.ts";
import type { RouteKey } from "#http/route-table.ts";

export interface RouteDocs {
  readonly summary: string;
  /** Request headers that mean something here, by what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly responses: Readonly<Record<number, RouteResponse>>;
  /** Beside those that every route has. */
  readonly problems: readonly ProblemCode[];
}

const BODY_PROBLEMS = ["malformed-json", "payload-too-large", "unsupported-media-type"] as const;
const IDEMPOTENCY_KEY =
  "id of events that name none (`<key>`, in a batch `<key>:<index>`), so that a request can be repeated";
const DUPLICATES = "how many of the accepted events had been stored before, where that is known at once";

export const ROUTE_DOCS: Readonly<Record<RouteKey, RouteDocs>> = {
  "POST /events": {
    summary: "Log one event",
    headers: {
      "Idempotency-Key": IDEMPOTENCY_KEY,
      Prefer: "`return=minimal` answers with event_id and content_hash only",
    },
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
  "POST /events/batch": {
    summary: "Log 1 to 1,000 events",
    headers: { "Idempotency-Key": IDEMPOTENCY_KEY },
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
  "GET /events": {
    summary: "Find events by URL parameters",
    responses: {
      200: {
        description: "A page of the events that match",
        schema: "EventPage",
        headers: { Link: 'the next page, `rel="next"`, where there is one' },
      },
    },
    problems: ["invalid-cursor", "use-cursor", "storage-unavailable"],
  },
  "POST /events/query": {
    summary: "Find events by a query in JSON",
    responses: { 200: { description: "A page of the events that match", schema: "EventPage" } },
    problems: [...BODY_PROBLEMS, "invalid-cursor", "use-cursor", "storage-unavailable"],
  },
  "GET /events/export": {
    summary: "All events that match, in chunks of at most 4 MiB that joined are one file",
    responses: {
      200: {
        description: "A chunk of whole lines; the first one of a CSV begins with the header",
        types: ["application/jsonl", "text/csv"],
        headers: { Link: 'the next chunk, `rel="next"`, where there is one' },
      },
    },
    problems: ["invalid-cursor", "storage-unavailable"],
  },
  "GET /events/{event_id}": {
    summary: "One event by its id",
    responses: { 200: { description: "The event", schema: "Event" } },
    problems: ["event-not-found", "storage-unavailable"],
  },
  "GET /events/feed": {
    summary: "All events in the order of the log, from any place on; leaves that cannot be read are named",
    responses: {
      200: {
        description: "A page of events that the published checkpoint covers, oldest first",
        schema: "FeedPage",
        headers: { Link: 'the next page, `rel="next"`, while `has_more` is true' },
      },
    },
    problems: ["storage-unavailable"],
  },
  "GET /events/{event_id}/line": {
    summary: "The exact stored bytes of an event, which its leaf in the log is the hash of",
    responses: { 200: { description: "The line, without a newline", schema: "StoredLine" } },
    problems: ["event-not-found", "storage-unavailable"],
  },
  "GET /events/{event_id}/proof": {
    summary: "Proof that an event is in the log, to be checked offline",
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
  "GET /log/checkpoint": {
    summary: "The newest published checkpoint of the log, a signed note (C2SP tlog-checkpoint)",
    responses: { 200: { description: "The checkpoint with its signatures", types: ["text/plain"] } },
    problems: ["not-yet-sealed", "storage-unavailable"],
  },
  "GET /log/vkey": {
    summary: "The verifier key of the log, one line (C2SP signed-note)",
    responses: { 200: { description: "The key", types: ["text/plain"] } },
    problems: ["not-yet-sealed", "storage-unavailable"],
  },
  "GET /log/vkeys": {
    summary: "The verifier keys of the log, of its freshness cosigner and of its witnesses, one in each line",
    responses: { 200: { description: "The keys", types: ["text/plain"] } },
    problems: ["not-yet-sealed", "storage-unavailable"],
  },
  "GET /log/tile/{path+}": {
    summary: "A tile of the tree, or a bundle of its entries (C2SP tlog-tiles)",
    responses: {
      200: { description: "The hashes or entries; they never change", types: ["application/octet-stream"] },
    },
    problems: ["route-not-found", "storage-unavailable"],
  },
  "POST /flush": {
    summary: "Wait until accepted events are stored",
    responses: {
      200: { description: "They are stored", schema: "FlushReceipt" },
      202: { description: "Some are still pending after 10 seconds", schema: "FlushReceipt" },
    },
    problems: [...BODY_PROBLEMS, "storage-unavailable"],
  },
  "GET /health": {
    summary: "State of the service and of what it depends on, really probed",
    responses: {
      200: { description: "`healthy`, or `degraded`: it serves, but a human must act", schema: "Health" },
      503: { description: "`unhealthy`: it takes no events", schema: "Health" },
    },
    problems: [],
  },
  "GET /openapi.json": {
    summary: "This document",
    responses: { 200: { description: "OpenAPI 3.1" } },
    problems: [],
  },
};
