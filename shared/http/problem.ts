/**
 * Errors as HTTP answers: the only map from a code to a status, and problem documents (RFC 9457). An error that is
 * not one of ours becomes 500 with the request id and nothing else: what broke inside is for the log alone.
 */
import type { AuditErrorCode } from "#lib/errors.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** Codes that the HTTP API answers; the others belong to the library and the command line. */
export type ProblemCode = Exclude<
  AuditErrorCode,
  "closed" | "folder-locked" | "foreign-log" | "invalid-configuration" | "log-diverged" | "unreachable"
>;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  "malformed-json": { status: 400, title: "The body is not JSON" },
  "validation-failed": { status: 400, title: "The request is not valid" },
  "invalid-cursor": { status: 400, title: "The cursor is not valid" },
  "use-cursor": { status: 400, title: "The offset cannot be reached" },
  unauthenticated: { status: 401, title: "A key is needed" },
  forbidden: { status: 403, title: "Not allowed" },
  "route-not-found": { status: 404, title: "No such route" },
  "event-not-found": { status: 404, title: "No such event" },
  "not-yet-sealed": { status: 404, title: "Not sealed yet" },
  "method-not-allowed": { status: 405, title: "The route has no such method" },
  "request-timeout": { status: 408, title: "The request took too long to arrive" },
  "event-id-conflict": { status: 409, title: "The event id is taken by other content" },
  "payload-too-large": { status: 413, title: "The body or an event is too large" },
  "unsupported-media-type": { status: 415, title: "The body is of a kind that is not taken" },
  "rate-limited": { status: 429, title: "Too many requests" },
  "headers-too-large": { status: 431, title: "The header is too large" },
  internal: { status: 500, title: "An error of the service" },
  "storage-unavailable": { status: 503, title: "Events cannot be stored or read now" },
  overloaded: { status: 503, title: "The service is busy" },
};

/** An answer, as the gateways take it. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer whose body is text. */
export interface TextAnswer extends HttpAnswer {
  readonly body: string;
}

export const PROBLEM_TYPE = "application/problem+json";
/** Headers that every answer carries: no answer is to be guessed at, and none may be kept by a cache. */
export const COMMON_HEADERS = { "x-content-type-options": "nosniff", "cache-control": "no-store" } as const;

/** Members of `details` that the contract makes members of the problem document. */
const EXTENSIONS = ["events_logged", "event_ids", "results", "event_id"] as const;
/** Statuses that are worth a retry say when. */
const DEFAULT_RETRY_AFTER_S = 1;
const RETRY_STATUSES: ReadonlySet<number> = new Set([429, 503]);

/** The code that HTTP answers for an error of any kind. */
export function problemCode(error: unknown): ProblemCode {
  if (!(error instanceof AuditServiceError)) return "internal";
  if (error.code === "closed") return "overloaded"; // another process takes over, or this one starts again
  return isProblemCode(error.code) ? error.code : "internal";
}

/** @param error anything that was thrown */
export function problemAnswer(error: unknown, requestId: string): TextAnswer {
  const code = problemCode(error);
  const { status, title } = PROBLEMS[code];
  const known = error instanceof AuditServiceError && code !== "internal" ? error : undefined;
  const body = {
    type: `/docs#${code}`,
    title,
    status,
    ...(known === undefined ? {} : { detail: known.message }),
    code,
    ...(known === undefined || known.errors.length === 0 ? {} : { errors: known.errors }),
    request_id: requestId,
    ...(known === undefined ? {} : extensions(known)),
  };
  const headers: Record<string, string> = {
    "content-type": PROBLEM_TYPE,
    "x-request-id": requestId,
    ...COMMON_HEADERS,
  };
  const retryAfterS = known?.retryAfterS ?? (RETRY_STATUSES.has(status) ? DEFAULT_RETRY_AFTER_S : undefined);
  if (retryAfterS !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterS)));
  const allow = known?.details["allow"];
  if (typeof allow === "string") headers["allow"] = allow;
  if (code === "unsupported-media-type") headers["accept-encoding"] = "gzip";
  return { statusCode: status, headers, body: JSON.stringify(body) };
}

function extensions({ details }: AuditServiceError): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    EXTENSIONS.filter((name) => name in details).map((name) => [name, details[name]]),
  );
}

function isProblemCode(code: AuditErrorCode): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}
