/**
 * Beginnings of the events that applications send most, as builders to be completed: category, level and the fields
 * that belong to each, so that the same thing is called the same everywhere.
 */
import { AuditEventBuilder } from "#event/event-builder.ts";

const CLIENT_ERROR_STATUS = 400;
const SERVER_ERROR_STATUS = 500;

/**
 * A person or account did something: category USER_ACTION.
 * @throws AuditValidationError `validation-failed`, with the field named
 *
 * @example
 * ```ts
 * import { userAction } from "audit-service";
 *
 * console.log(userAction("alice", "report_exported").service("reports").build());
 * ```
 */
export function userAction(userId: string, action: string): AuditEventBuilder {
  return new AuditEventBuilder().category("USER_ACTION").user(userId).action(action);
}

export interface ApiRequest {
  /** Such as `GET`. */
  readonly method: string;
  /** Path of the request, ≤ 1,024 bytes. Leave secrets in query strings out. */
  readonly path: string;
  /** HTTP status answered. 4xx makes the event WARN, 5xx ERROR. */
  readonly status?: number;
  readonly durationMs?: number;
}

/**
 * A request was served: category API_REQUEST, action `api_request`, resource `endpoint` with the path; method and
 * status in `metadata.http`.
 * @throws AuditValidationError `validation-failed`, with the field named
 *
 * @example
 * ```ts
 * import { apiRequest } from "audit-service";
 *
 * const event = apiRequest({ method: "GET", path: "/orders/7", status: 404, durationMs: 3.2 });
 * console.log(event.service("orders").build().level); // "WARN"
 * ```
 */
export function apiRequest({ method, path, status, durationMs }: ApiRequest): AuditEventBuilder {
  const http = status === undefined ? { method, path } : { method, path, status };
  const outcome = status === undefined ? "" : ` answered ${status}`;
  const builder = new AuditEventBuilder()
    .category("API_REQUEST")
    .level(levelOfStatus(status))
    .action("api_request")
    .resource("endpoint", path)
    .message(`${method} ${path}${outcome}`)
    .metadata({ http });
  return durationMs === undefined ? builder : builder.duration(durationMs);
}

function levelOfStatus(status: number | undefined): "INFO" | "WARN" | "ERROR" {
  if (status === undefined || status < CLIENT_ERROR_STATUS) return "INFO";
  return status < SERVER_ERROR_STATUS ? "WARN" : "ERROR";
}

/**
 * Something failed: level ERROR, category ERROR_EVENT, with the error's `code` (or else its name), message and stack.
 * @param error whatever was caught; what is no Error is described by its text
 * @throws AuditValidationError `validation-failed`, with the field named
 *
 * @example
 * ```ts
 * import { errorEvent } from "audit-service";
 *
 * try {
 *   JSON.parse("{");
 * } catch (error) {
 *   console.log(errorEvent("config_read", error).service("billing").build().error_code); // "SyntaxError"
 * }
 * ```
 */
export function errorEvent(action: string, error: unknown): AuditEventBuilder {
  const { code, message, stack } = describeError(error);
  return new AuditEventBuilder().action(action).message(message).error(code, message, stack);
}

interface DescribedError {
  readonly code: string;
  readonly message: string;
  readonly stack: string | undefined;
}

function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error))
    return { code: "Error", message: String(error).trim() || "unknown", stack: undefined };
  const name = error.name.trim() || "Error";
  const code = "code" in error && typeof error.code === "string" && error.code !== "" ? error.code : name;
  return {
    code,
    message: error.message.trim() === "" ? name : error.message,
    stack: error.stack || undefined,
  };
}

/**
 * Data was read: category DATA_ACCESS, action `data_access` unless another is given to the builder.
 * @throws AuditValidationError `validation-failed`, with the field named
 *
 * @example
 * ```ts
 * import { dataAccess } from "audit-service";
 *
 * console.log(dataAccess("alice", "patient", "p-17").service("records").build());
 * ```
 */
export function dataAccess(userId: string, resourceType: string, resourceId: string): AuditEventBuilder {
  return new AuditEventBuilder()
    .category("DATA_ACCESS")
    .action("data_access")
    .user(userId)
    .resource(resourceType, resourceId);
}
