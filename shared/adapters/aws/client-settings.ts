/**
 * What the AWS clients of a process have in common: a deadline on every connection, call and answer, and few tries, because
 * callers above have retries and deadlines of their own. Region, credentials and endpoints are found by the SDK itself.
 */

/** Single-digit milliseconds are usual; a connection that takes longer than this is broken. */
const CONNECTION_TIMEOUT_MS = 1_000;
/** The first attempt and two more. */
const MAX_ATTEMPTS = 3;

export interface ClientSettings {
  readonly maxAttempts: number;
  readonly retryMode: "standard";
  /** Milliseconds; members as the SDK names them. */
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly socketTimeout: number;
    readonly throwOnRequestTimeout: true;
  };
}

/** @param requestTimeoutMs of one attempt, and of silence within an answer */
export function clientSettings(requestTimeoutMs: number): ClientSettings {
  return {
    maxAttempts: MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      socketTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}
