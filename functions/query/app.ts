/** The query function: finds, exports and flushes, describes the API, and answers for routes that do not exist. */
import type { ApiAnswer, ApiRequest, HttpFunction } from "#functions/middleware.ts";
import { createHttpFunction, textOf } from "#functions/middleware.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { readJson, readJsonBody } from "#http/json-body.ts";
import type { QueryPairs } from "#http/query-string.ts";
import { invalidParameter, parseQueryString, readParameters, takeParameter } from "#http/query-string.ts";
import { resolveRoute, unmatchedError } from "#http/resolve-route.ts";
import {
  EventParameters,
  FlushParameters,
  FlushRequest as FlushBody,
  NoParameters,
} from "#http/parameters.ts";
import { AuditQueryError } from "#lib/errors.ts";
import { parseQuery, parseQueryParameters, queryTenant } from "#query/audit-query.ts";
import type { ExportChunk, ExportFormat, ExportRequest } from "#service/export.ts";
import { EXPORT_FORMATS } from "#service/export.ts";
import type { Find } from "#service/find.ts";
import { foundPageJson } from "#service/find.ts";
import type { FlushOutcome, FlushRequest } from "#service/flush.ts";

export interface QueryDependencies {
  readonly find: Find;
  readonly exportChunk: (request: ExportRequest) => Promise<ExportChunk>;
  readonly flush: (request: FlushRequest) => Promise<FlushOutcome>;
  /** The OpenAPI document as JSON text. */
  readonly openApiJson: () => string;
  readonly telemetry: Telemetry;
}

/** Tenant of the caller's key: no keys are configured. */
const KEY_TENANT = undefined;
const EXPORT_TYPES = { jsonl: "application/jsonl", csv: "text/csv; charset=utf-8" } as const;
const MAX_SHOWN_CHARACTERS = 64;

export function createQuery(dependencies: QueryDependencies): HttpFunction {
  const { find, exportChunk, flush, openApiJson, telemetry } = dependencies;
  const findEvents = async (request: ApiRequest): Promise<ApiAnswer> => {
    const pairs = parseQueryString(request.rawQueryString);
    const query = parseQueryParameters(pairs);
    const page = await find.page({ tenantId: queryTenant(query, KEY_TENANT), query });
    const headers = page.next_cursor === null ? {} : { link: nextLink("/events", pairs, page.next_cursor) };
    return { statusCode: 200, headers, body: foundPageJson(page) };
  };

  const queryEvents = async (request: ApiRequest): Promise<ApiAnswer> => {
    readParameters(NoParameters, parseQueryString(request.rawQueryString));
    const query = parseQuery(readJson(textOf(request)));
    const page = await find.page({ tenantId: queryTenant(query, KEY_TENANT), query });
    return { statusCode: 200, body: foundPageJson(page) };
  };

  const getEvent = async (request: ApiRequest): Promise<ApiAnswer> => {
    const eventId = request.pathParameters?.["event_id"] ?? "";
    refuseFixedPath(request, eventId);
    const parameters = readParameters(EventParameters, parseQueryString(request.rawQueryString));
    const tenantId = queryTenant(parseQuery({ tenant_id: parameters.tenant_id }), KEY_TENANT);
    const json = await find.byId({ tenantId, eventId }, (parameters.wait ?? 0) * 1000);
    if (json !== undefined) return { statusCode: 200, body: json };
    const shown = JSON.stringify(eventId.slice(0, MAX_SHOWN_CHARACTERS));
    throw new AuditQueryError("event-not-found", `no event is stored under the id ${shown}`);
  };

  const exportEvents = async (request: ApiRequest): Promise<ApiAnswer> => {
    const pairs = parseQueryString(request.rawQueryString);
    const { value: format = "jsonl", rest } = takeParameter(pairs, "format");
    if (!isExportFormat(format))
      throw invalidParameter("format", `is not one of ${EXPORT_FORMATS.join(", ")}`);
    const query = parseQueryParameters(rest);
    const maxEvents = rest.some(([name]) => name === "limit") ? query.limit : undefined;
    const tenantId = queryTenant(query, KEY_TENANT);
    const { text, nextCursor } = await exportChunk({ tenantId, query, format, maxEvents });
    const link = nextCursor === null ? {} : { link: nextLink("/events/export", pairs, nextCursor) };
    return { statusCode: 200, headers: { "content-type": EXPORT_TYPES[format], ...link }, body: text };
  };

  const flushEvents = async (request: ApiRequest): Promise<ApiAnswer> => {
    const parameters = readParameters(FlushParameters, parseQueryString(request.rawQueryString));
    const tenantId = queryTenant(parseQuery({ tenant_id: parameters.tenant_id }), KEY_TENANT);
    const { event_ids: eventIds = [] } = readJsonBody(FlushBody, textOf(request));
    const outcome = await flush({ tenantId, eventIds });
    return { statusCode: outcome.status === "flushed" ? 200 : 202, body: JSON.stringify(outcome) };
  };

  return createHttpFunction<"query">({
    handlers: {
      "GET /events": findEvents,
      "POST /events/query": queryEvents,
      "GET /events/export": exportEvents,
      "GET /events/{event_id}": getEvent,
      "POST /flush": flushEvents,
      "GET /openapi.json": (request) => {
        readParameters(NoParameters, parseQueryString(request.rawQueryString));
        return { statusCode: 200, body: openApiJson() };
      },
    },
    telemetry,
  });
}

/**
 * API Gateway takes GET on a fixed path that has no GET, such as /events/batch, for this route.
 * @throws AuditServiceError `method-not-allowed`
 */
function refuseFixedPath({ requestContext: { http } }: ApiRequest, eventId: string): void {
  const path = `/events/${encodeURIComponent(eventId)}`;
  const match = resolveRoute(http.method, path);
  if (match.kind === "method-not-allowed") throw unmatchedError(match, { method: http.method, path });
}

/** RFC 8288, with a path that leads on from wherever the service is reached. */
function nextLink(path: string, pairs: QueryPairs, cursor: string): string {
  const kept = pairs.filter(([name]) => name !== "cursor" && name !== "offset");
  const search = [...kept, ["cursor", cursor] as const]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  return `<${path}?${search}>; rel="next"`;
}

function isExportFormat(text: string): text is ExportFormat {
  return text === "jsonl" || text === "csv";
}
