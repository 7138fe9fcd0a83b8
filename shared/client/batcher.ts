/**
 * Sends events that are logged one by one in batches. An idle batcher sends at once; while a batch is under way, events
 * gather until it returns, a batch is full, or the first of them has waited the flush interval. What waits is bounded,
 * and each event's promise settles with what became of that very event.
 */
import type { BatchEntry, BatchReceipt, LogReceipt } from "#client/audit-service.ts";
import { rejectedEntries } from "#client/problem.ts";
import { MAX_BATCH_BODY_BYTES } from "#event/limits.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditQueueError, AuditServiceError, AuditValidationError } from "#lib/errors.ts";

export interface BatcherOptions {
  readonly send: (events: readonly string[]) => Promise<BatchReceipt>;
  /** Events of one batch, 1–1,000. */
  readonly batchSize: number;
  /** Longest wait of an event before it is sent. */
  readonly flushIntervalMs: number;
  /** Events that may wait; more are refused. */
  readonly maxPending: number;
}

export interface Batcher {
  /** @throws AuditQueueError `overloaded`: too much is waiting */
  add(event: PendingEvent): Promise<LogReceipt>;
  /** Sends what waits now and resolves when everything added before has settled. */
  drain(): Promise<void>;
}

export interface PendingEvent {
  readonly json: string;
  readonly bytes: number;
  readonly eventId: string;
}

interface Waiting extends PendingEvent {
  readonly since: number;
  readonly resolve: (receipt: LogReceipt) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_IN_FLIGHT = 4;
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** Leaves room for the brackets and commas around the events. */
const MAX_BATCH_BYTES = MAX_BATCH_BODY_BYTES - 4096;

export function createBatcher(options: BatcherOptions): Batcher {
  const { send, batchSize, flushIntervalMs, maxPending } = options;
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let inFlight = 0;
  let isScheduled = false;
  let drainUntil = 0;
  let timer: NodeJS.Timeout | undefined;
  const unsettled = new Set<Promise<unknown>>();

  const add: Batcher["add"] = (event) => {
    if (waiting.length >= maxPending || waitingBytes + event.bytes > MAX_PENDING_BYTES) {
      const message = `${waiting.length} events of ${waitingBytes} bytes are waiting to be sent; the limit is ${maxPending} events or ${MAX_PENDING_BYTES} bytes`;
      return Promise.reject(new AuditQueueError("overloaded", message, { retryable: true }));
    }
    const settled = new Promise<LogReceipt>((resolve, reject) => {
      waiting.push({ ...event, since: performance.now(), resolve, reject });
    });
    waitingBytes += event.bytes;
    track(settled);
    schedule();
    return settled.then((receipt) => receipt); // a promise of its own: a loss that nobody looks at must be reported
  };

  /** Lets the events of one turn of the event loop gather before the first batch leaves. */
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      pump();
    });
  };

  const pump = (): void => {
    clearTimeout(timer);
    while (isDue()) start(takeBatch());
    const first = waiting[0];
    if (first === undefined || inFlight >= MAX_IN_FLIGHT) return;
    timer = setTimeout(pump, Math.max(1, first.since + flushIntervalMs - performance.now()));
  };

  const isDue = (): boolean => {
    const first = waiting[0];
    if (first === undefined || inFlight >= MAX_IN_FLIGHT) return false;
    const isFull = waiting.length >= batchSize || waitingBytes >= MAX_BATCH_BYTES;
    const hasWaited = first.since <= drainUntil || performance.now() - first.since >= flushIntervalMs;
    return inFlight === 0 || isFull || hasWaited;
  };

  const takeBatch = (): Waiting[] => {
    let count = 0;
    let bytes = 0;
    for (const event of waiting) {
      if (count === batchSize || (count > 0 && bytes + event.bytes + 1 > MAX_BATCH_BYTES)) break;
      count++;
      bytes += event.bytes + 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const event of batch) waitingBytes -= event.bytes;
    return batch;
  };

  const start = (batch: readonly Waiting[]): void => {
    inFlight++;
    const done = deliver(batch, send).finally(() => {
      inFlight--;
      pump();
    });
    track(done);
  };

  const track = (promise: Promise<unknown>): void => {
    const observed = promise.catch(() => undefined).finally(() => unsettled.delete(observed));
    unsettled.add(observed);
  };

  const drain: Batcher["drain"] = async () => {
    drainUntil = performance.now();
    pump();
    await Promise.all(unsettled);
  };

  return { add, drain };
}

/** Sends a batch and settles each of its events. Never rejects. */
async function deliver(batch: readonly Waiting[], send: BatcherOptions["send"]): Promise<void> {
  let entries: readonly BatchEntry[];
  try {
    const receipt = await send(batch.map(({ json }) => json));
    entries = receipt.results;
  } catch (error) {
    const rejected = rejectedEntries(error, batch.length);
    if (rejected === undefined) {
      for (const event of batch) event.reject(error);
      return;
    }
    entries = rejected;
  }
  const byIndex = new Map(entries.map((entry) => [entry.index, entry]));
  batch.forEach((event, index) => {
    settle(event, byIndex.get(index));
  });
}

function settle(event: Waiting, entry: BatchEntry | undefined): void {
  if (entry === undefined) {
    event.reject(new AuditServiceError("internal", "the answer to the batch does not mention the event"));
  } else if (entry.status === "rejected") event.reject(invalidEvent(entry.errors ?? [], entry.code));
  else event.resolve({ event_id: entry.event_id ?? event.eventId });
}

/** The error of one event that was refused for the reasons in `errors`. */
export function invalidEvent(
  errors: readonly FieldError[],
  code: BatchEntry["code"] = "validation-failed",
): AuditValidationError {
  const first = errors[0];
  if (first === undefined) return new AuditValidationError(code, "the event is not valid");
  const place = first.path === "" ? "it" : first.path;
  const isAboutMember = code === "validation-failed";
  const message = isAboutMember ? `the event is not valid: ${place} ${first.message}` : first.message;
  return new AuditValidationError(code, message, { errors });
}
