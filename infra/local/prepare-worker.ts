/** The second thread of the local server: prepares the batches that it is sent, one after the other. */
import { randomFillSync } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { PackedBatch } from "#infra/local/packed-batch.ts";
import { packBatch } from "#infra/local/packed-batch.ts";
import type { AuditErrorCode, FieldError } from "#lib/errors.ts";
import { AuditValidationError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { BatchRequest } from "#service/prepare-batch.ts";
import { prepareBatch } from "#service/prepare-batch.ts";

export interface PrepareJob {
  readonly id: number;
  readonly request: BatchRequest;
}

/** What is wrong with a batch; errors lose their class on the way between threads. */
export interface Refusal {
  readonly code: AuditErrorCode;
  readonly message: string;
  readonly errors: readonly FieldError[];
  readonly details: Readonly<Record<string, unknown>>;
}

/** One of the two, or neither where something unexpected happened: the asking thread then prepares it itself. */
export interface PrepareResult {
  readonly id: number;
  readonly batch?: PackedBatch;
  readonly refusal?: Refusal;
}

const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });

parentPort?.on("message", ({ id, request }: PrepareJob) => {
  const result: PrepareResult = { id, ...tryToPrepare(request) };
  parentPort?.postMessage(result);
});

function tryToPrepare(request: BatchRequest): Omit<PrepareResult, "id"> {
  try {
    return { batch: packBatch(prepareBatch(request, identifiers)) };
  } catch (error) {
    if (!(error instanceof AuditValidationError)) return {};
    const { code, message, errors, details } = error;
    return { refusal: { code, message, errors, details } };
  }
}
