/**
 * The archive as SQL sees it: one column for each member of a stored line, and a query that leaves out what stands there
 * twice. A batch object holds every line that reached it, winners and duplicates; outcome objects lie beside it.
 */
import { EVENT_FIELDS } from "#event/audit-event.ts";

export interface Column {
  readonly name: string;
  /** Hive type. */
  readonly type: string;
}

/** Before it there is no archive: the first partition that Athena may look for. */
export const FIRST_DAY = "2026-01-01";

/** Members that are no text; objects are kept as the JSON text that they are. */
const TYPES: Readonly<Record<string, string>> = {
  duration_ms: "double",
  _v: "int",
  _defaulted: "array<string>",
};

/** What the service adds to an event, which may differ when the same event is sent again. */
const STAMPS: readonly string[] = ["_v", "_salt", "_defaulted"];
const RECEIVED = "received_at";

const EVENT_MEMBERS = [...new Set([...EVENT_FIELDS, RECEIVED])];

export const ARCHIVE_COLUMNS: readonly Column[] = [...EVENT_MEMBERS, ...STAMPS].map((name) => ({
  name,
  type: TYPES[name] ?? "string",
}));

/** Lines are the same event where all that is content is the same; a timestamp that the service supplied is no content. */
export function eachEventOnce(database: string, table: string): string {
  const content = EVENT_MEMBERS.filter((name) => name !== RECEIVED).map((name) =>
    name === "timestamp" ? `IF(contains("_defaulted", 'timestamp'), NULL, "timestamp")` : `"${name}"`,
  );
  const members = EVENT_MEMBERS.map((name) => `"${name}"`).join(", ");
  return [
    `SELECT ${members}`,
    `FROM (SELECT *, row_number() OVER (`,
    `    PARTITION BY ${content.join(", ")}`,
    `    ORDER BY "${RECEIVED}") AS nth`,
    `  FROM "${database}"."${table}"`,
    `  WHERE dt = cast(current_date AS varchar)`,
    `    AND event_id IS NOT NULL)`,
    `WHERE nth = 1`,
    `ORDER BY "${RECEIVED}"`,
  ].join("\n");
}
