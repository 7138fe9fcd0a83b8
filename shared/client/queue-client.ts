/**
 * The audit log through the queue `intake`: the same interface for writing, for programs that run beside the service in
 * one cloud. An event counts as logged when the queue has it. Its id is minted and its rules are checked here: a repeated
 * send stores nothing twice, and whoever sends bad input learns it at once and not from a quarantine.
 */
import { randomFillSync } from "node:crypto";
import type { AuditService } from "#client/audit-service.ts";
import { encodeBatch, sendBatch } from "#client/batch-of-drafts.ts";
import { createBatcher, invalidEvent } from "#client/batcher.ts";
import { encodeEvent } from "#client/encode-event.ts";
import { createLifecycle } from "#client/lifecycle.ts";
import type { OptionRules } from "#client/option-checks.ts";
import {
  integerRule,
  numberRule,
  optionProblems,
  refuseProblems,
  serviceNameRule,
} from "#client/option-checks.ts";
import { createQueueBatches } from "#client/queue-batches.ts";
import { AuditEventBuilder } from "#event/event-builder.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";

export interface QueueClientOptions {
  /**
   * Sends one message, at most 1 MiB of ASCII text, to the queue `intake`; resolves when the queue has it. It has a
   * deadline of its own; what it rejects with is tried again, unless it is an AuditServiceError that is not retryable.
   */
  readonly sendMessage: (body: string) => Promise<void>;
  /** Answers everything but writing, such as a client over HTTP. @default nothing does, and reads are refused */
  readonly reads?: AuditService | undefined;
  /** `service_name` of events that name none. */
  readonly serviceName?: string | undefined;
  /** Tries after the first, for each message. @default 4 */
  readonly maxRetries?: number | undefined;
  /** First pause between tries in milliseconds; it doubles, up to 5 s, and is jittered. @default 100 */
  readonly retryDelayMs?: number | undefined;
  /** Events that `log` sends in one message, 1–1,000. @default 100 */
  readonly batchSize?: number | undefined;
  /** Longest time that `log` may hold an event while others are under way, in milliseconds. @default 5_000 */
  readonly flushIntervalMs?: number | undefined;
  /** Events that may wait in `log`; more are refused as `overloaded`. @default 10_000 */
  readonly maxPending?: number | undefined;
}

const DEFAULT_MAX_RETRIES = 4;
const DEFAULT_RETRY_DELAY_MS = 100;
const DEFAULT_BATCH_SIZE = 100;
const DEFAULT_FLUSH_INTERVAL_MS = 5000;
const DEFAULT_MAX_PENDING = 10_000;

const MAX_RETRIES = 1000;
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_FLUSH_INTERVAL_MS = 3_600_000;
const MAX_MAX_PENDING = 1_000_000;

/** What each option may be. */
const QUEUE_OPTIONS: OptionRules<QueueClientOptions> = {
  sendMessage: { isFit: (value) => typeof value === "function", expected: "a function that sends a message" },
  reads: {
    isFit: (value) => typeof value === "object" && value !== null && "query" in value,
    expected: "an audit service that reads",
  },
  serviceName: serviceNameRule,
  maxRetries: integerRule(0, MAX_RETRIES),
  retryDelayMs: numberRule(0, MAX_TIMER_MS),
  batchSize: integerRule(1, MAX_BATCH_EVENTS),
  flushIntervalMs: numberRule(0, MAX_FLUSH_INTERVAL_MS),
  maxPending: integerRule(1, MAX_MAX_PENDING),
};

/**
 * A client that writes through a queue. `flush` sends what waits and, since nobody tells it what is stored, answers
 * `pending` unless there are `reads`. `close` closes `reads` too.
 * @throws AuditServiceError `invalid-configuration`; `errors` name every option that does not fit
 *
 * @example
 * ```ts
 * import { createQueueClient } from "audit-service";
 *
 * const sent: string[] = []; // stands for a queue
 * const audit = createQueueClient({ sendMessage: async (body) => void sent.push(body), serviceName: "shop" });
 * await audit.log({ action: "user_login", user_id: "alice" });
 * ```
 */
export function createQueueClient(options: QueueClientOptions): AuditService {
  refuseProblems(optionProblems(options, QUEUE_OPTIONS));
  const { sendMessage, reads, serviceName } = options;
  const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });
  const send = createQueueBatches({
    sendMessage,
    identifiers,
    nowMs: Date.now,
    maxRetries: options.maxRetries ?? DEFAULT_MAX_RETRIES,
    retryDelayMs: options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
  });
  const batcher = createBatcher({
    batchSize: options.batchSize ?? DEFAULT_BATCH_SIZE,
    flushIntervalMs: options.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
    maxPending: options.maxPending ?? DEFAULT_MAX_PENDING,
    send,
  });
  const encoding = { newEventId: identifiers.newEventId, defaultService: serviceName };
  const { run, close } = createLifecycle({
    what: "the audit client",
    hasten: () => batcher.drain(),
    letGo: async () => reads?.close(),
  });
  const reading = (what: string): AuditService => {
    if (reads !== undefined) return reads;
    const message = `${what} cannot be done through a queue, which only takes events; give the client \`reads\`, such as a client with the URL of the service`;
    throw new AuditServiceError("invalid-configuration", message);
  };

  const exportEvents: AuditService["exportEvents"] = async function* exportEvents(query, format) {
    yield* reading("an export").exportEvents(query, format);
  };

  return {
    event: () => new AuditEventBuilder({ defaultService: serviceName }),
    log: (event) =>
      run(async () => {
        const encoded = encodeEvent(event, encoding);
        if (encoded.kind === "refused") throw invalidEvent(encoded.errors);
        return batcher.add(encoded);
      }),
    logBatch: (events, { atomic = false } = {}) =>
      run(async () => sendBatch(encodeBatch(events, encoding), atomic, send)),
    query: (query) => run(async () => reading("a query").query(query)),
    get: (eventId, getOptions) => run(async () => reading("a look-up").get(eventId, getOptions)),
    exportEvents,
    flush: () =>
      run(async () => {
        await batcher.drain();
        return reads === undefined ? { status: "pending" } : reads.flush();
      }),
    health: () => run(async () => reading("a look at the service's health").health()),
    close,
    [Symbol.asyncDispose]: close,
  };
}
