/**
 * Turns what an AWS client throws into the error of this service, for every adapter of this folder. The vendor's error
 * stays on as the cause; its message does not travel, because it may repeat parts of a request.
 */
import { AuditStorageError } from "#lib/errors.ts";

/** The call itself is wrong, and will be: an item that is too large, a key given twice, a fault of this code. */
const NEVER_PASSING = new Set([
  "ValidationException",
  "ValidationError",
  "SerializationException",
  "TypeError",
  "RangeError",
]);

/**
 * The error for a call to AWS that did not work; one of our own passes through unchanged.
 * @param what the thing that was asked for, as a noun phrase: "the insert of 25 events"
 * @returns code `storage-unavailable`; retryable unless the call itself is wrong: nothing is known of what was done, and
 * every call of this folder is safe to repeat. `details` name the vendor's error and request
 */
export function storageError(what: string, cause: unknown): AuditStorageError {
  if (cause instanceof AuditStorageError) return cause;
  const { name, requestId, statusCode } = vendorFacts(cause);
  return new AuditStorageError("storage-unavailable", `${what} was answered by ${name}`, {
    cause,
    retryable: !NEVER_PASSING.has(name),
    details: {
      vendorError: name,
      ...(requestId !== undefined && { requestId }),
      ...(statusCode !== undefined && { statusCode }),
    },
  });
}

/** Whether an AWS client threw an error of one of these names. */
export function isVendorError(cause: unknown, ...names: readonly string[]): boolean {
  return names.includes(vendorFacts(cause).name);
}

interface VendorFacts {
  readonly name: string;
  readonly requestId: string | undefined;
  readonly statusCode: number | undefined;
}

/** `name` and `$metadata` of an SDK exception; network errors carry a `code` instead, which says more than their name. */
function vendorFacts(cause: unknown): VendorFacts {
  if (typeof cause !== "object" || cause === null)
    return { name: "an unknown error", requestId: undefined, statusCode: undefined };
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  const name = "name" in cause && typeof cause.name === "string" ? cause.name : "an unknown error";
  const metadata = "$metadata" in cause && typeof cause.$metadata === "object" ? cause.$metadata : null;
  const requestId =
    metadata !== null && "requestId" in metadata && typeof metadata.requestId === "string"
      ? metadata.requestId
      : undefined;
  const statusCode =
    metadata !== null && "httpStatusCode" in metadata && typeof metadata.httpStatusCode === "number"
      ? metadata.httpStatusCode
      : undefined;
  return { name: name === "Error" && code !== undefined ? code : name, requestId, statusCode };
}
