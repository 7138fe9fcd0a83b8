/** The second thread of the local server: prepares the batches that it is sent, one after the other. */
import { randomFillSync } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { PackedBatch } from "#infra/local/packed-batch.ts";
import { packBatch } from "#infra/local/packed-batch.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { BatchRequest } from "#service/prepare-batch.ts";
import { prepareBatch } from "#service/prepare-batch.ts";

export interface PrepareJob {
  readonly id: number;
  readonly request: BatchRequest;
}

/** Without a batch where it could not be prepared: the asking thread prepares it again to learn why. */
export interface PrepareResult {
  readonly id: number;
  readonly batch: PackedBatch | undefined;
}

const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });

parentPort?.on("message", ({ id, request }: PrepareJob) => {
  const result: PrepareResult = { id, batch: tryToPrepare(request) };
  parentPort?.postMessage(result);
});

function tryToPrepare(request: BatchRequest): PackedBatch | undefined {
  try {
    return packBatch(prepareBatch(request, identifiers));
  } catch {
    return undefined;
  }
}
