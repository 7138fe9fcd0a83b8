/**
 * From whatever a client sent to a line that can be stored, or to every reason why not: normalise, validate, fill in
 * defaults, serialise. Synchronous, so that nothing a caller changes afterwards can reach the log.
 */
import type * as z from "zod";
import type { AuditEventInput, NewEvent } from "#event/audit-event.ts";
import {
  CATEGORIES,
  DEFAULT_CATEGORY,
  DEFAULT_LEVEL,
  DEFAULT_TENANT,
  EVENT_FIELDS,
  KnownMembers,
  LEVELS,
  tooManyEntries,
} from "#event/audit-event.ts";
import {
  MAX_ERRORS,
  MAX_CHANGES,
  MAX_EVENT_BYTES,
  MAX_FUTURE_MS,
  MAX_METADATA_BYTES,
  MAX_ON_BEHALF_OF,
  MAX_VALUE_DEPTH,
} from "#event/limits.ts";
import type { EncodedLine, NewLine } from "#event/stored-line.ts";
import { encodeLine } from "#event/stored-line.ts";
import { plainMessage } from "#event/schema-messages.ts";
import { valueProblems } from "#event/value-problems.ts";
import { canonicalJson, isPlainObject, NotJsonError } from "#lib/canonical-json.ts";
import type { FieldError } from "#lib/errors.ts";
import type { Instant } from "#lib/instant.ts";
import { compareInstants, instantFromMs, parseInstant } from "#lib/instant.ts";
import { childPointer, toPointer } from "#lib/json-pointer.ts";
import { fitsUtf8 } from "#lib/text.ts";

/** What the service adds to an event at acceptance. */
export interface Stamp {
  readonly receivedAtMs: number;
  /** The same moment as RFC 3339 UTC with milliseconds. */
  readonly receivedAt: string;
  /** Tenant of the caller's key; undefined while no keys are configured, when a body may name any. */
  readonly keyTenant: string | undefined;
  readonly newEventId: () => string;
  /** 16 random bytes, base64url. */
  readonly newSalt: () => string;
}

const MAX_SHOWN_NAME_CHARACTERS = 128;

/** Members of an event that stores find it by. */
export type LineMembers = Pick<
  NewEvent,
  "event_id" | "tenant_id" | "level" | "category" | "action" | "service_name" | "user_id" | "resource_id"
>;

/** An event ready to be stored: `text` is its line from now on. */
export interface PreparedLine extends EncodedLine {
  readonly event: LineMembers;
  readonly instant: Instant;
}

export type Preparation =
  | { readonly kind: "prepared"; readonly line: PreparedLine }
  | {
      readonly kind: "refused";
      readonly code: "validation-failed" | "payload-too-large";
      readonly errors: readonly FieldError[];
    };

/**
 * @param input attacker-controlled
 * @param fallbackEventId the id where the event names none; default `stamp.newEventId()`
 */
export function prepareEvent(input: unknown, stamp: Stamp, fallbackEventId?: string): Preparation {
  if (!isPlainObject(input)) return refused([{ path: "", message: "is not a JSON object" }]);
  const unknown = unknownMembers(input);
  const given = normalise(input);
  const tooLong = tooLongLists(given);
  if (tooLong.length > 0) return refused([...unknown, ...tooLong]);
  const parsed = KnownMembers.safeParse(given);
  if (!parsed.success || unknown.length > 0) {
    return refused([...unknown, ...schemaErrors(parsed.error?.issues ?? [])].slice(0, MAX_ERRORS));
  }
  const timestamp = parsed.data.timestamp;
  const instant = timestamp === undefined ? instantFromMs(stamp.receivedAtMs) : parseInstant(timestamp);
  if (typeof instant === "string") return refused([{ path: "/timestamp", message: instant }]);
  const errors = contextErrors(parsed.data, instant, stamp);
  if (errors.length > 0) return refused(errors);

  return serialise(fillDefaults(given, stamp, fallbackEventId), instant, stamp);
}

