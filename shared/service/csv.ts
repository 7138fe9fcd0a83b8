/**
 * Events as CSV (RFC 4180): one column per field of the contract's event table, in its order, and the content hash.
 * Cells that a spreadsheet would run as a formula are disarmed by an apostrophe in front.
 */
import type { StoredAuditEvent } from "#event/audit-event.ts";

export const CSV_COLUMNS = [
  "event_id",
  "timestamp",
  "level",
  "category",
  "action",
  "service_name",
  "user_id",
  "session_id",
  "request_id",
  "resource_type",
  "resource_id",
  "message",
  "metadata",
  "error_code",
  "error_message",
  "stack_trace",
  "duration_ms",
  "tenant_id",
  "received_at",
  "source_ip",
  "user_agent",
  "trace_id",
  "span_id",
  "on_behalf_of",
  "changes",
  "content_hash",
] as const satisfies readonly (keyof StoredAuditEvent)[];

const ROW_END = "\r\n";
/** How a cell begins that spreadsheets may take for a formula (OWASP, CSV Injection). */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

export const CSV_HEADER = CSV_COLUMNS.join(",") + ROW_END;

/** One event as a row with its line end. */
export function csvRow(event: StoredAuditEvent): string {
  return CSV_COLUMNS.map((column) => cell(event[column])).join(",") + ROW_END;
}

function cell(value: unknown): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
