/**
 * Events as JSON text for the wire, taken at the call. JSON.stringify would silently change what it cannot carry
 * (NaN, undefined, Date, lone surrogates); here that refuses the event, with the path. Each event gets an id before
 * it is first sent, which makes every retry safe.
 */
import type { LoggableEvent } from "#client/audit-service.ts";
import type { AuditEventDraft } from "#event/audit-event.ts";
import { AuditEventBuilder } from "#event/event-builder.ts";
import { MAX_VALUE_DEPTH } from "#event/limits.ts";
import {
  canonicalJson,
  isPlainObject,
  jsonProblems,
  mayHoldBadStrings,
  NotJsonError,
} from "#lib/canonical-json.ts";
import type { FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";

/** Containers around the values that MAX_VALUE_DEPTH limits: event, changes, change. */
const WRAPPING_DEPTH = 3;

export type Encoding =
  | { readonly kind: "encoded"; readonly json: string; readonly bytes: number; readonly eventId: string }
  | { readonly kind: "refused"; readonly errors: readonly FieldError[] };

export interface EncodeOptions {
  readonly newEventId: () => string;
  readonly defaultService: string | undefined;
}

export function encodeEvent(event: LoggableEvent, options: EncodeOptions): Encoding {
  let draft: unknown;
  try {
    draft = draftOf(event, options.defaultService);
  } catch (error) {
    if (!(error instanceof AuditValidationError)) throw error;
    return { kind: "refused", errors: error.errors };
  }
  const given = isPlainObject(draft) ? withId(draft, options.newEventId) : draft;
  const eventId = isPlainObject(given) ? String(given["event_id"]) : "";
  try {
    const json = canonicalJson(given, MAX_VALUE_DEPTH + WRAPPING_DEPTH);
    const problems = mayHoldBadStrings(json) ? problemsOf(given) : [];
    if (problems.length > 0) return { kind: "refused", errors: problems };
    return { kind: "encoded", json, bytes: Buffer.byteLength(json), eventId };
  } catch (error) {
    if (!(error instanceof NotJsonError)) throw error;
    return { kind: "refused", errors: problemsOf(given) };
  }
}

/**
 * The plain draft of what a caller logs, with the service it did not name.
 * @throws AuditValidationError `validation-failed` where a builder lacks a field
 */
export function draftOf(event: LoggableEvent, defaultService: string | undefined): AuditEventDraft {
  if (event instanceof AuditEventBuilder) {
    return defaultService === undefined ? event.build() : event.withDefaultService(defaultService).build();
  }
  const isNamed = !isPlainObject(event) || (event.service_name ?? "") !== "";
  return isNamed || defaultService === undefined ? event : { ...event, service_name: defaultService };
}

/** The draft without absent members and with an id. A member called __proto__ stays a member, refused by the service. */
function withId(draft: Readonly<Record<string, unknown>>, newEventId: () => string): Record<string, unknown> {
  const members = Object.entries(draft).filter(([, value]) => value !== undefined);
  const given = Object.fromEntries(members);
  if (given["event_id"] === undefined || given["event_id"] === null || given["event_id"] === "") {
    given["event_id"] = newEventId();
  }
  return given;
}

function problemsOf(draft: unknown): FieldError[] {
  return jsonProblems(draft, { path: "", maxDepth: MAX_VALUE_DEPTH + WRAPPING_DEPTH });
}