function refused(errors: readonly FieldError[]): Preparation {
  return { kind: "refused", code: "validation-failed", errors };
}

const NO_ERRORS: readonly FieldError[] = [];

function unknownMembers(input: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const keys = Object.keys(input);
  if (keys.every((key) => EVENT_FIELDS.has(key))) return NO_ERRORS;
  const errors: FieldError[] = [];
  for (const key of keys) {
    if (EVENT_FIELDS.has(key)) continue;
    errors.push({ path: memberPointer("", key), message: unknownField(key) });
    if (errors.length === MAX_ERRORS) break;
  }
  return errors;
}

/** Looked at before the schema, which would check a million entries before it counts them. */
function tooLongLists(given: Normalised): readonly FieldError[] {
  const { on_behalf_of: chain, changes } = given;
  if (chain === undefined && changes === undefined) return NO_ERRORS;
  const lists = [
    { path: "/on_behalf_of", list: chain, max: MAX_ON_BEHALF_OF },
    { path: "/changes", list: changes, max: MAX_CHANGES },
  ];
  return lists.flatMap(({ path, list, max }) =>
    Array.isArray(list) && list.length > max ? [{ path, message: tooManyEntries(list.length, max) }] : [],
  );
}

function memberPointer(path: string, key: string): string {
  return childPointer(path, key.slice(0, MAX_SHOWN_NAME_CHARACTERS));
}

function schemaErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    const path = toPointer(issue.path);
    if (issue.code !== "unrecognized_keys") errors.push({ path, message: plainMessage(issue) });
    else {
      for (const key of issue.keys.slice(0, MAX_ERRORS))
        errors.push({ path: memberPointer(path, key), message: "is not known here; correct its name" });
    }
    if (errors.length >= MAX_ERRORS) break;
  }
  return errors.slice(0, MAX_ERRORS);
}

type Normalised = Record<keyof AuditEventInput, unknown>;

/** Absent optional members become undefined, enumerations upper case, names trimmed. One object shape, for speed. */
function normalise(input: Readonly<Record<string, unknown>>): Normalised {
  return {
    action: trimmed(input["action"]),
    category: normaliseEnum(optional(input["category"])),
    changes: optional(input["changes"]),
    duration_ms: optional(input["duration_ms"]),
    error_code: optional(input["error_code"]),
    error_message: optional(input["error_message"]),
    event_id: optional(input["event_id"]),
    level: normaliseEnum(optional(input["level"])),
    message: optional(input["message"]),
    metadata: optional(input["metadata"]),
    on_behalf_of: optional(input["on_behalf_of"]),
    request_id: optional(input["request_id"]),
    resource_id: optional(input["resource_id"]),
    resource_type: optional(input["resource_type"]),
    service_name: trimmed(input["service_name"]),
    session_id: optional(input["session_id"]),
    source_ip: optional(input["source_ip"]),
    span_id: optional(input["span_id"]),
    stack_trace: optional(input["stack_trace"]),
    tenant_id: optional(input["tenant_id"]),
    timestamp: optional(input["timestamp"]),
    trace_id: optional(input["trace_id"]),
    user_agent: optional(input["user_agent"]),
    user_id: optional(input["user_id"]),
  };
}

function optional(value: unknown): unknown {
  return value === null || value === "" ? undefined : value;
}

function trimmed(value: unknown): unknown {
  return typeof value === "string" ? value.trim() : value;
}

function unknownField(key: string): string {
  if (key === "received_at" || key === "content_hash" || key === "conflicts" || key.startsWith("_")) {
    return "is set by the service and cannot be sent";
  }
  return "is not a field of an event; put it into metadata, or correct its name";
}

const VERBATIM: ReadonlySet<string> = new Set([...LEVELS, ...CATEGORIES]);

/** Levels and categories are taken in any case; WARNING is WARN. What is neither stays as it is, to be refused. */
export function normaliseEnum(value: unknown): unknown {
  if (typeof value !== "string" || VERBATIM.has(value)) return value;
  if (!/^[A-Za-z_]{1,32}$/.test(value)) return value; // the upper case of other letters can be ASCII
  const upper = value.toUpperCase();
  if (upper === "WARNING") return "WARN";
  return VERBATIM.has(upper) ? upper : value;
}

