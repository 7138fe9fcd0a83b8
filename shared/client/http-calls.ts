/**
 * The calls of the HTTP API that the client makes: what is sent, and how each answer is read. Answers are foreign
 * input as far as their outline goes; the events in them are taken as the service gives them.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as z from "zod";
import type {
  BatchReceipt,
  EventPage,
  ExportFormat,
  FlushReceipt,
  HealthReport,
} from "#client/audit-service.ts";
import { BatchResults } from "#client/problem.ts";
import { queryParameters, search } from "#client/query-parameters.ts";
import type { HttpAnswer, HttpCall, Transport } from "#client/transport.ts";
import type { StoredAuditEvent } from "#event/audit-event.ts";
import { MAX_BATCH_BODY_BYTES } from "#event/limits.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import { AuditQueryError, AuditServiceError } from "#lib/errors.ts";
import type { AuditQueryDraft } from "#query/audit-query.ts";

/** The service itself waits up to 10 s for a flush. */
const FLUSH_TIMEOUT_MS = 15_000;
/** Large bodies that compress well under the wire's limit are not worth more of the processor. */
const GZIP_LEVEL = 1;
const UNHEALTHY_STATUS = 503;

const gzipAsync = promisify(gzip);

const Event = z.custom<StoredAuditEvent>(isPlainObject);
const Page = z.looseObject({
  events: z.array(Event),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
  total_count: z.number().nullable(),
  query_duration_ms: z.number(),
});
const Receipt = z.object({
  events_logged: z.int(),
  event_ids: z.array(z.string()),
  results: BatchResults,
});
const Flushed = z.object({ status: z.enum(["flushed", "pending"]), pending: z.int().optional() });
const Health = z.looseObject({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  timestamp: z.string().optional(),
});

/** @param events each as JSON text */
export async function postBatch(
  transport: Transport,
  events: readonly string[],
  isAtomic = false,
): Promise<BatchReceipt> {
  const body = `{"events":[${events.join(",")}]}`;
  const target = isAtomic ? "/events/batch?atomic=true" : "/events/batch";
  const answer = await transport({ method: "POST", target, ...(await compressed(body)) });
  const header = answer.headers.get("audit-duplicates");
  const duplicates = header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
  return { ...readAnswer(Receipt, answer), ...(duplicates === undefined ? {} : { duplicates }) };
}

/** Bodies that pass the wire's limit go compressed. */
async function compressed(body: string): Promise<Pick<HttpCall, "body" | "headers">> {
  if (Buffer.byteLength(body) <= MAX_BATCH_BODY_BYTES) return { body };
  const packed = await gzipAsync(body, { level: GZIP_LEVEL });
  return { body: new Uint8Array(packed), headers: { "content-encoding": "gzip" } };
}

export async function fetchPage(transport: Transport, query: AuditQueryDraft): Promise<EventPage> {
  const body = JSON.stringify(query);
  return readAnswer(Page, await transport({ method: "POST", target: "/events/query", body }));
}

export async function fetchEvent(
  transport: Transport,
  eventId: string,
  tenantId: string | undefined,
): Promise<StoredAuditEvent | undefined> {
  try {
    const target = `/events/${encodeURIComponent(eventId)}${search({ tenant_id: tenantId })}`;
    return readAnswer(Event, await transport({ method: "GET", target }));
  } catch (error) {
    if (error instanceof AuditQueryError && error.code === "event-not-found") return undefined;
    throw error;
  }
}

/** Follows the links from chunk to chunk. */
export async function* fetchExport(
  transport: Transport,
  query: AuditQueryDraft,
  format: ExportFormat,
): AsyncGenerator<string> {
  let target: string | undefined = `/events/export?${queryParameters({ ...query, format }).toString()}`;
  while (target !== undefined) {
    const answer: HttpAnswer = await transport({ method: "GET", target });
    yield answer.text;
    target = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1];
  }
}

export async function postFlush(transport: Transport): Promise<FlushReceipt> {
  const call = { method: "POST", target: "/flush", body: "{}", timeoutMs: FLUSH_TIMEOUT_MS } as const;
  return readAnswer(Flushed, await transport(call));
}

export async function fetchHealth(transport: Transport): Promise<HealthReport> {
  return readAnswer(
    Health,
    await transport({ method: "GET", target: "/health", expected: [UNHEALTHY_STATUS] }),
  );
}

/** @throws AuditServiceError `internal` where something else than the audit service answers */
export function readAnswer<Schema extends z.ZodType>(schema: Schema, answer: HttpAnswer): z.infer<Schema> {
  const parsed = schema.safeParse(parseJson(answer.text));
  if (parsed.success) return parsed.data;
  const message = `the answer (status ${answer.status}) is not one of the audit service; is the address right?`;
  throw new AuditServiceError("internal", message, { cause: parsed.error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no answer of the service, which `read` says
  }
}
