/**
 * Sealing the log of a folder on this machine, one pass at a time: each covers what was durable when it began. Used by the
 * thread of the server that seals, and by programs that open the folder for a moment.
 */
import type { DurableIo } from "#adapters/file/durable-file.ts";
import { nodeDurableIo } from "#adapters/file/durable-file.ts";
import { createFileLogLedger } from "#adapters/file/file-log-ledger.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import { createFileSealSource } from "#adapters/file/file-seal-source.ts";
import { restoreTiles, settleStaging } from "#adapters/file/kept-staging.ts";
import type { UncertainLines } from "#adapters/file/line-numbers.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { logPaths } from "#adapters/file/log-folder.ts";
import { LineCursor } from "#adapters/file/line-cursor.ts";
import { openLogKeys } from "#adapters/file/log-keys.ts";
import { mendTiles } from "#adapters/file/mend-tiles.ts";
import type { SharedTail } from "#adapters/file/log-tail.ts";
import { LogTail } from "#adapters/file/log-tail.ts";
import { createHttpWitness } from "#adapters/web/http-witness.ts";
import type { WitnessAddress } from "#functions/log-variables.ts";
import { logDiverged } from "#service/log-diverged.ts";
import { createLogIdentity } from "#service/log-identity.ts";
import type { LogLedger, SealSource } from "#service/log-ports.ts";
import { createSealer } from "#service/seal.ts";

/** What sealing is told; can be handed to another thread. */
export interface SealingPlan {
  /** The live file of the log. */
  readonly path: string;
  readonly tail: SharedTail;
  readonly uncertain: readonly UncertainLines[];
  readonly origin: string | undefined;
  /** undefined: others ask them. */
  readonly witnesses: readonly WitnessAddress[] | undefined;
  /** Leaves of one seal at most. */
  readonly maxLines?: number | undefined;
}

/** How far the log is sealed. */
export interface SealedSoFar {
  readonly size: number;
  /** When it was sealed: milliseconds since 1970. */
  readonly sealedAtMs: number;
}

export interface SealPassOptions {
  /** Nothing more is begun once it says so. */
  readonly isOverdue: () => boolean;
  /** Called after each seal. */
  readonly onSealed?: (soFar: SealedSoFar) => void;
  /** Called where tiles are lost, before they are made again. */
  readonly onMending?: (problem: string) => void;
}

export interface PassOutcome extends SealedSoFar {
  /** What witnesses did not do, for a human. */
  readonly problems: readonly string[];
}

export interface SealPasses {
  /**
   * One pass at a time.
   * @throws AuditStorageError `log-diverged`, `storage-unavailable`
   */
  readonly run: (options: SealPassOptions) => Promise<PassOutcome>;
  readonly close: () => void;
}

/** What is left waits for the next pass, at the latest for a quiet time. */
const MAX_SETTLE_MS = 500;

/** @throws AuditServiceError `invalid-configuration` where a key cannot be used, or another origin is asked for */
export function createSealPasses(plan: SealingPlan, io: DurableIo = nodeDurableIo): SealPasses {
  const paths = logPaths(plan.path);
  const tail = new LogTail(plan.tail);
  const { origin, log, freshness } = openLogKeys(paths, plan.origin);
  const store = createFileLogStore({ folder: paths.folder, io });
  const ledger = createFoundedLedger(paths, io);
  const { uncertain, maxLines } = plan;
  const lines = createFileSealSource({ paths, tail, store, ledger, uncertain, maxLines });
  let begun: SealPassOptions = { isOverdue: () => false };
  let durableLines = 0;

  const soFar = async (): Promise<SealedSoFar> => {
    const head = await ledger.readHead();
    const size = Number(head?.checkpoint.split("\n", 2)[1] ?? 0);
    return { size, sealedAtMs: head?.sealedAtMs ?? 0 };
  };
  const source: SealSource = {
    ...lines,
    next: async (size) => {
      const isCovered = size >= durableLines && size < tail.durableLines;
      return isCovered || begun.isOverdue() ? undefined : lines.next(size);
    },
    tidy: async (batches) => {
      await lines.tidy(batches);
      begun.onSealed?.(await soFar());
    },
  };
  const sealer = createSealer({
    origin,
    signers: [log],
    cosigner: freshness,
    ledger,
    store,
    source,
    witnesses: plan.witnesses?.map(createHttpWitness),
    clock: { nowMs: Date.now },
  });

  let isRestored = false;
  const restore = async ({ isOverdue, onMending = () => undefined }: SealPassOptions): Promise<void> => {
    await restoreTiles({ store, ledger });
    const stored = await ledger.readHead();
    if (stored === undefined) return;
    const head = createLogIdentity({ origin, signers: [log], cosigner: freshness }).read(
      stored.checkpoint,
      "head of the log",
    );
    const cursor = new LineCursor({ paths, tail });
    try {
      await mendTiles({ folder: paths.folder, store, ledger, cursor, head, isOverdue, onMending });
    } finally {
      cursor.close();
    }
  };

  return {
    run: async (options) => {
      begun = options;
      durableLines = tail.durableLines;
      if (!isRestored) await restore(options);
      isRestored = true;
      const { witnessProblems, problems } = await sealer.run();
      const settleUntilMs = Date.now() + MAX_SETTLE_MS;
      const isOverdue = (): boolean => options.isOverdue() || Date.now() >= settleUntilMs;
      await settleStaging({ store, ledger, nowMs: Date.now(), isOverdue });
      const ofWitnesses = witnessProblems.map(({ subject, problem }) => ({
        subject: `witness ${subject}`,
        problem,
      }));
      const told = [...problems, ...ofWitnesses].map(({ subject, problem }) => `${subject}: ${problem}`);
      return { ...(await soFar()), problems: told };
    },
    close: () => lines.close(),
  };
}

/** That of a log which was founded when its keys were made: one without a head has lost it, and is never founded again. */
function createFoundedLedger(paths: LogPaths, io: DurableIo): LogLedger {
  const ledger = createFileLogLedger(paths, io);
  return {
    ...ledger,
    readHead: async () => {
      const head = await ledger.readHead();
      if (head !== undefined) return head;
      const problem = `the head of the log, ${paths.head}, is missing: bring it back from a backup that is newer than any published checkpoint`;
      throw logDiverged(problem, { details: { path: paths.head }, runbook: "lost-head" });
    },
  };
}
