/**
 * The one route table: what the local gateway, the functions, the deployed API, the OpenAPI document and the client
 * know of routes comes from here; what only the document says of them is in route-docs.ts, so that no function carries it.
 * Paths are written as API Gateway writes them: `{name+}` takes the whole rest of a path.
 */
import { MAX_BATCH_BODY_BYTES, MAX_DECODED_BODY_BYTES, MAX_EVENT_BODY_BYTES } from "#event/limits.ts";
import type { RouteBody } from "#http/route-parts.ts";
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
  readonly parameters: ParametersName;
  readonly body?: RouteBody;
}

/** A query holds at most 11 lists of 20 values, of which one is of 1,024 bytes each and the rest of 256. */
const MAX_QUERY_BODY_BYTES = 512 * 1024;
const MAX_FLUSH_BODY_BYTES = 64 * 1024;

/** `METHOD /path` is the route key of API Gateway. */
export const ROUTES = [
  {
    method: "POST",
    path: "/events",
    function: "ingest",
    scope: "write",
    operationId: "logEvent",
    parameters: "none",
    body: sized("NewEvent", MAX_EVENT_BODY_BYTES),
  },
  {
    method: "POST",
    path: "/events/batch",
    function: "ingest",
    scope: "write",
    operationId: "logBatch",
    parameters: "batch",
    body: { ...sized("Batch", MAX_BATCH_BODY_BYTES), maxDecodedBytes: MAX_DECODED_BODY_BYTES },
  },
  {
    method: "GET",
    path: "/events",
    function: "query",
    scope: "read",
    operationId: "findEvents",
    parameters: "query",
  },
  {
    method: "POST",
    path: "/events/query",
    function: "query",
    scope: "read",
    operationId: "queryEvents",
    parameters: "none",
    body: sized("Query", MAX_QUERY_BODY_BYTES),
  },
  {
    method: "GET",
    path: "/events/export",
    function: "query",
    scope: "export",
    operationId: "exportEvents",
    parameters: "export",
  },
  {
    method: "GET",
    path: "/events/{event_id}",
    function: "query",
    scope: "read",
    operationId: "getEvent",
    parameters: "event",
  },
  {
    method: "GET",
    path: "/events/feed",
    function: "prove",
    scope: "export",
    operationId: "feedEvents",
    parameters: "feed",
  },
  {
    method: "GET",
    path: "/events/{event_id}/line",
    function: "prove",
    scope: "verify",
    operationId: "getLine",
    parameters: "line",
  },
  {
    method: "GET",
    path: "/events/{event_id}/proof",
    function: "prove",
    scope: "verify",
    operationId: "proveEvent",
    parameters: "proof",
  },
  {
    method: "GET",
    path: "/log/checkpoint",
    function: "prove",
    scope: "public",
    operationId: "logCheckpoint",
    parameters: "none",
  },
  {
    method: "GET",
    path: "/log/vkey",
    function: "prove",
    scope: "public",
    operationId: "logKey",
    parameters: "none",
  },
  {
    method: "GET",
    path: "/log/vkeys",
    function: "prove",
    scope: "public",
    operationId: "logKeys",
    parameters: "none",
  },
  {
    method: "GET",
    path: "/log/tile/{path+}",
    function: "prove",
    scope: "public",
    operationId: "logTile",
    parameters: "none",
  },
  {
    method: "POST",
    path: "/flush",
    function: "query",
    scope: "write",
    operationId: "flush",
    parameters: "flush",
    body: { ...sized("FlushRequest", MAX_FLUSH_BODY_BYTES), isOptional: true },
  },
  {
    method: "GET",
    path: "/health",
    function: "health",
    scope: "public",
    operationId: "health",
    parameters: "none",
  },
  {
    method: "GET",
    path: "/openapi.json",
    function: "query",
    scope: "public",
    operationId: "openApi",
    parameters: "none",
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

/** Every route, by its key. */
export type RouteKey = RouteKeyOf<FunctionName>;
