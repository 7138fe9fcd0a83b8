/** The ingest function: takes events, one or many, and answers only when they are durable. */
import { DEFAULT_TENANT } from "#event/audit-event.ts";
import type { ApiAnswer, ApiRequest, HttpFunction } from "#functions/middleware.ts";
import { bodyOf, createHttpFunction } from "#functions/middleware.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { parseQueryString, readParameters } from "#http/query-string.ts";
import { BatchParameters, NoParameters } from "#http/schemas.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { childPointer } from "#lib/json-pointer.ts";
import type { Accept, AcceptedBatch, AcceptOptions, BatchResult } from "#service/accept.ts";

export interface IngestDependencies {
  readonly accept: Accept;
  readonly telemetry: Telemetry;
}

const DUPLICATES = "audit-duplicates";
const MINIMAL = "return=minimal";
const MAX_SHOWN_CHARACTERS = 64;

export function createIngest({ accept, telemetry }: IngestDependencies): HttpFunction {
  const logEvent = async (request: ApiRequest): Promise<ApiAnswer> => {
    readParameters(NoParameters, parseQueryString(request.rawQueryString));
    const { value } = bodyOf(request);
    const accepted = await accept.one(value, acceptOptions(request));
    const isMinimal = prefersMinimal(request.headers["prefer"]);
    return {
      statusCode: 202,
      headers: {
        location: locationOf(accepted.eventId, value),
        [DUPLICATES]: accepted.isDuplicate ? "1" : "0",
        ...(isMinimal ? { "preference-applied": MINIMAL } : {}),
      },
      body: isMinimal
        ? `{"event_id":"${accepted.eventId}","content_hash":"${accepted.contentHash}"}`
        : accepted.json,
    };
  };

  const logBatch = async (request: ApiRequest): Promise<ApiAnswer> => {
    const { atomic } = readParameters(BatchParameters, parseQueryString(request.rawQueryString));
    const inputs = batchEvents(bodyOf(request).value);
    const batch = await accept.batch(inputs, { ...acceptOptions(request), isAtomic: atomic });
    return {
      statusCode: batch.eventIds.length === inputs.length ? 202 : 207,
      headers: { [DUPLICATES]: String(batch.duplicateCount) },
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
    problems: bodyOf(request).problems,
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

/** The events of a batch, which is an object with this one member. */
function batchEvents(body: unknown): readonly unknown[] {
  if (!isPlainObject(body)) {
    throw invalidBatch([{ path: "", message: 'is not an object such as {"events": [...]}' }]);
  }
  const errors: FieldError[] = Object.keys(body)
    .filter((name) => name !== "events")
    .slice(0, 20)
    .map((name) => ({
      path: childPointer("", name.slice(0, MAX_SHOWN_CHARACTERS)),
      message: "is not a member of a batch, which has only events",
    }));
  const events = body["events"];
  if (!Array.isArray(events)) {
    const message = events === undefined ? "is missing" : "is not an array";
    throw invalidBatch([{ path: "/events", message }, ...errors]);
  }
  if (errors.length > 0) throw invalidBatch(errors);
  return events;
}

function invalidBatch(errors: readonly FieldError[]): AuditValidationError {
  const first = errors[0];
  const place = first === undefined || first.path === "" ? "it" : first.path;
  const summary = `the batch is not valid: ${place} ${first?.message ?? ""}`;
  return new AuditValidationError("validation-failed", summary, { errors });
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
