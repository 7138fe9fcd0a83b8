/**
 * The errors of the whole service: one base class with a stable `code`, and one subclass per area.
 * Codes are public and never change; messages may. Only `shared/http/problem.ts` maps a code to an HTTP status.
 */

/** One thing wrong with an input. `path` is a JSON Pointer (RFC 6901) into it; "" is the whole. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** Every code that a caller can meet; the OpenAPI document lists those that travel over HTTP. */
export type AuditErrorCode =
  | "closed"
  | "event-id-conflict"
  | "event-not-found"
  | "folder-locked"
  | "forbidden"
  | "foreign-log"
  | "headers-too-large"
  | "internal"
  | "invalid-configuration"
  | "invalid-cursor"
  | "log-diverged"
  | "malformed-json"
  | "method-not-allowed"
  | "not-yet-sealed"
  | "overloaded"
  | "payload-too-large"
  | "rate-limited"
  | "request-timeout"
  | "route-not-found"
  | "storage-unavailable"
  | "unauthenticated"
  | "unreachable"
  | "unsupported-media-type"
  | "use-cursor"
  | "validation-failed";

export interface AuditErrorOptions {
  readonly cause?: unknown;
  /** What is wrong, member by member, where the error is about an input. */
  readonly errors?: readonly FieldError[];
  /** Facts for a program that handles the error; never secrets or event payloads. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Whether the same call can succeed later without being changed. @default false */
  readonly retryable?: boolean;
  /** Seconds after which a retry makes sense; only with `retryable`. */
  readonly retryAfterS?: number;
}

/** Base of every error that this package throws. */
export class AuditServiceError extends Error {
  readonly code: AuditErrorCode;
  readonly retryable: boolean;
  readonly errors: readonly FieldError[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterS: number | undefined;

  constructor(code: AuditErrorCode, message: string, options: AuditErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.errors = options.errors ?? [];
    this.details = options.details ?? {};
    this.retryAfterS = options.retryAfterS;
  }
}

/** An input breaks a rule of the contract; nothing was stored because of it. */
export class AuditValidationError extends AuditServiceError {}

/** The storage cannot do what it was asked; what was acknowledged before is unharmed. */
export class AuditStorageError extends AuditServiceError {}

/** A query, cursor or lookup cannot be answered as asked. */
export class AuditQueryError extends AuditServiceError {}

/** Events cannot be taken at the moment; the caller keeps them and tries again. */
export class AuditQueueError extends AuditServiceError {}

/** The caller may not do this. */
export class AuditAccessError extends AuditServiceError {}
