/**
 * A thing made when it is first needed and then kept; what failed to be made is made anew the next time. What was checked
 * when it was made, and may not stay true, is made anew now and then.
 */
import { AuditServiceError } from "#lib/errors.ts";

export interface Renewal {
  /** Age from which it is made anew; where that fails for a reason that time may heal, the old one serves on. */
  readonly afterMs: number;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
}

/** @param renewal default: it is kept for ever */
export function once<T>(make: () => Promise<T>, renewal?: Renewal): () => Promise<T> {
  let made: Promise<T> | undefined;
  let madeMs = 0;
  return () => {
    const nowMs = renewal?.monotonicMs() ?? 0;
    const isOld = renewal !== undefined && nowMs - madeMs >= renewal.afterMs;
    if (made === undefined || isOld) {
      const old = made;
      const making = old === undefined ? make() : make().catch((error: unknown) => elseKept(old, error));
      made = making;
      madeMs = nowMs;
      making.catch(() => {
        if (made === making) made = undefined;
      });
    }
    return made;
  };
}

function elseKept<T>(old: Promise<T>, error: unknown): Promise<T> {
  if (error instanceof AuditServiceError && error.retryable) return old;
  throw error;
}
