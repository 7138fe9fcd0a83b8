/**
 * The audit log over HTTP: the same interface as the in-process library. Events get their ids here, before they are
 * first sent, so a repeated request stores nothing twice. An event counts as logged only when the service says so.
 */
import { randomFillSync } from "node:crypto";
import type { AuditService } from "#client/audit-service.ts";
import { encodeBatch, sendBatch } from "#client/batch-of-drafts.ts";
import { createBatcher, invalidEvent } from "#client/batcher.ts";
import { encodeEvent } from "#client/encode-event.ts";
import { fetchEvent, fetchExport, fetchHealth, fetchPage, postBatch, postFlush } from "#client/http-calls.ts";
import { createLifecycle } from "#client/lifecycle.ts";
import type { OptionRules } from "#client/option-checks.ts";
import {
  integerRule,
  numberRule,
  optionProblems,
  refuseProblems,
  serviceNameRule,
} from "#client/option-checks.ts";
import { createTransport } from "#client/transport.ts";
import { AuditEventBuilder } from "#event/event-builder.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import { createIdentifiers } from "#lib/identifiers.ts";

export interface AuditClientOptions {
  /** Base address of the service, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Key of the caller; needed where the service has keys configured. */
  readonly apiKey?: string | undefined;
  /** `service_name` of events that name none. */
  readonly serviceName?: string | undefined;
  /** Deadline of each try, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
  /** Tries after the first, where the service is busy or out of reach. @default 4 */
  readonly maxRetries?: number | undefined;
  /** First pause between tries in milliseconds; it doubles, up to 5 s, and is jittered. @default 100 */
  readonly retryDelayMs?: number | undefined;
  /** Events that `log` sends in one request, 1–1,000. @default 100 */
  readonly batchSize?: number | undefined;
  /** Longest time that `log` may hold an event while others are under way, in milliseconds. @default 5_000 */
  readonly flushIntervalMs?: number | undefined;
  /** Events that may wait in `log`; more are refused as `overloaded`. @default 10_000 */
  readonly maxPending?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_RETRIES = 4;
const DEFAULT_RETRY_DELAY_MS = 100;
const DEFAULT_BATCH_SIZE = 100;
const DEFAULT_FLUSH_INTERVAL_MS = 5000;
const DEFAULT_MAX_PENDING = 10_000;

const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_RETRIES = 1000;
const MAX_FLUSH_INTERVAL_MS = 3_600_000;
const MAX_MAX_PENDING = 1_000_000;

/** What each option may be. */
export const CLIENT_OPTIONS: OptionRules<AuditClientOptions> = {
  url: { isFit: isHttpAddress, expected: "an http or https address" },
  apiKey: {
    isFit: (value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value),
    expected: "a key of visible ASCII characters",
    isSecret: true,
  },
  serviceName: serviceNameRule,
  timeoutMs: integerRule(1, MAX_TIMER_MS),
  maxRetries: integerRule(0, MAX_RETRIES),
  retryDelayMs: numberRule(0, MAX_TIMER_MS),
  batchSize: integerRule(1, MAX_BATCH_EVENTS),
  flushIntervalMs: numberRule(0, MAX_FLUSH_INTERVAL_MS),
  maxPending: integerRule(1, MAX_MAX_PENDING),
};

/**
 * A client of a running audit service, by its options alone: the package exports one that also asks the environment.
 * @throws AuditServiceError `invalid-configuration`; `errors` name every option that does not fit
 */
export function createAuditClient(options: AuditClientOptions): AuditService {
  refuseProblems(optionProblems(options, CLIENT_OPTIONS));
  const transport = createTransport({
    url: options.url,
    apiKey: options.apiKey,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxRetries: options.maxRetries ?? DEFAULT_MAX_RETRIES,
    retryDelayMs: options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
  });
  const batcher = createBatcher({
    batchSize: options.batchSize ?? DEFAULT_BATCH_SIZE,
    flushIntervalMs: options.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
    maxPending: options.maxPending ?? DEFAULT_MAX_PENDING,
    send: (events) => postBatch(transport, events),
  });
  const { newEventId } = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });
  const encoding = { newEventId, defaultService: options.serviceName };
  const { run, close } = createLifecycle({ what: "the audit client", hasten: () => batcher.drain() });

  return {
    event: () => new AuditEventBuilder({ defaultService: options.serviceName }),
    log: (event) =>
      run(async () => {
        const encoded = encodeEvent(event, encoding);
        if (encoded.kind === "refused") throw invalidEvent(encoded.errors);
        return batcher.add(encoded);
      }),
    logBatch: (events, { atomic = false } = {}) =>
      run(async () =>
        sendBatch(encodeBatch(events, encoding), atomic, (texts, isAtomic) =>
          postBatch(transport, texts, isAtomic),
        ),
      ),
    query: (query = {}) => run(() => fetchPage(transport, query)),
    get: (eventId, { tenantId } = {}) => run(() => fetchEvent(transport, eventId, tenantId)),
    exportEvents: (query = {}, format = "jsonl") =>
      fetchExport((call) => run(() => transport(call)), query, format),
    flush: () =>
      run(async () => {
        await batcher.drain();
        return postFlush(transport);
      }),
    health: () => run(() => fetchHealth(transport)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function isHttpAddress(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
