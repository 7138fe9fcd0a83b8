/**
 * From the body of a batch to lines that can be sent and what the answer says of each event: all the work that a batch
 * takes before the queue. Synchronous and without ports, so that another thread can do it.
 */
import { EventId } from "#event/audit-event.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import type { Preparation, PreparedLine, Stamp } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { AuditErrorCode, FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import { childPointer } from "#lib/json-pointer.ts";
import { parseStrictJson } from "#lib/strict-json.ts";

/** The events of a batch: as the text of a body, or as values. */
export type BatchBody =
  | { readonly text: string }
  | {
      readonly events: readonly unknown[];
      /** What the caller knows to be wrong that the values do not show; paths begin with /events. */
      readonly problems?: readonly FieldError[];
    };

/** Plain data. */
export type BatchRequest = BatchBody & {
  readonly receivedAtMs: number;
  /** Tenant of the caller's key; undefined while no keys are configured. */
  readonly keyTenant: string | undefined;
  /** Header `Idempotency-Key` as sent. */
  readonly idempotencyKey: string | undefined;
  /** Refuse all where one is not valid. */
  readonly isAtomic: boolean;
};

/** One entry of the answer to a batch; members as on the wire. */
export interface BatchResult {
  readonly index: number;
  readonly status: "accepted" | "rejected";
  readonly event_id?: string;
  readonly code?: AuditErrorCode;
  /** Paths are JSON Pointers into the event. */
  readonly errors?: readonly FieldError[];
}

export interface PreparedBatch {
  /** The valid events, in order. */
  readonly lines: readonly PreparedLine[];
  /** One result per event: what the answer says if the queue accepts every line. */
  readonly firstResults: readonly BatchResult[];
}

/** Leaves room for `:<index>` within an event id. */
const MAX_IDEMPOTENCY_KEY_CHARACTERS = 120;
/** A whole-request error lists at most so many reasons. */
const MAX_LISTED_ERRORS = 100;
const MAX_SHOWN_CHARACTERS = 64;

/**
 * @throws AuditValidationError `malformed-json`; `validation-failed` where the batch itself is wrong, where no event is
 *   valid, or one is not and `isAtomic`: `errors` have paths into the body, `details` the results
 */
export function prepareBatch(request: BatchRequest, identifiers: Identifiers): PreparedBatch {
  const key = parseIdempotencyKey(request.idempotencyKey);
  const { events, problems } = readBody(request);
  if (events.length < 1 || events.length > MAX_BATCH_EVENTS) {
    const message = `holds ${events.length} events; a batch holds 1 to ${MAX_BATCH_EVENTS}`;
    throw invalidBatch([{ path: "/events", message }]);
  }
  const problemsOf = problemsByEvent(problems);
  const stamp = stampAt(request.receivedAtMs, request.keyTenant, identifiers);
  const preparations = events.map((event, index): Preparation => {
    const errors = problemsOf.get(index);
    if (errors !== undefined) return { kind: "refused", code: "validation-failed", errors };
    return prepareEvent(event, stamp, key === undefined ? undefined : `${key}:${index}`);
  });
  const lines: PreparedLine[] = [];
  for (const preparation of preparations) if (preparation.kind === "prepared") lines.push(preparation.line);
  const isRefused = lines.length === 0 || (request.isAtomic && lines.length < events.length);
  if (isRefused) throw refusedBatch(preparations, request.isAtomic);
  return { lines, firstResults: preparations.map(firstResult) };
}

export function stampAt(
  receivedAtMs: number,
  keyTenant: string | undefined,
  identifiers: Identifiers,
): Stamp {
  return { receivedAtMs, receivedAt: new Date(receivedAtMs).toISOString(), keyTenant, ...identifiers };
}

