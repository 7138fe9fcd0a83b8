/**
 * Reading a stored line back: from a file, a queue or an archive, where it may have been damaged and where a newer
 * release may have written it. Nothing is taken on trust, and what cannot be used is named, never thrown.
 */
import type { LineMembers, PreparedLine } from "#event/prepare-event.ts";
import { CATEGORIES, EventId, LEVELS, TenantId } from "#event/audit-event.ts";
import { decodeLine, isStoredLine, LINE_VERSION } from "#event/stored-line.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { Instant } from "#lib/instant.ts";
import { parseInstant } from "#lib/instant.ts";

/** The members of a line of any version. */
export type ParsedLine = Readonly<Record<string, unknown>>;

/** Why a line cannot be used. */
export type UnusableLine =
  /** In a newer format than this release reads: sound, and to be left for a release that reads it. */
  | { readonly kind: "newer"; readonly version: number }
  /** `reason` completes the sentence "the line …" and quotes nothing of the line but its version. */
  | { readonly kind: "damaged"; readonly reason: string };

export type ReadMembers =
  | {
      readonly kind: "members";
      /** Every member of the line, those of `LineMembers` checked. */
      readonly event: LineMembers & { readonly received_at: string };
      readonly instant: Instant;
    }
  | UnusableLine;

export type ReadLine = { readonly kind: "line"; readonly line: PreparedLine } | UnusableLine;

/** RFC 3339 in UTC with milliseconds. */
const RECEIVED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const LEVEL_SET: ReadonlySet<unknown> = new Set(LEVELS);
const CATEGORY_SET: ReadonlySet<unknown> = new Set(CATEGORIES);

/**
 * A stored line as it was when it was prepared.
 * @param text without its newline
 */
export function readStoredLine(text: string): ReadLine {
  if (text.includes("\n")) return damaged("holds a newline");
  const read = readLineMembers(text);
  if (read.kind !== "members") return read;
  const { received_at: receivedAt } = read.event;
  // Stores count from it how long they keep the line.
  if (!RECEIVED_AT.test(receivedAt) || Number.isNaN(Date.parse(receivedAt)))
    return damaged("has a received_at that the service never gives");
  const { event_id, tenant_id, level, category, action, service_name, user_id, resource_id } = read.event;
  // Keys of stores are built of these two.
  if (!EventId.safeParse(event_id).success) return damaged("has an event_id that no event can have");
  if (!TenantId.safeParse(tenant_id).success) return damaged("has a tenant_id that no event can have");
  const event = { event_id, tenant_id, level, category, action, service_name, user_id, resource_id };
  const { contentHash } = decodeLine(text);
  return { kind: "line", line: { text, contentHash, event, instant: read.instant } };
}

/** What stores find a line by, without the cost of hashing its content. */
export function readLineMembers(text: string): ReadMembers {
  const value = parseLine(text);
  if (value === undefined) return damaged("is not a JSON object");
  const version = value["_v"];
  if (version !== LINE_VERSION) return otherVersion(version);
  if (!isStoredLine(text)) return damaged("is not in the form that this service writes");
  if (!hasMembers(value)) return damaged("lacks a member that every stored event has");
  const instant = parseInstant(value.timestamp);
  if (typeof instant === "string") return damaged(`has a timestamp that ${instant}`);
  return { kind: "members", event: value, instant };
}

/** The members of a line of any version, or undefined where it is no JSON object. */
export function parseLine(text: string): ParsedLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function damaged(reason: string): UnusableLine {
  return { kind: "damaged", reason };
}

function otherVersion(version: unknown): UnusableLine {
  if (version === undefined) return damaged(`has no format version; this release reads ${LINE_VERSION}`);
  const isNewer = typeof version === "number" && Number.isSafeInteger(version) && version > LINE_VERSION;
  if (isNewer) return { kind: "newer", version };
  return damaged(`has a format version that no release writes; this one reads ${LINE_VERSION}`);
}

function hasMembers(
  value: ParsedLine,
): value is ParsedLine & LineMembers & { readonly timestamp: string; readonly received_at: string } {
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
