/**
 * What clients that write have in common, wherever their events go: options with their rules and defaults, ids minted before
 * the first send, events logged one by one gathered into batches, and an orderly end.
 */
import type { AuditService, BatchReceipt } from "#client/audit-service.ts";
import { encodeBatch, sendBatch } from "#client/batch-of-drafts.ts";
import { createBatcher, invalidEvent } from "#client/batcher.ts";
import { encodeEvent } from "#client/encode-event.ts";
import type { Lifecycle } from "#client/lifecycle.ts";
import { createLifecycle } from "#client/lifecycle.ts";
import type { OptionRules } from "#client/option-checks.ts";
import { integerRule, numberRule, serviceNameRule } from "#client/option-checks.ts";
import { AuditEventBuilder } from "#event/event-builder.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";

export interface WritingOptions {
  /** `service_name` of events that name none. */
  readonly serviceName?: string | undefined;
  /** Tries after the first, where the other side is busy or out of reach. @default 4 */
  readonly maxRetries?: number | undefined;
  /** First pause between tries in milliseconds; it doubles, up to 5 s, and is jittered. @default 100 */
  readonly retryDelayMs?: number | undefined;
  /** Events that `log` sends at once, 1–1,000. @default 100 */
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

export const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_RETRIES = 1000;
const MAX_FLUSH_INTERVAL_MS = 3_600_000;
const MAX_MAX_PENDING = 1_000_000;

/** What each option may be. */
export const WRITING_OPTIONS: OptionRules<WritingOptions> = {
  serviceName: serviceNameRule,
  maxRetries: integerRule(0, MAX_RETRIES),
  retryDelayMs: numberRule(0, MAX_TIMER_MS),
  batchSize: integerRule(1, MAX_BATCH_EVENTS),
  flushIntervalMs: numberRule(0, MAX_FLUSH_INTERVAL_MS),
  maxPending: integerRule(1, MAX_MAX_PENDING),
};

/** How often and how soon a send is tried again. */
export function retriesOf(options: WritingOptions): {
  readonly maxRetries: number;
  readonly retryDelayMs: number;
} {
  return {
    maxRetries: options.maxRetries ?? DEFAULT_MAX_RETRIES,
    retryDelayMs: options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
  };
}

export interface EventWriterParts {
  readonly options: WritingOptions;
  /** Sends events given as JSON texts with ids; resolves when the other side has the valid ones. */
  readonly send: (events: readonly string[], isAtomic?: boolean) => Promise<BatchReceipt>;
  readonly newEventId: () => string;
  /** Called last by `close`. */
  readonly letGo?: () => Promise<void>;
}

export interface EventWriter extends Pick<AuditService, "event" | "log" | "logBatch" | "close"> {
  /** Sends what waits now and resolves when everything added before has settled. */
  readonly drain: () => Promise<void>;
  readonly run: Lifecycle["run"];
}

/** The options have been checked by the rules above. */
export function createEventWriter({ options, send, newEventId, letGo }: EventWriterParts): EventWriter {
  const batcher = createBatcher({
    batchSize: options.batchSize ?? DEFAULT_BATCH_SIZE,
    flushIntervalMs: options.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
    maxPending: options.maxPending ?? DEFAULT_MAX_PENDING,
    send: (events) => send(events),
  });
  const encoding = { newEventId, defaultService: options.serviceName };
  const { run, close } = createLifecycle({
    what: "the audit client",
    hasten: () => batcher.drain(),
    ...(letGo !== undefined && { letGo }),
  });
  return {
    event: () => new AuditEventBuilder({ defaultService: options.serviceName }),
    log: (event) =>
      run(async () => {
        const encoded = encodeEvent(event, encoding);
        if (encoded.kind === "refused") throw invalidEvent(encoded.errors);
        return batcher.add(encoded);
      }),
    logBatch: (events, { atomic = false } = {}) =>
      run(async () => sendBatch(encodeBatch(events, encoding), atomic, send)),
    drain: () => batcher.drain(),
    run,
    close,
  };
}
