/** The one way in which sealing says that it stops because what it finds contradicts what was signed. */
import { AuditStorageError } from "#lib/errors.ts";

const WHAT_TO_DO = "nothing more is sealed until a human has looked, events are still taken";
const RUNBOOK = "log-diverged";

export interface Divergence {
  readonly cause?: unknown;
  /** Sizes, roots, keys: facts for a program. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Entry of docs/operations.md that says what to do. @default log-diverged */
  readonly runbook?: string;
}

/** @param problem a sentence without a full stop that names both sides of the contradiction */
export function logDiverged(problem: string, divergence: Divergence = {}): AuditStorageError {
  const { runbook = RUNBOOK, ...rest } = divergence;
  const message = `${problem}; ${WHAT_TO_DO}; see docs/operations.md#${runbook}`;
  return new AuditStorageError("log-diverged", message, rest);
}
