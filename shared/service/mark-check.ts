/**
 * Keeps readers from answering of tables that lack what was stored: a table that was emptied, restored from a backup or
 * taken from elsewhere would be answered as authoritative nothing. Looked at once a minute, since a table may be replaced
 * under a warm process; a look that fails itself says nothing, and stops nobody.
 */
import { AuditStorageError } from "#lib/errors.ts";
import type { Probe } from "#service/health.ts";
import type { LeafStore } from "#service/log-ports.ts";
import type { EventStore } from "#service/ports.ts";
import type { ReadableMark } from "#service/table-mark.ts";
import { checkMarks } from "#service/table-mark.ts";
import type { Sleep } from "#service/waiting.ts";
import { withDeadline } from "#service/waiting.ts";

export interface MarkCheckParts {
  readonly marks: readonly ReadableMark[];
  /** Age in milliseconds from which what was seen is looked at again. */
  readonly afterMs: number;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
}

/** What a read waits for a look at most. */
const LOOK_DEADLINE_MS = 1_000;
/** A first start marks one table and then the other, some milliseconds apart. */
const SECOND_LOOK_MS = 500;

/** The store, whose events are read only while its tables belong together; `get`, `page` and `count` reject else. */
export function createCheckedStore(store: EventStore, parts: MarkCheckParts): EventStore {
  const check = createMarkCheck(parts);
  return {
    ...store,
    get: async (key) => {
      await check();
      return store.get(key);
    },
    page: async (plan) => {
      await check();
      return store.page(plan);
    },
    count: async (plan, maxMatches) => {
      await check();
      return store.count(plan, maxMatches);
    },
  };
}

/** Leaves, of which events are found only while the tables belong together. Lines are read by leaf without tables. */
export function createCheckedLeaves(leaves: LeafStore, parts: MarkCheckParts): LeafStore {
  const check = createMarkCheck(parts);
  return {
    findLeaf: async (key) => {
      await check();
      return leaves.findLeaf(key);
    },
    readLeaves: (from, end) => leaves.readLeaves(from, end),
  };
}

/** A probe that finds a store unhealthy also where its tables do not belong together, or do not tell. */
export function withMarks(probe: Probe, marks: readonly ReadableMark[]): Probe {
  return async () => {
    const looking = checkMarks(marks).then(
      () => undefined,
      (error: unknown) => (error instanceof AuditStorageError ? error.message : "the marks cannot be read"),
    );
    const [health, problem] = await Promise.all([probe(), looking]);
    if (problem === undefined || health.status === "unhealthy") return health;
    return { ...health, status: "unhealthy", problems: [...health.problems, problem] };
  };
}

/** After a refusal it is looked again each time, so that a restored table is read at once. */
function createMarkCheck({ marks, afterMs, monotonicMs, sleep }: MarkCheckParts): () => Promise<void> {
  let refused: AuditStorageError | undefined;
  let untilMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  const lookOnce = async (): Promise<AuditStorageError | undefined> => {
    let refusal = refused; // stays true where nothing can be seen
    const seeing = checkMarks(marks).then(
      () => {
        refusal = undefined;
      },
      (error: unknown) => {
        if (error instanceof AuditStorageError && !error.retryable) refusal = error;
      },
    );
    await withDeadline(seeing, LOOK_DEADLINE_MS, sleep);
    return refusal;
  };

  const look = async (): Promise<void> => {
    let refusal = await lookOnce();
    if (refusal !== undefined && refused === undefined) {
      await sleep(SECOND_LOOK_MS);
      refusal = await lookOnce();
    }
    refused = refusal;
    untilMs = monotonicMs() + afterMs;
  };

  return async () => {
    if (refused !== undefined || monotonicMs() >= untilMs) {
      looking ??= look().finally(() => {
        looking = undefined;
      });
      await looking;
    }
    if (refused !== undefined) throw refused;
  };
}
