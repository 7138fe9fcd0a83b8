/**
 * The archive as SQL sees it: one column for each member of a stored line, and queries. Segments hold each event once; a batch
 * that is not sealed yet holds every line that reached it, winners and duplicates, and outcome objects lie beside it.
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

const MEMBERS = EVENT_MEMBERS.map((name) => `"${name}"`).join(", ");
/** Objects that lie beside the lines have no id. */
const OF_TODAY = "dt = cast(current_date AS varchar) AND event_id IS NOT NULL";

/** Segments hold each event once, and each object's name begins with its first leaf. */
export function sealedEvents(database: string, table: string): string {
  return [
    `SELECT ${MEMBERS}`,
    `FROM "${database}"."${table}"`,
    `WHERE ${OF_TODAY}`,
    `ORDER BY "$path", "${RECEIVED}"`,
  ].join("\n");
}

/**
 * Lines are the same event where all that is content is the same; a timestamp that the service supplied is no content. While
 * a batch is sealed its lines stand in both tables.
 */
export function eachEventOnce(database: string, tables: readonly string[]): string {
  const content = EVENT_MEMBERS.filter((name) => name !== RECEIVED).map((name) =>
    name === "timestamp" ? `IF(contains("_defaulted", 'timestamp'), NULL, "timestamp")` : `"${name}"`,
  );
  const lines = tables.map(
    (table) => `    SELECT ${MEMBERS}, "_defaulted" FROM "${database}"."${table}" WHERE ${OF_TODAY}`,
  );
  return [
    `SELECT ${MEMBERS}`,
    `FROM (SELECT *, row_number() OVER (`,
    `    PARTITION BY ${content.join(", ")}`,
    `    ORDER BY "${RECEIVED}") AS nth`,
    `  FROM (`,
    lines.join("\n    UNION ALL\n"),
    `  ))`,
    `WHERE nth = 1`,
    `ORDER BY "${RECEIVED}"`,
  ].join("\n");
}
