/**
 * Accepting events: stamp, validate, send to the queue, say what became of each. An answer that calls an event
 * accepted is given only after the queue has made it durable.
 */
import { EventId } from "#event/audit-event.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import type { Preparation, PreparedLine, Stamp } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { publicJson } from "#event/stored-line.ts";
import type { AuditErrorCode, AuditServiceError, FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import type { Clock, EventQueue, SendOutcome } from "#service/ports.ts";

/** Who calls. */
export interface Caller {
  /** Tenant of the caller's key; undefined while no keys are configured. */
  readonly tenantId: string | undefined;
}

export interface AcceptOptions {
  readonly caller: Caller;
  /** Header `Idempotency-Key` as sent: the id of events that name none. */
  readonly idempotencyKey?: string | undefined;
  /** What the JSON reader found that the value does not show, by JSON Pointer into the event (one) or the body (batch). */
  readonly problems?: readonly FieldError[] | undefined;
}

export interface AcceptedEvent {
  readonly eventId: string;
  readonly contentHash: string;
  /** The stored event as the API answers it, as JSON text. */
  readonly json: string;
  /** The same content had been stored before. */
  readonly isDuplicate: boolean;
}

/** One entry of the answer to a batch; members as on the wire. */
export interface BatchResult {
  readonly index: number;
  readonly status: "accepted" | "rejected";
  readonly event_id?: string;
  readonly code?: AuditErrorCode;
  /** Paths are JSON Pointers into the event. */
  readonly errors?: readonly FieldError[];
}

export interface AcceptedBatch {
  readonly results: readonly BatchResult[];
  /** Ids of the accepted results, in order. */
  readonly eventIds: readonly string[];
  /** Accepted results whose content had been stored before this request; known only where the store knows at once. */
  readonly duplicateCount: number;
}

export interface Accept {
  /**
   * @throws AuditValidationError `validation-failed`
   * @throws AuditServiceError `payload-too-large`, `event-id-conflict`, and what the queue throws
   */
  one(input: unknown, options: AcceptOptions): Promise<AcceptedEvent>;
  /**
   * Accepts the valid events among `inputs`.
   * @throws AuditValidationError `validation-failed` where none is valid, where one is not and `isAtomic`, or where the
   *   batch itself is wrong; `errors` then have paths into the body, `details.results` the results
   * @throws AuditServiceError what the queue throws
   */
  batch(
    inputs: readonly unknown[],
    options: AcceptOptions & { readonly isAtomic?: boolean },
  ): Promise<AcceptedBatch>;
}

export interface AcceptDependencies {
  readonly queue: EventQueue;
  readonly clock: Clock;
  readonly identifiers: Identifiers;
}

/** Leaves room for `:<index>` within an event id. */
const MAX_IDEMPOTENCY_KEY_CHARACTERS = 120;
/** A whole-request error lists at most so many reasons. */
const MAX_LISTED_ERRORS = 100;

export function createAccept({ queue, clock, identifiers }: AcceptDependencies): Accept {
  const stampFor = (caller: Caller): Stamp => {
    const receivedAtMs = clock.nowMs();
    return {
      receivedAtMs,
      receivedAt: new Date(receivedAtMs).toISOString(),
      keyTenant: caller.tenantId,
      ...identifiers,
    };
  };

  const one: Accept["one"] = async (input, options) => {
    const key = parseIdempotencyKey(options.idempotencyKey);
    const problems = options.problems ?? [];
    if (problems.length > 0) throw invalidEvent(problems);
    const preparation = prepareEvent(input, stampFor(options.caller), key);
    if (preparation.kind === "refused") throw refusal(preparation);
    const { line } = preparation;
    const [outcome] = await queue.send([line]);
    if (outcome === undefined || outcome.kind === "conflict") throw conflict(line.event.event_id);
    const isDuplicate = outcome.kind === "duplicate";
    const stored = isDuplicate ? outcome.line : line.text;
    return {
      eventId: line.event.event_id,
      contentHash: line.contentHash,
      json: publicJson({ text: stored, contentHash: line.contentHash }),
      isDuplicate,
    };
  };

  const batch: Accept["batch"] = async (inputs, options) => {
    if (inputs.length < 1 || inputs.length > MAX_BATCH_EVENTS) {
      const message = `holds ${inputs.length} events; a batch holds 1 to ${MAX_BATCH_EVENTS}`;
      throw new AuditValidationError("validation-failed", `the batch ${message}`, {
        errors: [{ path: "/events", message }],
      });
    }
    const key = parseIdempotencyKey(options.idempotencyKey);
    const problems = problemsByEvent(options.problems ?? []);
    const stamp = stampFor(options.caller);
    const preparations = inputs.map((input, index): Preparation => {
      const errors = problems.get(index);
      if (errors !== undefined) return { kind: "refused", code: "validation-failed", errors };
      return prepareEvent(input, stamp, key === undefined ? undefined : `${key}:${index}`);
    });
    const lines: PreparedLine[] = [];
    for (const preparation of preparations) if (preparation.kind === "prepared") lines.push(preparation.line);
    const isRefused = lines.length === 0 || (options.isAtomic === true && lines.length < inputs.length);
    if (isRefused) throw refusedBatch(preparations, options.isAtomic === true);
    return answered(preparations.map(firstResult), queue.send(lines)); // lets the lines go while the queue works
  };

  return { one, batch };
}

function parseIdempotencyKey(header: string | undefined): string | undefined {
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

function invalidEvent(errors: readonly FieldError[]): AuditValidationError {
  const first = errors[0];
  const summary =
    first === undefined ? "the event is not valid" : `the event is not valid: ${describe(first)}`;
  return new AuditValidationError("validation-failed", summary, { errors });
}

function describe({ path, message }: FieldError): string {
  return path === "" ? `it ${message}` : `${path} ${message}`;
}

type Refusal = Extract<Preparation, { kind: "refused" }>;

function refusal({ code, errors }: Refusal): AuditServiceError {
  if (code === "validation-failed") return invalidEvent(errors);
  return new AuditValidationError(code, errors[0]?.message ?? "the event is too large", { errors });
}

function conflict(eventId: string): AuditServiceError {
  return new AuditValidationError("event-id-conflict", conflictMessage(eventId), {
    errors: [{ path: "/event_id", message: conflictMessage(eventId) }],
    details: { event_id: eventId },
  });
}

function conflictMessage(eventId: string): string {
  return `an event with other content is stored under the id ${eventId}; the first one stays`;
}

/** Sorts problems with paths into the body by event, with paths into it. */
function problemsByEvent(problems: readonly FieldError[]): ReadonlyMap<number, FieldError[]> {
  const byEvent = new Map<number, FieldError[]>();
  for (const problem of problems) {
    const match = /^\/events\/(\d+)(.*)$/s.exec(problem.path);
    if (match === null) {
      throw new AuditValidationError("validation-failed", `the batch is not valid: ${describe(problem)}`, {
        errors: problems,
      });
    }
    const index = Number(match[1]);
    const errors = byEvent.get(index) ?? [];
    errors.push({ path: match[2] ?? "", message: problem.message });
    byEvent.set(index, errors);
  }
  return byEvent;
}

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

/** Corrects the results of valid events by what the queue says of them. */
async function answered(
  firstResults: readonly BatchResult[],
  sending: Promise<readonly SendOutcome[]>,
): Promise<AcceptedBatch> {
  const outcomes = await sending;
  const eventIds: string[] = [];
  let duplicateCount = 0;
  let sent = 0;
  const results = firstResults.map((result): BatchResult => {
    const eventId = result.event_id;
    if (result.status === "rejected" || eventId === undefined) return result;
    const outcome = outcomes[sent++];
    if (outcome === undefined || outcome.kind === "conflict") {
      const errors = [{ path: "/event_id", message: conflictMessage(eventId) }];
      return {
        index: result.index,
        status: "rejected",
        event_id: eventId,
        code: "event-id-conflict",
        errors,
      };
    }
    if (outcome.kind === "duplicate") duplicateCount++;
    eventIds.push(eventId);
    return result;
  });
  return { results, eventIds, duplicateCount };
}
