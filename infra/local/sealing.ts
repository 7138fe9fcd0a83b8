/**
 * Seals the log of the local server on a thread of its own, and knows how that stands. Events are taken whatever becomes
 * of it: what keeps it from sealing is told in health.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createFileLeafStore } from "#adapters/file/file-leaf-store.ts";
import { leavesOf, readHeadNow } from "#adapters/file/file-log-ledger.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import type { FileStore } from "#adapters/file/file-store.ts";
import type { LogKeys } from "#adapters/file/log-keys.ts";
import { openLogKeys } from "#adapters/file/log-keys.ts";
import { createHttpWitness } from "#adapters/web/http-witness.ts";
import type { WitnessAddress } from "#functions/log-variables.ts";
import type { SealWorkerData, SealWorkerReport } from "#infra/local/seal-worker.ts";
import type { ReadableLog } from "#infra/local/unsealed-log.ts";
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditServiceError } from "#lib/errors.ts";
import type { Probe } from "#service/health.ts";
import { logHealth } from "#service/log-health.ts";
import { VERIFIER_KEY_KEY } from "#service/log-layout.ts";

export interface SealingOptions {
  /** Stays open until `stop` has ended. */
  readonly store: FileStore;
  /** Time between passes. */
  readonly intervalMs: number;
  readonly origin: string | undefined;
  readonly witnesses: readonly WitnessAddress[];
  /** Called when sealing begins to fail, or fails for another reason. */
  readonly onTrouble: (problem: string) => void;
}

export interface Sealing {
  /** Verifier key of the log; undefined while a disk keeps it from being made. */
  readonly verifierKey: () => string | undefined;
  readonly log: ReadableLog;
  readonly probe: Probe;
  /** Resolves when the log shows its key, or sealing has failed: before its first pass a new log has nothing to show. */
  readonly ready: () => Promise<void>;
  /** Seals what is durable, within some seconds, and ends the thread. */
  readonly stop: () => Promise<void>;
}

/** For the first pass over a new log. */
const READY_WITHIN_MS = 5000;
const STOP_WITHIN_MS = 5000;
/** A seal that is under way when the time is over, on a slow disk. */
const STOP_GRACE_MS = 10_000;
/** After the thread has died. */
const RESTART_MS = 10_000;
/** A pass holds one seal in memory: lines of 64 MiB are read by the block, tiles and staging object are 10 MiB. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 128 };
/** Of a log that has lost its newest lines, rows are looked at for one that can be read. */
const MAX_ROWS_LOOKED_AT = 100;

/**
 * @throws AuditServiceError `invalid-configuration` where a key cannot be used, the log has another origin, or a witness
 * cannot be asked by its address and key
 */
export function startSealing(options: SealingOptions): Sealing {
  const { store, intervalMs, witnesses, onTrouble } = options;
  witnesses.forEach(createHttpWitness); // refused here: in the thread it would keep everything from being sealed
  const { paths, tail, recovered } = store;
  const keysOf = createKeyRing(store, options.origin);
  keysOf();
  const { uncertain } = recovered;
  const plan = { path: paths.live, tail: tail.shared, uncertain, origin: options.origin, witnesses };
  const data: SealWorkerData = { plan, intervalMs, stopWithinMs: STOP_WITHIN_MS };
  const state: State = { ...sealedBefore(store), problems: [], waitsSinceMs: Date.now() };
  let worker: Worker | undefined;
  let restart: NodeJS.Timeout | undefined;
  let isStopping = false;
  const heard = Promise.withResolvers<undefined>();

  const note = ({ size, sealedAtMs, problems }: SealWorkerReport): void => {
    heard.resolve(undefined);
    state.waitsSinceMs = 0;
    if (size !== undefined) state.size = size;
    if (sealedAtMs !== undefined) state.sealedAtMs = sealedAtMs;
    if (problems === undefined) return;
    for (const problem of problems) if (!state.problems.includes(problem)) onTrouble(problem);
    state.problems = problems;
  };
  const start = (): void => {
    const started = new Worker(workerUrl(), { workerData: data, resourceLimits: WORKER_LIMITS });
    worker = started;
    let reason = "it ended";
    started.on("message", note);
    started.on("error", (error) => {
      reason = String(error);
    });
    started.on("exit", () => {
      if (isStopping) return;
      note({ problems: [`the thread that seals is gone: ${reason}`] });
      restart = setTimeout(start, RESTART_MS).unref();
    });
    started.unref();
  };
  start();

  return {
    verifierKey: () => keysOf()?.verifierKey,
    log: {
      leaves: createFileLeafStore({ store, sealedLeaves: () => state.size }),
      objects: createFileLogStore({ folder: paths.folder }),
    },
    probe: async () => {
      const { origin, verifierKey = null } = keysOf() ?? {};
      const facts = { origin, publishedAtMs: state.sealedAtMs, unsealed: unsealedOf(store, state.size) };
      const oldestMs = oldestUnsealed(store, state.size);
      const oldestUnsealedMs = oldestMs === undefined ? undefined : Math.max(oldestMs, state.waitsSinceMs);
      const { size, problems } = state;
      const health = logHealth({ ...facts, size, problems, oldestUnsealedMs }, { nowMs: Date.now });
      return { ...health, details: { ...health.details, vkey: verifierKey } };
    },
    ready: async () => {
      if (existsSync(join(store.paths.folder, VERIFIER_KEY_KEY))) return;
      const limit = setTimeout(() => heard.resolve(undefined), READY_WITHIN_MS);
      await heard.promise;
      clearTimeout(limit);
    },
    stop: async () => {
      isStopping = true;
      clearTimeout(restart);
      if (worker !== undefined) await end(worker);
    },
  };
}

