/**
 * Trying again what DynamoDB did not take: pauses that grow, with full jitter, up to a deadline. The SDK retries whole
 * calls a few times; this is for parts of a batch, and for calls that are still throttled behind that.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";

/** Time and chance, passed in where tests drive them. */
export interface Timing {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

export const SYSTEM_TIMING: Timing = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms) => {
    await pause(ms);
  },
  random: () => Math.random(),
};

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Whether the whole call was throttled or met a passing fault; it may have been done, and may be sent again. */
export function isPassing(cause: unknown): boolean {
  return isVendorError(
    cause,
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
    "TransactionConflictException",
    "TransactionInProgressException",
    "TimeoutError",
  );
}

export interface Retry {
  /** For the error: what was asked for. */
  readonly what: string;
  /** Milliseconds from the first attempt within which another may begin. */
  readonly deadlineMs: number;
  readonly timing: Timing;
}

/** Answers a function that waits before another attempt, or throws once the deadline has passed. */
export function createBackOff({ what, deadlineMs, timing }: Retry): (cause: unknown) => Promise<void> {
  const deadline = timing.monotonicMs() + deadlineMs;
  let longestMs = FIRST_PAUSE_MS;
  return async (cause) => {
    const pauseMs = timing.random() * longestMs;
    if (timing.monotonicMs() + pauseMs >= deadline) throw storageError(what, cause);
    longestMs = Math.min(longestMs * 2, LONGEST_PAUSE_MS);
    await timing.sleep(pauseMs);
  };
}
