/**
 * Makes stored lines of what other services put on the queue `intake`: one event, or a list of them, as plain JSON or
 * packed. Whatever decides about an event comes from the queue and not from this run, so that a message that is
 * delivered again gets the same verdict and the same ids.
 */
import { DEFAULT_TENANT } from "#event/audit-event.ts";
import { MAX_BATCH_EVENTS } from "#event/limits.ts";
import { unpackMessage } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { assertNever } from "#lib/assert-never.ts";
import { isPlainObject } from "#lib/canonical-json.ts";
import type { AuditErrorCode, FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import { childPointer } from "#lib/json-pointer.ts";
import type { StrictJson } from "#lib/strict-json.ts";
import { parseStrictJson } from "#lib/strict-json.ts";
import { stampAt } from "#service/prepare-batch.ts";

/** A message as the queue gives it. */
export interface IntakeMessage {
  /** Given by the queue: letters, digits and hyphens. */
  readonly messageId: string;
  /** Given by the queue: `<role id>:<session>` where a role sent it. */
  readonly senderId: string;
  /** When the queue took it; milliseconds since 1970. */
  readonly sentAtMs: number;
  /** Attacker-controlled. */
  readonly body: string;
}

export interface IntakeDeps {
  /** Tenants by role id. Whoever is not named writes for the tenant `default`. */
  readonly tenants: Readonly<Record<string, string>>;
  /** Only its salts are used. */
  readonly identifiers: Identifiers;
}

/** An event, or a whole message, that can never be stored. */
export interface RefusedText {
  /** Place in the list; 0 where there is none. */
  readonly index: number;
  readonly code: AuditErrorCode;
  /** Paths into the event, or into the message where it is refused whole. */
  readonly errors: readonly FieldError[];
  /** What was sent, character for character. */
  readonly text: string;
}

export type StampedMessage =
  | {
      readonly kind: "stamped";
      readonly lines: readonly PreparedLine[];
      readonly refused: readonly RefusedText[];
    }
  /** In a format of a newer release, which will read it. */
  | { readonly kind: "newer"; readonly format: string };

/** Never throws because of what was sent. */
export function stampIntake(message: IntakeMessage, deps: IntakeDeps): StampedMessage {
  const unpacked = unpackMessage(message.body);
  switch (unpacked.kind) {
    case "newer":
      return unpacked;
    case "damaged":
      return refusedWhole(message.body, "malformed-json", [{ path: "", message: unpacked.reason }]);
    case "lines":
      return refusedWhole(message.body, "validation-failed", [
        { path: "", message: "holds stored lines, which only the service itself may send" },
      ]);
    case "plain":
      return stampText(unpacked.text, message, deps);
    case "events":
      return stampText(unpacked.json, message, deps);
    default:
      return assertNever(unpacked);
  }
}

function stampText(text: string, message: IntakeMessage, deps: IntakeDeps): StampedMessage {
  const parsed = parse(text);
  if (parsed instanceof AuditValidationError) {
    const errors = parsed.errors.length > 0 ? parsed.errors : [{ path: "", message: parsed.message }];
    return refusedWhole(text, parsed.code, errors);
  }
  const { value, problems } = parsed;
  const tenantId = tenantOf(message.senderId, deps.tenants);
  const stamp = stampAt(message.sentAtMs, tenantId, deps.identifiers);
  const fallbackId = `sqs:${message.messageId}`;
  if (!isPlainObject(value) || !Object.hasOwn(value, "events")) {
    if (problems.length > 0) return refusedWhole(text, "validation-failed", problems);
    const preparation = prepareEvent(value, stamp, fallbackId);
    if (preparation.kind === "prepared") return { kind: "stamped", lines: [preparation.line], refused: [] };
    return refusedWhole(text, preparation.code, preparation.errors);
  }
  const whole = listProblems(value, problems);
  if (whole.length > 0) return refusedWhole(text, "validation-failed", whole);
  const texts = entryTexts(text);
  const lines: PreparedLine[] = [];
  const refused: RefusedText[] = [];
  for (const [index, event] of eventsOf(value).entries()) {
    const own = problemsOf(index, problems);
    const preparation =
      own.length > 0
        ? ({ kind: "refused", code: "validation-failed", errors: own } as const)
        : prepareEvent(event, stamp, `${fallbackId}:${index}`);
    if (preparation.kind === "prepared") lines.push(preparation.line);
    else {
      const { code, errors } = preparation;
      refused.push({ index, code, errors, text: texts[index] ?? "" });
    }
  }
  return { kind: "stamped", lines, refused };
}

function parse(text: string): StrictJson | AuditValidationError {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (error instanceof AuditValidationError) return error;
    throw error;
  }
}

/** The session, behind the colon, is chosen by the sender. */
function tenantOf(senderId: string, tenants: Readonly<Record<string, string>>): string {
  const roleId = senderId.split(":", 1)[0] ?? "";
  return (Object.hasOwn(tenants, roleId) ? tenants[roleId] : undefined) ?? DEFAULT_TENANT;
}

const EVENT_PATH = /^\/events\/(\d+)(.*)$/s;
const MAX_SHOWN_NAME_CHARACTERS = 64;
const MAX_SHOWN_NAMES = 20;

/** What is wrong with the list as a whole: then it cannot be told which events are meant. */
function listProblems(
  value: Readonly<Record<string, unknown>>,
  problems: readonly FieldError[],
): readonly FieldError[] {
  const unknown = Object.keys(value)
    .filter((name) => name !== "events")
    .slice(0, MAX_SHOWN_NAMES)
    .map((name) => ({
      path: childPointer("", name.slice(0, MAX_SHOWN_NAME_CHARACTERS)),
      message: "is not a member of a list of events, which has only events",
    }));
  const outside = problems.filter(({ path }) => !EVENT_PATH.test(path));
  const { events } = value;
  if (!Array.isArray(events)) return [{ path: "/events", message: "is not an array" }, ...unknown];
  const isFitting = events.length > 0 && events.length <= MAX_BATCH_EVENTS;
  const size = `holds ${events.length} events; a message holds 1 to ${MAX_BATCH_EVENTS}`;
  return [...(isFitting ? [] : [{ path: "/events", message: size }]), ...unknown, ...outside];
}

function eventsOf({ events }: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(events) ? events : [];
}

function problemsOf(index: number, problems: readonly FieldError[]): readonly FieldError[] {
  return problems.flatMap(({ path, message }) => {
    const match = EVENT_PATH.exec(path);
    return match !== null && Number(match[1]) === index ? [{ path: match[2] ?? "", message }] : [];
  });
}

/** Depth of the entries' own brackets in `{"events":[entry, …]}`: outside of them it is 2. */
const ENTRY_DEPTH = 2;

/** The text of each entry of a list, as it was sent: a value read from it would not show a member given twice. */
function entryTexts(text: string): readonly string[] {
  const texts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (sign === "{" || sign === "[") {
      if (++depth === ENTRY_DEPTH) from = at + 1;
    } else if (sign === "}" || sign === "]") {
      if (depth-- === ENTRY_DEPTH) texts.push(text.slice(from, at).trim());
    } else if (sign === "," && depth === ENTRY_DEPTH) {
      texts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return texts;
}

function refusedWhole(text: string, code: AuditErrorCode, errors: readonly FieldError[]): StampedMessage {
  return { kind: "stamped", lines: [], refused: [{ index: 0, code, errors, text }] };
}
