/** The one way in which sealing says that it stops because what it finds contradicts what was signed. */
import { AuditStorageError } from "#lib/errors.ts";

const WHAT_TO_DO =
  "nothing more is sealed until a human has looked, events are still taken; see docs/operations.md#log-diverged";

export interface Divergence {
  readonly cause?: unknown;
  /** Sizes, roots, keys: facts for a program. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** @param problem a sentence without a full stop that names both sides of the contradiction */
export function logDiverged(problem: string, divergence: Divergence = {}): AuditStorageError {
  return new AuditStorageError("log-diverged", `${problem}; ${WHAT_TO_DO}`, divergence);
}
