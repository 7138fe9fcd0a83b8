/**
 * The thread of the local server that seals: a pass in each interval while there is something to seal, and now and then
 * while there is not, to renew the time on the checkpoint. Gives way to the threads that take events.
 */
import { getPriority, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { LogTail } from "#adapters/file/log-tail.ts";
import type { SealedSoFar, SealingPlan } from "#infra/local/seal-pass.ts";
import { createSealPasses } from "#infra/local/seal-pass.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface SealWorkerData {
  readonly plan: SealingPlan;
  readonly intervalMs: number;
  /** How long it may still seal when it is asked to stop. */
  readonly stopWithinMs: number;
}

/** How far it has come, and what keeps it from going on; sent after each seal and each pass. */
export interface SealWorkerReport extends Partial<SealedSoFar> {
  /** Absent after a seal within a pass, which tells nothing new of them. */
  readonly problems?: readonly string[];
}

/** While nothing is to be sealed, and again after the log was found to contradict what was signed. */
const IDLE_MS = 60_000;
/**
 * Of a thread, on Linux: a tenth of the share of one that takes events, where all want more than there is. At full speed
 * that is 3 % of two cores; the log falls behind then, and catches up later. Elsewhere it would be that of the process.
 */
const NICE = 10;
/** Times as long as a pass took it rests: at full speed events come first, and the log catches up later. */
const REST = 6;

// cast: whoever starts this thread gives it this.
const { plan, intervalMs, stopWithinMs } = workerData as SealWorkerData;
let stopAtMs = Number.POSITIVE_INFINITY;
let wake = (): void => undefined;

// Whatever is sent to it asks it to finish.
parentPort?.on("message", () => {
  stopAtMs = Date.now() + stopWithinMs;
  wake();
});

await work();
parentPort?.close();

async function work(): Promise<void> {
  const passes = createSealPasses(plan);
  const tail = new LogTail(plan.tail);
  const isOverdue = (): boolean => Date.now() >= stopAtMs;
  let size = -1;
  let nextMs = 0;
  let isHeld = false;
  let passMs = 0;
  for (let isLast = false; !isLast; ) {
    isLast = stopAtMs !== Number.POSITIVE_INFINITY;
    const hasMore = tail.durableLines !== size && !isHeld;
    if (isLast || hasMore || Date.now() >= nextMs) {
      nextMs = Date.now() + IDLE_MS;
      const beganMs = performance.now();
      try {
        const outcome = await passes.run({ isOverdue, onSealed: report, onMending });
        isHeld = false;
        size = outcome.size;
        report(outcome);
        giveWay();
      } catch (error) {
        report({ problems: [error instanceof Error ? error.message : String(error)] });
        isHeld = isDiverged(error); // until a human has looked; what passes is tried again in the next interval
        size = -1;
      }
      passMs = performance.now() - beganMs;
    }
    if (!isLast) await pause(Math.max(intervalMs, REST * passMs));
  }
  passes.close();
}

/**
 * Not before the first pass: until then a log that is just opened has no leaves to show. A process that is nicer already
 * stays so, and may not be made less nice.
 */
function giveWay(): void {
  if (process.platform === "linux" && getPriority() < NICE) setPriority(NICE);
}

function onMending(problem: string): void {
  report({ problems: [problem] });
}

function isDiverged(error: unknown): boolean {
  return error instanceof AuditServiceError && error.code === "log-diverged";
}

function report(soFar: SealWorkerReport): void {
  parentPort?.postMessage(soFar);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
    if (stopAtMs !== Number.POSITIVE_INFINITY) wake();
  });
}