/** Makes the keys when it is first asked, and then only reads them: whoever seals makes them, where a disk was full. */
function createKeyRing({ paths }: FileStore, origin: string | undefined): () => LogKeys | undefined {
  let keys: LogKeys | undefined;
  let isFirst = true;
  return () => {
    const areThere = existsSync(paths.logKey) && existsSync(paths.freshnessKey);
    if (keys !== undefined || !(isFirst || areThere)) return keys;
    try {
      keys = openLogKeys(paths, origin);
    } catch (error) {
      const isPassing = error instanceof AuditServiceError && error.retryable;
      if (isFirst && !isPassing) throw error;
    }
    isFirst = false;
    return keys;
  };
}

interface State {
  size: number;
  sealedAtMs: number | undefined;
  problems: readonly string[];
  /** Before the first report, when this began: what waited for a start is not late yet. */
  waitsSinceMs: number;
}

/** How far the log was sealed by an earlier process; a head that cannot be read is told of by the first pass. */
function sealedBefore({ paths }: FileStore): Pick<State, "size" | "sealedAtMs"> {
  try {
    const head = readHeadNow(paths);
    if (head !== undefined) return { size: leavesOf(head), sealedAtMs: head.sealedAtMs };
  } catch (error) {
    if (!(error instanceof AuditServiceError)) throw error;
  }
  return { size: 0, sealedAtMs: undefined };
}

/** Resolves when the thread is gone: the folder is given up behind it. */
async function end(worker: Worker): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => resolve());
  });
  if (worker.threadId === -1) return; // it is gone already
  const limit = setTimeout(() => {
    worker.terminate().catch(() => undefined);
  }, STOP_WITHIN_MS + STOP_GRACE_MS);
  worker.ref();
  worker.postMessage("stop");
  await ended;
  clearTimeout(limit);
}

function unsealedOf({ tail }: FileStore, size: number): number {
  return Math.max(0, tail.durableLines - size);
}

/** When the first line without a leaf was accepted, as far as it can be read. */
function oldestUnsealed({ recovered, tail }: FileStore, size: number): number | undefined {
  if (size >= tail.durableLines) return undefined;
  const { index, logs, numbers } = recovered;
  const first = numbers.rowFrom(size);
  const last = Math.min(index.rows, first + MAX_ROWS_LOOKED_AT);
  for (let row = first; row < last; row++) {
    if (index.isVoid(row)) continue;
    const text = logs.read([row]).get(row);
    return text === undefined ? undefined : receivedAtMs(text);
  }
  return undefined;
}

/** Where the thread's program lies: beside this file as source, or among the bundles. */
function workerUrl(): URL {
  const places = ["./seal-worker.ts", "./seal-worker.js", "../seal-worker.js"];
  const urls = places.map((place) => new URL(place, import.meta.url));
  return urls.find((url) => existsSync(url)) ?? new URL("./seal-worker.ts", import.meta.url);
}
