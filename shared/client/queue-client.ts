/**
 * The audit log through the queue `intake`: the same interface for writing, for programs that run beside the service in
 * one cloud. An event counts as logged when the queue has it. Its id is minted and its rules are checked here: a repeated
 * send stores nothing twice, and whoever sends bad input learns it at once and not from a quarantine.
 */
import { randomFillSync } from "node:crypto";
import type { AuditService } from "#client/audit-service.ts";
import type { WritingOptions } from "#client/event-writer.ts";
import { createEventWriter, retriesOf, WRITING_OPTIONS } from "#client/event-writer.ts";
import type { OptionRules } from "#client/option-checks.ts";
import { optionProblems, refuseProblems } from "#client/option-checks.ts";
import { createQueueBatches } from "#client/queue-batches.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";

export interface QueueClientOptions extends WritingOptions {
  /**
   * Sends one message, at most 1 MiB of ASCII text, to the queue `intake`; resolves when the queue has it. It has a
   * deadline of its own; what it rejects with is tried again, unless it is an AuditServiceError that is not retryable.
   */
  readonly sendMessage: (body: string) => Promise<void>;
  /** Answers everything but writing, such as a client over HTTP. @default nothing does, and reads are refused */
  readonly reads?: AuditService | undefined;
}

/** What each option may be. */
const QUEUE_OPTIONS: OptionRules<QueueClientOptions> = {
  sendMessage: { isFit: (value) => typeof value === "function", expected: "a function that sends a message" },
  reads: {
    isFit: (value) => typeof value === "object" && value !== null && "query" in value,
    expected: "an audit service that reads",
  },
  ...WRITING_OPTIONS,
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
  const { sendMessage, reads } = options;
  const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });
  const send = createQueueBatches({ sendMessage, identifiers, nowMs: Date.now, ...retriesOf(options) });
  const { event, log, logBatch, drain, run, close } = createEventWriter({
    options,
    send,
    newEventId: identifiers.newEventId,
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

  const feed: AuditService["feed"] = async function* feed(feedOptions) {
    yield* reading("a feed").feed(feedOptions);
  };

  return {
    event,
    log,
    logBatch,
    query: (query) => run(async () => reading("a query").query(query)),
    get: (eventId, getOptions) => run(async () => reading("a look-up").get(eventId, getOptions)),
    exportEvents,
    proof: (eventId, proofOptions) => run(async () => reading("a proof").proof(eventId, proofOptions)),
    line: (eventId, getOptions) => run(async () => reading("a look-up").line(eventId, getOptions)),
    feed,
    flush: () =>
      run(async () => {
        await drain();
        return reads === undefined ? { status: "pending" } : reads.flush();
      }),
    health: () => run(async () => reading("a look at the service's health").health()),
    close,
    [Symbol.asyncDispose]: close,
  };
}
