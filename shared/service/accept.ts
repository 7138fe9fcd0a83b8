/**
 * Accepting events: stamp, validate, send to the queue, say what became of each. An answer that calls an event
 * accepted is given only after the queue has made it durable.
 */
import { prepareEvent } from "#event/prepare-event.ts";
import { publicJson } from "#event/stored-line.ts";
import type { AuditServiceError, FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import type { Clock, EventQueue, SendOutcome } from "#service/ports.ts";
import type { BatchBody, BatchRequest, BatchResult, PreparedBatch, Refusal } from "#service/prepare-batch.ts";
import { describeError, parseIdempotencyKey, prepareBatch, stampAt } from "#service/prepare-batch.ts";

/** Who calls. */
export interface Caller {
  /** Tenant of the caller's key; undefined while no keys are configured. */
  readonly tenantId: string | undefined;
}

export interface AcceptOptions {
  readonly caller: Caller;
  /** Header `Idempotency-Key` as sent: the id of events that name none. */
  readonly idempotencyKey?: string | undefined;
}

export interface AcceptOneOptions extends AcceptOptions {
  /** What the JSON reader found that the value does not show, by JSON Pointer into the event. */
  readonly problems?: readonly FieldError[] | undefined;
}

export interface AcceptBatchOptions extends AcceptOptions {
  /** Refuse all where one is not valid. @default false */
  readonly isAtomic?: boolean;
}

export interface AcceptedEvent {
  readonly eventId: string;
  readonly contentHash: string;
  /** The stored event as the API answers it, as JSON text. */
  readonly json: string;
  /** The same content had been stored before. */
  readonly isDuplicate: boolean;
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
  one(input: unknown, options: AcceptOneOptions): Promise<AcceptedEvent>;
  /**
   * Accepts the valid events of a batch.
   * @throws AuditValidationError as `prepareBatch` does
   * @throws AuditServiceError what the queue throws
   */
  batch(body: BatchBody, options: AcceptBatchOptions): Promise<AcceptedBatch>;
}

export interface AcceptDependencies {
  readonly queue: EventQueue;
  readonly clock: Clock;
  readonly identifiers: Identifiers;
  /** Prepares a batch elsewhere. @default in this thread */
  readonly prepare?: PrepareBatch | undefined;
}

/** `prepareBatch` with its identifiers bound; may work in another thread. */
export type PrepareBatch = (request: BatchRequest) => PreparedBatch | Promise<PreparedBatch>;

export function createAccept(dependencies: AcceptDependencies): Accept {
  const { queue, clock, identifiers } = dependencies;
  const prepare = dependencies.prepare ?? ((request) => prepareBatch(request, identifiers));

  const one: Accept["one"] = async (input, options) => {
    const key = parseIdempotencyKey(options.idempotencyKey);
    const problems = options.problems ?? [];
    if (problems.length > 0) throw invalidEvent(problems);
    const preparation = prepareEvent(
      input,
      stampAt(clock.nowMs(), options.caller.tenantId, identifiers),
      key,
    );
    if (preparation.kind === "refused") throw refusal(preparation);
    const { line } = preparation;
    const [outcome] = await queue.send([line]);
    if (outcome === undefined || outcome.kind === "conflict") throw conflict(line.event.event_id);
    const isDuplicate = outcome.kind === "duplicate";
    const stored = outcome.kind === "duplicate" ? await outcome.readLine() : line.text;
    return {
      eventId: line.event.event_id,
      contentHash: line.contentHash,
      json: publicJson({ text: stored, contentHash: line.contentHash }),
      isDuplicate,
    };
  };

  const batch: Accept["batch"] = async (body, options) => {
    const request: BatchRequest = {
      receivedAtMs: clock.nowMs(),
      keyTenant: options.caller.tenantId,
      idempotencyKey: options.idempotencyKey,
      isAtomic: options.isAtomic ?? false,
      ...body,
    };
    const { lines, firstResults } = await prepare(request);
    return answered(firstResults, queue.send(lines)); // lets the lines go while the queue works
  };

  return { one, batch };
}

function invalidEvent(errors: readonly FieldError[]): AuditValidationError {
  const first = errors[0];
  const summary =
    first === undefined ? "the event is not valid" : `the event is not valid: ${describeError(first)}`;
  return new AuditValidationError("validation-failed", summary, { errors });
}

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
