/** What the index needs of a line that is read back from a file. Files may be damaged, so nothing is taken on trust. */
import type { IndexedEvent } from "#adapters/file/line-index.ts";
import { CATEGORIES, LEVELS } from "#event/audit-event.ts";
import { LINE_VERSION } from "#event/stored-line.ts";
import type { Instant } from "#lib/instant.ts";
import { parseInstant } from "#lib/instant.ts";

export interface IndexedLine {
  readonly event: IndexedEvent;
  readonly instant: Instant;
}

/** The index keeps seconds in 32 bits. */
const MAX_SECONDS = 2 ** 32 - 1;
const LEVEL_SET: ReadonlySet<unknown> = new Set(LEVELS);
const CATEGORY_SET: ReadonlySet<unknown> = new Set(CATEGORIES);

/** The line's index entry, or a sentence on why it cannot be served. */
export function readIndexedLine(text: string): IndexedLine | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is not JSON";
  }
  if (typeof value !== "object" || value === null) return "is not a JSON object";
  if (!("_v" in value) || value._v !== LINE_VERSION) {
    return `has format version ${"_v" in value ? JSON.stringify(value._v) : "none"}; this release reads ${LINE_VERSION}`;
  }
  if (!isIndexed(value)) return "lacks a member that every stored event has";
  const instant = parseInstant(value.timestamp);
  if (typeof instant === "string") return `has a timestamp that ${instant}`;
  if (instant.seconds > MAX_SECONDS) return "has a timestamp behind the year 2106";
  return { event: value, instant };
}

function isIndexed(value: object): value is IndexedEvent & { readonly timestamp: string } {
  return (
    hasText(value, "event_id") &&
    hasText(value, "tenant_id") &&
    hasText(value, "timestamp") &&
    hasText(value, "received_at") &&
    hasText(value, "action") &&
    hasText(value, "service_name") &&
    "level" in value &&
    LEVEL_SET.has(value.level) &&
    "category" in value &&
    CATEGORY_SET.has(value.category) &&
    isAbsentOrText(value, "user_id") &&
    isAbsentOrText(value, "resource_id")
  );
}

function hasText(value: object, name: string): boolean {
  const member: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return typeof member === "string" && member !== "";
}

function isAbsentOrText(value: object, name: string): boolean {
  return !Object.hasOwn(value, name) || hasText(value, name);
}
