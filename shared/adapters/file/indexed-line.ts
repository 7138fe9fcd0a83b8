/** What the index needs of a line that is read back from a file. Files may be damaged, so nothing is taken on trust. */
import type { IndexedEvent } from "#adapters/file/line-index.ts";
import { CATEGORIES, LEVELS } from "#event/audit-event.ts";
import { isStoredLine, LINE_VERSION } from "#event/stored-line.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { Instant } from "#lib/instant.ts";
import { parseInstant } from "#lib/instant.ts";

interface ReadLine {
  readonly event: IndexedEvent;
  readonly instant: Instant;
}

/** The index keeps seconds in 32 bits. */
const MAX_SECONDS = 2 ** 32 - 1;
const LEVEL_SET: ReadonlySet<unknown> = new Set(LEVELS);
const CATEGORY_SET: ReadonlySet<unknown> = new Set(CATEGORIES);

/** The line's index entry, or a sentence on why it cannot be served. */
export function readIndexedLine(text: string): ReadLine | string {
  const value = parseLine(text);
  if (value === undefined) return "is not a JSON object";
  const version = value["_v"];
  if (version !== LINE_VERSION) {
    const found = version === undefined ? "no format version" : `format version ${JSON.stringify(version)}`;
    return `has ${found}; this release reads version ${LINE_VERSION}`;
  }
  if (!isStoredLine(text)) return "is not in the form that this service writes";
  if (!isIndexed(value)) return "lacks a member that every stored event has";
  const instant = parseInstant(value.timestamp);
  if (typeof instant === "string") return `has a timestamp that ${instant}`;
  if (instant.seconds > MAX_SECONDS) return "has a timestamp behind the year 2106";
  return { event: value, instant };
}

/** The members of a stored line, or undefined where it is none any more: files may rot at any time. */
export function parseStoredLine(text: string): Members | undefined {
  return isStoredLine(text) ? parseLine(text) : undefined;
}

/** The members of a line of any version, or undefined where it is no JSON object. */
export function parseLine(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

type Members = Readonly<Record<string, unknown>>;

function isIndexed(value: Members): value is Members & IndexedEvent & { readonly timestamp: string } {
  return (
    isText(value["event_id"]) &&
    isText(value["tenant_id"]) &&
    isText(value["timestamp"]) &&
    isText(value["received_at"]) &&
    isText(value["action"]) &&
    isText(value["service_name"]) &&
    LEVEL_SET.has(value["level"]) &&
    CATEGORY_SET.has(value["category"]) &&
    (value["user_id"] === undefined || isText(value["user_id"])) &&
    (value["resource_id"] === undefined || isText(value["resource_id"]))
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
