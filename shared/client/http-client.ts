/**
 * The audit log over HTTP: the same interface as the in-process library. Events get their ids here, before they are
 * first sent, so a repeated request stores nothing twice. An event counts as logged only when the service says so.
 */
import { randomFillSync } from "node:crypto";
import type { AuditService } from "#client/audit-service.ts";
import type { WritingOptions } from "#client/event-writer.ts";
import { createEventWriter, MAX_TIMER_MS, retriesOf, WRITING_OPTIONS } from "#client/event-writer.ts";
import { fetchEvent, fetchExport, fetchHealth, fetchPage, postBatch, postFlush } from "#client/http-calls.ts";
import { fetchFeed, fetchLine, fetchProof } from "#client/log-calls.ts";
import type { OptionRules } from "#client/option-checks.ts";
import { integerRule, optionProblems, refuseProblems } from "#client/option-checks.ts";
import { createTransport } from "#client/transport.ts";
import { createIdentifiers } from "#lib/identifiers.ts";

export interface AuditClientOptions extends WritingOptions {
  /** Base address of the service, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Key of the caller; needed where the service has keys configured. */
  readonly apiKey?: string | undefined;
  /** Deadline of each try, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** What each option may be. */
export const CLIENT_OPTIONS: OptionRules<AuditClientOptions> = {
  url: { isFit: isHttpAddress, expected: "an http or https address" },
  apiKey: {
    isFit: (value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value),
    expected: "a key of visible ASCII characters",
    isSecret: true,
  },
  timeoutMs: integerRule(1, MAX_TIMER_MS),
  ...WRITING_OPTIONS,
};

/**
 * A client of a running audit service, by its options alone: the package exports one that also asks the environment.
 * @throws AuditServiceError `invalid-configuration`; `errors` name every option that does not fit
 */
export function createAuditClient(options: AuditClientOptions): AuditService {
  refuseProblems(optionProblems(options, CLIENT_OPTIONS));
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const transport = createTransport({
    url: options.url,
    apiKey: options.apiKey,
    timeoutMs,
    ...retriesOf(options),
  });
  const { newEventId } = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });
  const { event, log, logBatch, drain, run, close } = createEventWriter({
    options,
    newEventId,
    send: (events, isAtomic) => postBatch(transport, events, isAtomic),
  });

  return {
    event,
    log,
    logBatch,
    query: (query = {}) => run(() => fetchPage(transport, query)),
    get: (eventId, { tenantId } = {}) => run(() => fetchEvent(transport, eventId, tenantId)),
    exportEvents: (query = {}, format = "jsonl") =>
      fetchExport((call) => run(() => transport(call)), query, format),
    proof: (eventId, proofOptions = {}) =>
      run(() => fetchProof(transport, eventId, { ...proofOptions, timeoutMs })),
    line: (eventId, { tenantId } = {}) => run(() => fetchLine(transport, eventId, tenantId)),
    feed: (feedOptions = {}) =>
      fetchFeed((call) => run(() => transport(call)), { ...feedOptions, timeoutMs }),
    flush: () =>
      run(async () => {
        await drain();
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