/** @throws AuditValidationError `validation-failed` */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key =
    header.length > 1 && header.startsWith('"') && header.endsWith('"') ? header.slice(1, -1) : header;
  const parsed = EventId.safeParse(key);
  const message = parsed.success ? undefined : (parsed.error.issues[0]?.message ?? "is no event id");
  const problem = message ?? (key.length > MAX_IDEMPOTENCY_KEY_CHARACTERS ? tooLongKey(key) : undefined);
  if (problem === undefined) return key;
  throw new AuditValidationError("validation-failed", `the header Idempotency-Key ${problem}`, {
    errors: [{ path: "", message: `Idempotency-Key ${problem}` }],
  });
}

function tooLongKey(key: string): string {
  return `is ${key.length} characters; the limit is ${MAX_IDEMPOTENCY_KEY_CHARACTERS}`;
}

interface ReadBody {
  readonly events: readonly unknown[];
  readonly problems: readonly FieldError[];
}

/** A body is an object with the one member `events`. */
function readBody(body: BatchBody): ReadBody {
  if (!("text" in body)) return { events: body.events, problems: body.problems ?? [] };
  const { value, problems } = parseStrictJson(body.text);
  if (!isPlainObject(value))
    throw invalidBatch([{ path: "", message: 'is not an object such as {"events": [...]}' }]);
  const errors: FieldError[] = Object.keys(value)
    .filter((name) => name !== "events")
    .slice(0, 20)
    .map((name) => ({
      path: childPointer("", name.slice(0, MAX_SHOWN_CHARACTERS)),
      message: "is not a member of a batch, which has only events",
    }));
  const events = value["events"];
  if (!Array.isArray(events)) {
    const message = events === undefined ? "is missing" : "is not an array";
    throw invalidBatch([{ path: "/events", message }, ...errors]);
  }
  if (errors.length > 0) throw invalidBatch(errors);
  return { events, problems };
}

function invalidBatch(errors: readonly FieldError[]): AuditValidationError {
  const [first] = errors;
  const reason = first === undefined ? "" : `: ${describeError(first)}`;
  return new AuditValidationError("validation-failed", `the batch is not valid${reason}`, { errors });
}

/** An error as the end of a sentence. */
export function describeError({ path, message }: FieldError): string {
  return path === "" ? `it ${message}` : `${path} ${message}`;
}

/** Sorts problems with paths into the body by event, with paths into it. */
function problemsByEvent(problems: readonly FieldError[]): ReadonlyMap<number, FieldError[]> {
  const byEvent = new Map<number, FieldError[]>();
  for (const problem of problems) {
    const match = /^\/events\/(\d+)(.*)$/s.exec(problem.path);
    if (match === null) {
      throw invalidBatch([problem, ...problems.filter((other) => other !== problem)]);
    }
    const index = Number(match[1]);
    const errors = byEvent.get(index) ?? [];
    errors.push({ path: match[2] ?? "", message: problem.message });
    byEvent.set(index, errors);
  }
  return byEvent;
}

export type Refusal = Extract<Preparation, { kind: "refused" }>;

function refusedBatch(preparations: readonly Preparation[], isAtomic: boolean): AuditValidationError {
  const errors: FieldError[] = [];
  const results: BatchResult[] = [];
  preparations.forEach((preparation, index) => {
    if (preparation.kind === "prepared") return;
    results.push(rejected(index, preparation));
    for (const error of preparation.errors)
      errors.push({ path: `/events/${index}${error.path}`, message: error.message });
  });
  const count = `${results.length} of ${preparations.length} events are not valid`;
  const message = isAtomic
    ? `${count}; nothing was accepted, as atomic=true asks`
    : `${count}; nothing was accepted`;
  return new AuditValidationError("validation-failed", message, {
    errors: errors.slice(0, MAX_LISTED_ERRORS),
    details: { events_logged: 0, event_ids: [], results },
  });
}

function rejected(index: number, { code, errors }: Refusal): BatchResult {
  return { index, status: "rejected", code, errors };
}

/** What the answer says of an event, if the queue accepts it. */
function firstResult(preparation: Preparation, index: number): BatchResult {
  if (preparation.kind === "refused") return rejected(index, preparation);
  return { index, status: "accepted", event_id: preparation.line.event.event_id };
}
