/**
 * Everything that matches a query, as text in chunks of at most 4 MiB. Chunks joined are one file: the header of a
 * CSV stands in the first chunk only, and there always. Each chunk names where the next begins, as a cursor.
 */
import { readEvent } from "#event/stored-line.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditServiceError, AuditValidationError } from "#lib/errors.ts";
import { parseInstant } from "#lib/instant.ts";
import type { AuditQuery } from "#query/audit-query.ts";
import { decodeCursor, encodeCursor } from "#query/cursor.ts";
import type { Position } from "#query/plan.ts";
import { planQuery } from "#query/planner.ts";
import { CSV_HEADER, csvRow } from "#service/csv.ts";
import { foundJson } from "#service/found-json.ts";
import type { EventStore, FoundLine } from "#service/ports.ts";

export const EXPORT_FORMATS = ["jsonl", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportRequest {
  readonly tenantId: string;
  /** Filters, order and cursor; its `limit` is not looked at. */
  readonly query: AuditQuery;
  readonly format: ExportFormat;
  /** Events in a chunk at most; default as many as fit. */
  readonly maxEvents?: number | undefined;
}

export interface ExportChunk {
  /** Whole lines; may be empty although more follows. */
  readonly text: string;
  readonly events: number;
  /** `cursor` of the query for the next chunk; null after the last. */
  readonly nextCursor: string | null;
}

export interface ExportDependencies {
  readonly store: EventStore;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
}

/** A Lambda function answers at most 6 MB. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
/** A chunk that searches long ends early, perhaps empty: the next one goes on. */
const CHUNK_BUDGET_MS = 2000;
const MAX_PAGE_EVENTS = 1000;

/**
 * @returns a function that throws AuditQueryError `invalid-cursor`, AuditValidationError `validation-failed` where the
 *   query has members that make no sense in an export, and AuditStorageError `storage-unavailable`
 */
export function createExport({
  store,
  monotonicMs,
}: ExportDependencies): (request: ExportRequest) => Promise<ExportChunk> {
  return async ({ tenantId, query, format, maxEvents = Number.POSITIVE_INFINITY }) => {
    refuseSenseless(query);
    const deadline = monotonicMs() + CHUNK_BUDGET_MS;
    const scope = { tenantId, query };
    let after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, scope);
    const chunk = new Chunk(format, after === undefined && format === "csv" ? CSV_HEADER : "");
    for (;;) {
      const limit = Math.min(MAX_PAGE_EVENTS, maxEvents - chunk.events, chunk.roomForEvents());
      const page = await store.page(planQuery({ ...query, limit }, { tenantId, after }));
      const cutAt = chunk.addAll(page.lines);
      after = cutAt ?? page.next;
      if (after === undefined) return chunk.finish(null);
      const isFull = cutAt !== undefined || chunk.events >= maxEvents;
      if (isFull || monotonicMs() >= deadline) return chunk.finish(encodeCursor(after, scope));
    }
  };
}

/** A chunk while it is filled. */
class Chunk {
  events = 0;
  private readonly format: ExportFormat;
  private readonly parts: string[];
  private bytes: number;
  private lastJson: string | undefined;

  constructor(format: ExportFormat, beginning: string) {
    this.format = format;
    this.parts = [beginning];
    this.bytes = beginning.length;
  }

  /** How many events of the size seen so far would fit, at least 1. */
  roomForEvents(): number {
    if (this.events === 0) return MAX_PAGE_EVENTS;
    const eventBytes = this.bytes / this.events;
    return Math.max(1, Math.floor((MAX_CHUNK_BYTES - this.bytes) / eventBytes));
  }

  /** Adds lines while they fit; answers the place of the last one in the chunk where one did not. */
  addAll(lines: readonly FoundLine[]): Position | undefined {
    for (const line of lines) {
      const json = foundJson(line);
      const text = this.format === "csv" ? csvRow(readEvent(json)) : `${json}\n`;
      const bytes = Buffer.byteLength(text);
      if (this.bytes + bytes > MAX_CHUNK_BYTES && this.lastJson !== undefined) return place(this.lastJson);
      this.parts.push(text);
      this.bytes += bytes;
      this.events++;
      this.lastJson = json;
    }
    return undefined;
  }

  finish(nextCursor: string | null): ExportChunk {
    return { text: this.parts.join(""), events: this.events, nextCursor };
  }
}

function place(json: string): Position {
  const event = readEvent(json);
  const instant = parseInstant(event.timestamp);
  if (typeof instant === "object") return { instant, eventId: event.event_id };
  throw new AuditServiceError("internal", `the timestamp of the stored event ${event.event_id} ${instant}`);
}

function refuseSenseless(query: AuditQuery): void {
  const errors: FieldError[] = [];
  const refuse = (name: string, instead: string): void => {
    errors.push({ path: `/${name}`, message: `is not part of an export${instead}` });
  };
  if (query.offset > 0) refuse("offset", "; follow the link of each chunk");
  if (query.include_total) refuse("include_total", "");
  if (query.explain) refuse("explain", "; ask for a page");
  const first = errors[0];
  if (first === undefined) return;
  throw new AuditValidationError("validation-failed", `${first.path.slice(1)} ${first.message}`, { errors });
}
