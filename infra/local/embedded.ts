/**
 * The audit log in this very process: the use cases that the HTTP handlers call, behind the interface that the client
 * over HTTP has too. It acts for one caller, as a service without keys does.
 */
import { randomFillSync } from "node:crypto";
import type { AuditService, BatchReceipt, LoggableEvent } from "#client/audit-service.ts";
import { draftOf } from "#client/encode-event.ts";
import { createLifecycle } from "#client/lifecycle.ts";
import { DEFAULT_TENANT } from "#event/audit-event.ts";
import { AuditEventBuilder } from "#event/event-builder.ts";
import { readEvent } from "#event/stored-line.ts";
import type { FieldError } from "#lib/errors.ts";
import { createEmbeddedLog } from "#infra/local/embedded-log.ts";
import { createSleep } from "#infra/local/sleep.ts";
import { SOFTWARE_VERSION } from "#infra/local/software-version.ts";
import type { ReadableLog } from "#infra/local/unsealed-log.ts";
import { createUnsealedLog } from "#infra/local/unsealed-log.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { parseQuery, queryTenant } from "#query/audit-query.ts";
import type { AcceptedBatch } from "#service/accept.ts";
import { createAccept } from "#service/accept.ts";
import type { ExportChunk } from "#service/export.ts";
import { createExport } from "#service/export.ts";
import { createFind, readFoundPage } from "#service/find.ts";
import { createFlush } from "#service/flush.ts";
import { createHealth } from "#service/health.ts";
import type { EventQueue, EventStore } from "#service/ports.ts";

export interface EmbeddedOptions {
  readonly queue: EventQueue;
  readonly store: EventStore;
  /** What proofs and the feed are answered from. @default nothing is sealed */
  readonly log?: ReadableLog | undefined;
  /** `service_name` of events that name none; undefined: they are refused. */
  readonly serviceName: string | undefined;
  /** Lets go of queue and store, once nothing is under way. */
  readonly letGo: () => Promise<void>;
}

export function createEmbeddedService(options: EmbeddedOptions): AuditService {
  const { queue, store, log = createUnsealedLog(options.store), serviceName } = options;
  const clock = { nowMs: Date.now };
  const monotonicMs = (): number => performance.now();
  const startedAt = new Date().toISOString();
  const service = { name: serviceName ?? null, version: SOFTWARE_VERSION, started_at: startedAt };
  const stopping = new AbortController();
  const sleep = createSleep(stopping.signal);
  const identifiers = createIdentifiers({ ...clock, fillRandom: randomFillSync });
  const accept = createAccept({ queue, clock, identifiers });
  const find = createFind({ store, monotonicMs, sleep });
  const exportChunk = createExport({ store, monotonicMs });
  const flush = createFlush({ store, monotonicMs, sleep });
  const health = createHealth({ store, clock, monotonicMs, sleep, service });
  const hasten = async (): Promise<void> => stopping.abort();
  const { run, close } = createLifecycle({ what: "the audit service", hasten, letGo: options.letGo });
  const caller = { tenantId: undefined };
  const { proof, line, feed } = createEmbeddedLog(log, { run, monotonicMs, sleep });

  const exportEvents: AuditService["exportEvents"] = async function* exportEvents(
    draft = {},
    format = "jsonl",
  ) {
    const { limit, ...rest } = draft;
    const query = parseQuery(rest);
    const request = { tenantId: queryTenant(query, undefined), format, maxEvents: limit ?? undefined };
    let cursor = query.cursor;
    for (;;) {
      const page = cursor === undefined ? query : { ...query, cursor };
      const chunk: ExportChunk = await run(() => exportChunk({ ...request, query: page }));
      yield chunk.text;
      if (chunk.nextCursor === null) return;
      cursor = chunk.nextCursor;
    }
  };

  return {
    event: () => new AuditEventBuilder({ defaultService: serviceName }),
    log: (event) =>
      run(async () => {
        const { eventId } = await accept.one(draftOf(event, serviceName), { caller });
        return { event_id: eventId };
      }),
    logBatch: (events, { atomic = false } = {}) =>
      run(async () => {
        const { drafts, unbuilt } = buildAll(events, serviceName);
        const batch = await accept.batch({ events: drafts, problems: unbuilt }, { caller, isAtomic: atomic });
        return receiptOf(batch);
      }),
    query: (draft = {}) =>
      run(async () => {
        const query = parseQuery(draft);
        return readFoundPage(await find.page({ query, tenantId: queryTenant(query, undefined) }));
      }),
    get: (eventId, { tenantId = DEFAULT_TENANT } = {}) =>
      run(async () => {
        const json = await find.byId({ tenantId, eventId });
        return json === undefined ? undefined : readEvent(json);
      }),
    exportEvents,
    proof,
    line,
    feed,
    flush: () => run(() => flush({ tenantId: DEFAULT_TENANT, eventIds: [] })),
    health: () => run(async () => ({ ...(await health()) })),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface BuiltDrafts {
  readonly drafts: readonly unknown[];
  /** Why a builder could not be built, with paths into the batch. */
  readonly unbuilt: readonly FieldError[];
}

/** One builder that lacks a field is one rejected event, not a failed batch. */
function buildAll(events: readonly LoggableEvent[], serviceName: string | undefined): BuiltDrafts {
  const unbuilt: FieldError[] = [];
  const drafts = events.map((event, index): unknown => {
    try {
      return draftOf(event, serviceName);
    } catch (error) {
      if (!(error instanceof AuditValidationError)) throw error;
      for (const { path, message } of error.errors)
        unbuilt.push({ path: `/events/${index}${path}`, message });
      return undefined;
    }
  });
  return { drafts, unbuilt };
}

function receiptOf({ results, eventIds, duplicateCount }: AcceptedBatch): BatchReceipt {
  return { events_logged: eventIds.length, event_ids: eventIds, results, duplicates: duplicateCount };
}
