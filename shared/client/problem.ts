/**
 * Problem documents (RFC 9457) as the errors of this package: the code decides the class. A document is foreign input;
 * what is not understood becomes an error all the same, by its HTTP status.
 */
import * as z from "zod";
import type { BatchEntry } from "#client/audit-service.ts";
import type { AuditErrorCode, AuditErrorOptions } from "#lib/errors.ts";
import {
  AuditAccessError,
  AuditQueryError,
  AuditQueueError,
  AuditServiceError,
  AuditStorageError,
  AuditValidationError,
} from "#lib/errors.ts";

type ErrorClass = new (
  code: AuditErrorCode,
  message: string,
  options?: AuditErrorOptions,
) => AuditServiceError;

/** Codes that the API answers → the class that the same failure has in process. */
const CLASSES: Readonly<Record<AuditErrorCode, ErrorClass>> = {
  closed: AuditServiceError,
  "event-id-conflict": AuditValidationError,
  "event-not-found": AuditQueryError,
  "folder-locked": AuditStorageError,
  forbidden: AuditAccessError,
  "foreign-log": AuditStorageError,
  "headers-too-large": AuditValidationError,
  internal: AuditServiceError,
  "invalid-configuration": AuditServiceError,
  "invalid-cursor": AuditQueryError,
  "log-diverged": AuditStorageError,
  "malformed-json": AuditValidationError,
  "method-not-allowed": AuditServiceError,
  "not-yet-sealed": AuditQueryError,
  overloaded: AuditQueueError,
  "payload-too-large": AuditValidationError,
  "rate-limited": AuditQueueError,
  "request-timeout": AuditServiceError,
  "route-not-found": AuditServiceError,
  "storage-unavailable": AuditStorageError,
  unauthenticated: AuditAccessError,
  unreachable: AuditServiceError,
  "unsupported-media-type": AuditValidationError,
  "use-cursor": AuditQueryError,
  "validation-failed": AuditValidationError,
};

/** A code of a newer service is an `internal` error to this client; the message still says what it is. */
const Code = z.string().transform((code): AuditErrorCode => (isCode(code) ? code : "internal"));

function isCode(code: string): code is AuditErrorCode {
  return Object.hasOwn(CLASSES, code);
}

const FieldErrors = z.array(z.object({ path: z.string(), message: z.string() }));

const ProblemDocument = z.looseObject({
  code: Code,
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: FieldErrors.optional(),
});

/** Members of a problem document that are no details. */
const STANDARD_MEMBERS = new Set(["type", "title", "status", "detail", "instance", "code", "errors"]);

/** Statuses after which the same request can succeed: of the service, or of a gateway before it. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

export interface FailedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export function errorFromResponse({ status, headers, body }: FailedResponse): AuditServiceError {
  const parsed = ProblemDocument.safeParse(parseJson(body));
  const isEarly = parsed.success && parsed.data.code === "not-yet-sealed";
  const retryable = RETRYABLE_STATUSES.has(status) || isEarly;
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const retry = { retryable, ...(Number.isFinite(seconds) && retryable ? { retryAfterS: seconds } : {}) };
  if (!parsed.success) {
    const code = retryable ? "unreachable" : "internal";
    const message = `the service answered status ${status} without a problem document`;
    return new AuditServiceError(code, message, { ...retry, details: { status } });
  }
  const { code, title, detail, errors = [], ...rest } = parsed.data;
  const details = Object.fromEntries(Object.entries(rest).filter(([name]) => !STANDARD_MEMBERS.has(name)));
  const message = detail ?? title ?? `the service answered status ${status}`;
  return new CLASSES[code](code, message, { ...retry, errors, details });
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // no problem document; the status says what there is to say
  }
}

export const BatchResults = z.array(
  z.object({
    index: z.int(),
    status: z.enum(["accepted", "rejected"]),
    event_id: z.string().optional(),
    code: Code.optional(),
    errors: FieldErrors.optional(),
  }),
);

/**
 * What a refused batch of `count` events says about each of them, or undefined where the error is not about events.
 */
export function rejectedEntries(error: unknown, count: number): readonly BatchEntry[] | undefined {
  if (!(error instanceof AuditValidationError)) return undefined;
  const listed = BatchResults.safeParse(error.details["results"]);
  if (listed.success && listed.data.length > 0) return listed.data;
  const entries = new Map<number, { path: string; message: string }[]>();
  for (const { path, message } of error.errors) {
    const match = /^\/events\/(\d+)(.*)$/s.exec(path);
    if (match === null) continue;
    const index = Number(match[1]);
    const errors = entries.get(index) ?? [];
    errors.push({ path: match[2] ?? "", message });
    entries.set(index, errors);
  }
  const isAboutEvents = entries.size > 0 && [...entries.keys()].every((index) => index < count);
  if (!isAboutEvents) return undefined;
  return [...entries].map(([index, errors]) => ({ index, status: "rejected", code: error.code, errors }));
}
