/** Open until closed: refuses work after `close`, which first waits for the work that is under way. */
import { AuditServiceError } from "#lib/errors.ts";

export interface Lifecycle {
  /**
   * Does `work`, which takes its input before it first waits.
   * @throws AuditServiceError `closed`
   */
  readonly run: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Refuses new work, waits for what is under way, then lets go: once, however often it is called. */
  readonly close: () => Promise<void>;
}

export interface LifecycleOptions {
  /** Names the thing in the error, such as "the audit client". */
  readonly what: string;
  /** Called first by `close`: what is under way need not wait any longer than it must. */
  readonly hasten?: () => Promise<void>;
  /** Called last by `close`, when nothing is under way. */
  readonly letGo?: () => Promise<void>;
}

export function createLifecycle({ what, hasten, letGo }: LifecycleOptions): Lifecycle {
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const run: Lifecycle["run"] = async (work) => {
    if (closing !== undefined) throw new AuditServiceError("closed", `${what} is closed`);
    const result = work();
    underWay.add(result);
    try {
      return await result;
    } finally {
      underWay.delete(result);
    }
  };

  const finish = async (): Promise<void> => {
    await hasten?.();
    await Promise.allSettled(underWay);
    await letGo?.();
  };

  const close = async (): Promise<void> => {
    closing ??= finish();
    return closing;
  };

  return { run, close };
}
