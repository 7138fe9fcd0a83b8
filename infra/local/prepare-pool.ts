/**
 * Prepares batches on two threads: large ones go to a worker while it has little to do, all others are prepared where
 * they arrive. Nothing depends on the worker: without it, or after it has died, all are prepared here.
 */
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { unpackBatch } from "#infra/local/packed-batch.ts";
import type { PrepareJob, PrepareResult } from "#infra/local/prepare-worker.ts";
import { AuditValidationError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import type { PrepareBatch } from "#service/accept.ts";
import type { BatchRequest, PreparedBatch } from "#service/prepare-batch.ts";
import { prepareBatch } from "#service/prepare-batch.ts";

export interface PreparePool {
  readonly prepare: PrepareBatch;
  readonly close: () => Promise<void>;
}

/** Below it the way to the other thread and back costs more than it saves. */
const MIN_TEXT_CHARACTERS = 8 * 1024;
/** One under way and one that waits keep the worker busy; more would only wait longer. */
const MAX_OUTSTANDING = 2;
/** The heap of the worker stays small: nothing in it outlives a batch. */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 };

interface Waiting {
  readonly request: BatchRequest;
  readonly resolve: (batch: PreparedBatch) => void;
  readonly reject: (error: unknown) => void;
}

/** @param onLost called once where the worker has died unasked */
export function createPreparePool(
  identifiers: Identifiers,
  onLost: (reason: string) => void = () => undefined,
): PreparePool {
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let worker: Worker | undefined;
  let isGone = false;

  const prepareHere = (request: BatchRequest): PreparedBatch => prepareBatch(request, identifiers);

  const settle = ({ id, batch, refusal }: PrepareResult): void => {
    const job = waiting.get(id);
    if (job === undefined) return;
    waiting.delete(id);
    try {
      if (refusal !== undefined) throw new AuditValidationError(refusal.code, refusal.message, refusal);
      job.resolve(batch === undefined ? prepareHere(job.request) : unpackBatch(batch));
    } catch (error) {
      job.reject(error);
    }
  };

  /** From now on all is prepared here, beginning with what was under way there. */
  const lose = (reason: string): void => {
    if (!isGone) onLost(reason);
    isGone = true;
    for (const id of waiting.keys()) settle({ id });
  };

  const start = (): Worker => {
    const started = new Worker(workerUrl(), { resourceLimits: WORKER_LIMITS });
    started.on("message", settle);
    started.on("error", (error) => lose(String(error)));
    started.on("exit", (code) => lose(`it ended with code ${code}`));
    started.unref();
    return started;
  };

  const prepare: PrepareBatch = (request) => {
    const isLarge = "text" in request && request.text.length >= MIN_TEXT_CHARACTERS;
    if (!isLarge || isGone || waiting.size >= MAX_OUTSTANDING) return prepareHere(request);
    worker ??= start();
    const job: PrepareJob = { id: nextId++, request };
    worker.postMessage(job);
    return new Promise((resolve, reject) => {
      waiting.set(job.id, { request, resolve, reject });
    });
  };

  return {
    prepare,
    close: async () => {
      isGone = true;
      await worker?.terminate();
    },
  };
}

/** Where the worker's program lies: beside this file as source, or among the bundles. */
function workerUrl(): URL {
  const places = ["./prepare-worker.ts", "./prepare-worker.js", "../prepare-worker.js"];
  const urls = places.map((place) => new URL(place, import.meta.url));
  return urls.find((url) => existsSync(url)) ?? new URL("./prepare-worker.ts", import.meta.url);
}
