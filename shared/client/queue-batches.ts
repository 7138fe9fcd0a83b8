/**
 * One batch of events on its way into the queue: each is checked by the rules of the service, the valid ones travel in as
 * few messages as they fit into, and the receipt has the form that the service itself would answer with.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchEntry, BatchReceipt } from "#client/audit-service.ts";
import { packEvents } from "#event/message.ts";
import type { Stamp } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { AuditServiceError, AuditValidationError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";

export interface QueueBatchOptions {
  readonly sendMessage: (body: string) => Promise<void>;
  readonly identifiers: Identifiers;
  readonly nowMs: () => number;
  readonly maxRetries: number;
  readonly retryDelayMs: number;
}

/** Sends events given as JSON texts with ids; resolves when the queue has the valid ones. */
export type SendToQueue = (events: readonly string[], isAtomic?: boolean) => Promise<BatchReceipt>;

const MAX_PAUSE_MS = 5000;

/**
 * The function throws AuditValidationError `validation-failed` where none is valid, or one is not and all are asked for
 * (`details.results` says why), and AuditServiceError `unreachable` (retryable) where the queue does not take them.
 */
export function createQueueBatches(options: QueueBatchOptions): SendToQueue {
  return async (events, isAtomic = false) => {
    const results = judgeAll(events, options);
    const valid = events.filter((_, index) => results[index]?.status === "accepted");
    const isRefused = valid.length === 0 || (isAtomic && valid.length < events.length);
    if (isRefused) throw refusedBatch(results);
    for (const body of packAll(valid)) await sendOne(body, options);
    const ids = results.flatMap(({ status, event_id: id }) =>
      status === "accepted" && id !== undefined ? [id] : [],
    );
    return { events_logged: ids.length, event_ids: ids, results };
  };
}

/** What the service would say of each event, but for its tenant, which only the queue knows. */
function judgeAll(
  events: readonly string[],
  { identifiers, nowMs }: QueueBatchOptions,
): readonly BatchEntry[] {
  const receivedAtMs = nowMs();
  const receivedAt = new Date(receivedAtMs).toISOString();
  const stamp: Stamp = { receivedAtMs, receivedAt, keyTenant: undefined, ...identifiers };
  return events.map((text, index): BatchEntry => {
    const preparation = prepareEvent(JSON.parse(text), stamp);
    if (preparation.kind === "prepared")
      return { index, status: "accepted", event_id: preparation.line.event.event_id };
    return { index, status: "rejected", code: preparation.code, errors: preparation.errors };
  });
}

/** Halves what is too large for a message. One event always fits: it is at most 256 KiB. */
function packAll(events: readonly string[]): readonly string[] {
  try {
    return [packEvents(`{"events":[${events.join(",")}]}`)];
  } catch (error) {
    if (!(error instanceof RangeError) || events.length === 1) throw error;
    const middle = Math.ceil(events.length / 2);
    return [...packAll(events.slice(0, middle)), ...packAll(events.slice(middle))];
  }
}

async function sendOne(
  body: string,
  { sendMessage, maxRetries, retryDelayMs }: QueueBatchOptions,
): Promise<void> {
  for (let retries = 0; ; retries++) {
    try {
      await sendMessage(body);
      return;
    } catch (cause) {
      const error = asServiceError(cause);
      if (!error.retryable || retries >= maxRetries) throw error;
      const fullMs = Math.min(retryDelayMs * 2 ** retries, MAX_PAUSE_MS);
      await pause(fullMs * (0.5 + Math.random() / 2));
    }
  }
}

function asServiceError(cause: unknown): AuditServiceError {
  if (cause instanceof AuditServiceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AuditServiceError("unreachable", `the queue did not take the events: ${reason}`, {
    cause,
    retryable: true,
  });
}

function refusedBatch(results: readonly BatchEntry[]): AuditValidationError {
  const rejected = results.filter(({ status }) => status === "rejected");
  const errors = rejected.flatMap(({ index, errors: reasons = [] }) =>
    reasons.map(({ path, message }) => ({ path: `/events/${index}${path}`, message })),
  );
  const message = `${rejected.length} of ${results.length} events are not valid; nothing was sent`;
  return new AuditValidationError("validation-failed", message, {
    errors,
    details: { events_logged: 0, event_ids: [], results: rejected },
  });
}
