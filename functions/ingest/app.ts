/** The ingest function: takes events, one or many, and answers only when they are durable. */
import { DEFAULT_TENANT } from "#event/audit-event.ts";
import type { ApiAnswer, ApiRequest, HttpFunction } from "#functions/middleware.ts";
import { createHttpFunction, textOf } from "#functions/middleware.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { parseQueryString, readParameters } from "#http/query-string.ts";
import { BatchParameters, NoParameters } from "#http/parameters.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import { parseStrictJson } from "#lib/strict-json.ts";
import type { Accept, AcceptedBatch, AcceptOptions } from "#service/accept.ts";
import type { BatchResult } from "#service/prepare-batch.ts";

export interface IngestDependencies {
  readonly accept: Accept;
  /** Whether it is known at once that an event is stored already; else answers say nothing of it. */
  readonly knowsStored: boolean;
  readonly telemetry: Telemetry;
}

const MINIMAL = "return=minimal";

export function createIngest({ accept, knowsStored, telemetry }: IngestDependencies): HttpFunction {
  const duplicates = (count: number): Readonly<Record<string, string>> =>
    knowsStored ? { "audit-duplicates": String(count) } : {};

  const logEvent = async (request: ApiRequest): Promise<ApiAnswer> => {
    readParameters(NoParameters, parseQueryString(request.rawQueryString));
    const { value, problems } = parseStrictJson(textOf(request));
    const accepted = await accept.one(value, { ...acceptOptions(request), problems });
    const isMinimal = prefersMinimal(request.headers["prefer"]);
    return {
      statusCode: 202,
      headers: {
        location: locationOf(accepted.eventId, value),
        ...duplicates(accepted.isDuplicate ? 1 : 0),
        ...(isMinimal ? { "preference-applied": MINIMAL } : {}),
      },
      body: isMinimal
        ? `{"event_id":"${accepted.eventId}","content_hash":"${accepted.contentHash}"}`
        : accepted.json,
    };
  };

  const logBatch = async (request: ApiRequest): Promise<ApiAnswer> => {
    const { atomic } = readParameters(BatchParameters, parseQueryString(request.rawQueryString));
    const batch = await accept.batch(
      { text: textOf(request) },
      { ...acceptOptions(request), isAtomic: atomic },
    );
    return {
      statusCode: batch.eventIds.length === batch.results.length ? 202 : 207,
      headers: duplicates(batch.duplicateCount),
      body: batchJson(batch),
    };
  };

  return createHttpFunction<"ingest">({
    handlers: { "POST /events": logEvent, "POST /events/batch": logBatch },
    telemetry,
  });
}

function acceptOptions(request: ApiRequest): AcceptOptions {
  return {
    caller: { tenantId: undefined }, // no keys are configured
    idempotencyKey: request.headers["idempotency-key"],
  };
}

/** RFC 7240: preferences are separated by commas, their parameters by semicolons. */
function prefersMinimal(header: string | undefined): boolean {
  if (header === undefined) return false;
  return header.split(",").some((preference) => {
    const [name = ""] = preference.split(";");
    return /^return\s*=\s*"?minimal"?$/i.test(name.trim());
  });
}

/** Where the event is found: outside the default tenant only with its name. */
function locationOf(eventId: string, input: unknown): string {
  const tenant = isPlainObject(input) ? input["tenant_id"] : undefined;
  const isElsewhere = typeof tenant === "string" && tenant !== "" && tenant !== DEFAULT_TENANT;
  return isElsewhere ? `/events/${eventId}?tenant_id=${tenant}` : `/events/${eventId}`;
}

/** Written by hand, because most results say the same; ids need no escaping. */
function batchJson({ results, eventIds }: AcceptedBatch): string {
  const ids = eventIds.length === 0 ? "" : `"${eventIds.join('","')}"`;
  let list = "";
  for (const result of results) list += (list === "" ? "" : ",") + resultJson(result);
  return `{"events_logged":${eventIds.length},"event_ids":[${ids}],"results":[${list}]}`;
}

function resultJson(result: BatchResult): string {
  if (result.status === "rejected" || result.event_id === undefined) return JSON.stringify(result);
  return `{"index":${result.index},"status":"accepted","event_id":"${result.event_id}"}`;
}