/** Rules that depend on more than the event itself. */
function contextErrors(event: AuditEventInput, instant: Instant, stamp: Stamp): readonly FieldError[] {
  const latest = instantFromMs(stamp.receivedAtMs + MAX_FUTURE_MS);
  const isTooNew = compareInstants(instant, latest) > 0;
  const isForeign =
    stamp.keyTenant !== undefined && event.tenant_id !== undefined && event.tenant_id !== stamp.keyTenant;
  if (!isTooNew && !isForeign) return NO_ERRORS;
  const errors: FieldError[] = [];
  if (isTooNew) {
    const message = `is more than ${MAX_FUTURE_MS / 60_000} minutes ahead of the service's clock, which reads ${stamp.receivedAt}`;
    errors.push({ path: "/timestamp", message });
  }
  if (isForeign) errors.push({ path: "/tenant_id", message: "is not the tenant of this key; leave it out" });
  return errors;
}

interface Filled {
  readonly event: NewEvent;
  /** Names of members that the sender left to the service, sorted. */
  readonly defaulted: readonly string[];
}

function fillDefaults(given: Normalised, stamp: Stamp, fallbackEventId: string | undefined): Filled {
  const defaulted: string[] = [];
  const fill = (name: keyof AuditEventInput, value: unknown): void => {
    given[name] = value;
    defaulted.push(name);
  };
  if (given.category === undefined) fill("category", DEFAULT_CATEGORY);
  given.event_id ??= fallbackEventId;
  if (given.event_id === undefined) fill("event_id", stamp.newEventId());
  if (given.level === undefined) fill("level", DEFAULT_LEVEL);
  if (given.message === undefined) fill("message", "");
  if (given.metadata === undefined) fill("metadata", {});
  given.tenant_id ??= stamp.keyTenant ?? DEFAULT_TENANT;
  if (given.timestamp === undefined) fill("timestamp", stamp.receivedAt);
  // cast: the schema has just accepted these very members (it transforms none), and the missing ones are filled in.
  return { event: given as unknown as NewEvent, defaulted };
}

function serialise({ event, defaulted }: Filled, instant: Instant, stamp: Stamp): Preparation {
  let line: NewLine;
  try {
    const metadata = canonicalJson(event.metadata, MAX_VALUE_DEPTH);
    if (!fitsUtf8(metadata, MAX_METADATA_BYTES)) {
      const message = `is ${Buffer.byteLength(metadata)} bytes serialised; the limit is ${MAX_METADATA_BYTES}`;
      return refused([{ path: "/metadata", message }]);
    }
    line = encodeLine({ event, defaulted, salt: stamp.newSalt(), metadata, receivedAt: stamp.receivedAt });
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    return refused(valueProblems(event));
  }
  if (line.isSuspicious) {
    const problems = valueProblems(event);
    if (problems.length > 0) return refused(problems);
  }
  if (!fitsUtf8(line.text, MAX_EVENT_BYTES)) {
    const bytes = sentBytes(event, defaulted);
    const message = `the event is ${bytes} bytes serialised; the limit is ${MAX_EVENT_BYTES}`;
    if (bytes > MAX_EVENT_BYTES)
      return { kind: "refused", code: "payload-too-large", errors: [{ path: "", message }] };
  }
  return { kind: "prepared", line: { text: line.text, contentHash: line.contentHash, event, instant } };
}

/** Size of the event as its sender wrote it, in canonical form: what the service has filled in does not count. */
function sentBytes(event: NewEvent, defaulted: readonly string[]): number {
  const sent = Object.entries(event).filter(
    ([name, value]) =>
      value !== undefined && !defaulted.includes(name) && !(name === "tenant_id" && value === DEFAULT_TENANT),
  );
  return Buffer.byteLength(canonicalJson(Object.fromEntries(sent), MAX_VALUE_DEPTH + 3));
}
