/**
 * The stored line: one canonical JSON line (RFC 8785) per accepted event, the authority from acceptance on and never
 * serialised again. Format version 1, golden in `test/vectors`.
 *
 * Canonical order puts the members the service adds (`_defaulted`, `_salt`, `_v`) first and `received_at` between a
 * head (action … on_behalf_of) and a tail (request_id … user_id). The content hash is over head and tail alone, so
 * each member is serialised once, and both the content and the public form are cut out of a line without parsing it.
 */
import { hash } from "node:crypto";
import type { NewEvent, StoredAuditEvent } from "#event/audit-event.ts";
import { MAX_VALUE_DEPTH } from "#event/limits.ts";
import { canonicalJson, mayHoldBadStrings, quoted } from "#lib/canonical-json.ts";

export const LINE_VERSION = 1;

export interface EncodedLine {
  /** The exact stored line, without its newline. */
  readonly text: string;
  /** Lower-case hex SHA-256 of the canonical content. */
  readonly contentHash: string;
}

export interface NewLine extends EncodedLine {
  /** Whether the content may hold a lone surrogate or a NUL, which only a look at each value can tell. */
  readonly isSuspicious: boolean;
}

/** Containers of an event nest this deep around the values that MAX_VALUE_DEPTH limits: [ { path, before, after } ]. */
const WRAPPING_DEPTH = 2;

interface LineParts {
  readonly event: NewEvent;
  /** RFC 3339 UTC, milliseconds. */
  readonly receivedAt: string;
  /** Members that the service filled in, sorted. */
  readonly defaulted: readonly string[];
  /** 16 random bytes, base64url. */
  readonly salt: string;
  /** The event's metadata in canonical form. */
  readonly metadata: string;
}

/** @throws NotJsonError where a value has no canonical form */
export function encodeLine({ event, receivedAt, defaulted, salt, metadata }: LineParts): NewLine {
  const head =
    `"action":${quoted(event.action)},"category":"${event.category}"` +
    nested(',"changes":', event.changes) +
    nested(',"duration_ms":', event.duration_ms) +
    member(',"error_code":', event.error_code) +
    member(',"error_message":', event.error_message) +
    `,"event_id":"${event.event_id}","level":"${event.level}","message":${quoted(event.message)},"metadata":${metadata}` +
    nested(',"on_behalf_of":', event.on_behalf_of);
  const beforeTime =
    member(',"request_id":', event.request_id) +
    member(',"resource_id":', event.resource_id) +
    member(',"resource_type":', event.resource_type) +
    `,"service_name":${quoted(event.service_name)}` +
    member(',"session_id":', event.session_id) +
    member(',"source_ip":', event.source_ip) +
    member(',"span_id":', event.span_id) +
    member(',"stack_trace":', event.stack_trace) +
    `,"tenant_id":"${event.tenant_id}"`;
  const time = `,"timestamp":"${event.timestamp}"`;
  const afterTime = `${member(',"trace_id":', event.trace_id)}${member(',"user_agent":', event.user_agent)}${member(',"user_id":', event.user_id)}}`;

  const names = defaulted.length === 0 ? "" : `"${defaulted.join('","')}"`;
  const contentTime = defaulted.includes("timestamp") ? "" : time;
  const content = `{${head}${beforeTime}${contentTime}${afterTime}`;
  const contentHash = hash("sha256", content);
  // Hashing has made the content one flat string: the line is cut out of it, not put together from its parts again.
  const headEnd = 1 + head.length;
  const timeAt = headEnd + beforeTime.length;
  const text =
    `{"_defaulted":[${names}],"_salt":"${salt}","_v":${LINE_VERSION},${content.slice(1, headEnd)}` +
    `,"received_at":"${receivedAt}"${content.slice(headEnd, timeAt)}${time}${content.slice(timeAt + contentTime.length)}`;
  return { text, contentHash, isSuspicious: mayHoldBadStrings(content) };
}

function member(name: string, value: string | undefined): string {
  return value === undefined ? "" : name + quoted(value);
}

function nested(name: string, value: unknown): string {
  return value === undefined ? "" : name + canonicalJson(value, MAX_VALUE_DEPTH + WRAPPING_DEPTH);
}

/** What the service puts before the event's own members. */
const PREFIX = /^\{"_defaulted":\[([^\]]*)\],"_salt":"[\w-]*","_v":1,/;
const RECEIVED_AT = ',"received_at":"';
const TIMESTAMP = ',"timestamp":"';

/** An event read back from its line. */
export interface DecodedLine {
  readonly contentHash: string;
  /** The event as the API answers it, as JSON text: `content_hash` first, then the members in canonical order. */
  readonly json: string;
}

/** Whether `decodeLine` takes `text`, which must be JSON: files may rot, and one such line must not stop a page. */
export function isStoredLine(text: string): boolean {
  return PREFIX.test(text) && text.includes(RECEIVED_AT);
}

/**
 * Cuts content and public form out of a version 1 line, in which members stand in canonical order.
 * @throws RangeError where `text` is no such line
 */
export function decodeLine(text: string): DecodedLine {
  const prefix = PREFIX.exec(text);
  // Behind received_at every value is a string, and inside a string a quote is escaped: the last match is the member.
  const receivedAt = text.lastIndexOf(RECEIVED_AT);
  if (prefix === null || receivedAt === -1) throw new RangeError("not a stored line of format version 1");
  const head = text.slice(prefix[0].length, receivedAt);
  let tail = text.slice(text.indexOf('"', receivedAt + RECEIVED_AT.length) + 1);
  if (prefix[1]?.includes('"timestamp"') === true) {
    const from = tail.indexOf(TIMESTAMP);
    tail = tail.slice(0, from) + tail.slice(tail.indexOf('"', from + TIMESTAMP.length) + 1);
  }
  const contentHash = hash("sha256", `{${head}${tail}`);
  return { contentHash, json: publicJson({ text, contentHash }) };
}

/** The event as the API answers it, as JSON text: `content_hash` first, then its members in canonical order. */
export function publicJson({ text, contentHash }: EncodedLine): string {
  return `{"content_hash":"${contentHash}",${text.replace(PREFIX, "")}`;
}

/**
 * When a line was accepted, in milliseconds since 1970.
 * @param text of a sound line, in which `received_at` is the last match: behind it stand only strings, whose quotes are escaped
 */
export function receivedAtMs(text: string): number {
  const from = text.lastIndexOf(RECEIVED_AT) + RECEIVED_AT.length;
  return Date.parse(text.slice(from, text.indexOf('"', from)));
}

/** The event of a line as a value, for callers in the same process. */
export function readEvent(json: string): StoredAuditEvent {
  // cast: the text was cut from a line that this service validated before it stored it.
  return JSON.parse(json) as StoredAuditEvent;
}
