/**
 * Looks at every batch object that should be gone by now: sealing takes the lines of a batch into the log within a minute
 * and removes its object, so in health there are few. What is late is counted, a pending pointer that was lost is written
 * anew, and objects that outlived their sealing are named for the sealer, which alone may remove them.
 */
import * as z from "zod";
import { batchTimeMs, readBatchKey } from "#service/batch-object.ts";
import { listBatchObjects } from "#service/list-batches.ts";
import { SEAL_OVERDUE_MS } from "#service/log-health.ts";
import type { PendingBatch, SealLedger } from "#service/log-ports.ts";
import type { Archive, BatchRecord, Clock, Ledger } from "#service/ports.ts";

export interface SurveyDeps {
  readonly archive: Pick<Archive, "list">;
  readonly ledger: Pick<Ledger, "find" | "readNote" | "writeNote">;
  readonly sealing: Pick<SealLedger, "pending" | "repoint">;
  readonly clock: Clock;
  /** Objects that one survey looks at. @default 20,000 */
  readonly maxObjects?: number;
  /** Pending pointers that one survey reads. @default 2,000 */
  readonly maxPending?: number;
}

export interface BatchSurvey {
  /** Batch objects looked at. */
  readonly examined: number;
  /** Batches that wait for a seal for more than 3 minutes, and the events with no leaf because of it. */
  readonly lateBatches: number;
  readonly lateEvents: number;
  /** Batches that no seal would have met, because their pointer was lost; each has one again. */
  readonly repointed: readonly string[];
  readonly repointedEvents: number;
  /** Pending pointers without a row. The janitor completes their batches. */
  readonly lostRows: readonly string[];
  /** Batches whose lines are in the log while their object is still there; at most 100. */
  readonly orphans: readonly string[];
  /** Whether everything was looked at; otherwise all numbers are lower bounds. */
  readonly isComplete: boolean;
}

/** Keeps a run within some seconds, of the five minutes between two. */
const MAX_OBJECTS = 20_000;
/** Each row may hold 10,000 line numbers. */
const MAX_PENDING = 2_000;
const PARALLEL_READS = 16;
const MAX_ORPHANS = 100;
/** An object may be stored later than its id was made, and once more: far longer than any consumer lives. */
const LOOK_BACK_MS = 6 * 60 * 60_000;
const NOTE = "survey";
const FORMAT = 1;
/** Where the next survey begins: no object that was there is older. */
const Note = z.object({ format: z.literal(FORMAT), from_ms: z.int().min(0) });
/** From here on the janitor counts a batch without a row. */
const UNREGISTERED_AFTER_MS = 20 * 60_000;

/** @param finished batches that got their rows just now: they are given the time until the next survey to be sealed */
export type SurveyBatches = (finished?: readonly string[]) => Promise<BatchSurvey>;

/** The function throws AuditStorageError `storage-unavailable` (retryable). */
export function createBatchSurvey(deps: SurveyDeps): SurveyBatches {
  return async (finished = []) => {
    const overdueMs = deps.clock.nowMs() - SEAL_OVERDUE_MS;
    const found = await lookAtObjects(deps, overdueMs);
    const oldestMs = Math.max(0, Math.min(found.oldestMs, overdueMs) - LOOK_BACK_MS);
    await deps.ledger.writeNote(NOTE, JSON.stringify({ format: FORMAT, from_ms: oldestMs }));
    // Read behind the rows: a pointer is taken away only when the row says where the lines are.
    const maxPending = deps.maxPending ?? MAX_PENDING;
    const pending = await deps.sealing.pending(maxPending);
    const isAllPending = pending.length < maxPending;
    const newest = isAllPending ? undefined : pending.at(-1)?.batchId;
    const pointed = new Set(pending.map(({ batchId }) => batchId));
    const unpointed = found.unsealed.filter(
      (batchId) => !pointed.has(batchId) && (newest === undefined || batchId < newest),
    );
    const { repointed, repointedEvents } = await repointLost(deps, unpointed);
    const overdue = pending.filter(({ batchId }) => batchTimeMs(batchId) < overdueMs);
    const fresh = new Set(finished);
    const late = overdue.filter(
      ({ batchId, row }) => row !== undefined && row.sealed === undefined && !fresh.has(batchId),
    );
    return {
      examined: found.examined,
      lateBatches: late.length,
      lateEvents: late.reduce((sum, { row }) => sum + leavesOf(row), 0),
      repointed,
      repointedEvents,
      lostRows: overdue.filter((batch) => isLost(batch, deps.clock)).map(({ batchId }) => batchId),
      orphans: found.orphans,
      isComplete: found.isComplete && isAllPending,
    };
  };
}

interface FoundObjects {
  examined: number;
  isComplete: boolean;
  /** When the oldest one was begun; Infinity where there is none. */
  oldestMs: number;
  readonly orphans: string[];
  /** Batches with a row that names no leaf. */
  readonly unsealed: string[];
}

async function lookAtObjects(deps: SurveyDeps, overdueMs: number): Promise<FoundObjects> {
  const maxObjects = deps.maxObjects ?? MAX_OBJECTS;
  const found: FoundObjects = {
    examined: 0,
    isComplete: true,
    oldestMs: Number.POSITIVE_INFINITY,
    orphans: [],
    unsealed: [],
  };
  const span = { fromMs: await readFrom(deps.ledger), nowMs: deps.clock.nowMs() };
  let group: string[] = [];
  let previous: string | undefined;
  for await (const { key } of listBatchObjects(deps.archive, span)) {
    const reading = readBatchKey(key);
    // An outcome sorts right behind its batch object; alone it was put again by whoever finished that late.
    if (reading.kind === "unknown" || reading.batchId === previous) continue;
    previous = reading.batchId;
    found.oldestMs = Math.min(found.oldestMs, batchTimeMs(reading.batchId));
    if (batchTimeMs(reading.batchId) >= overdueMs) break;
    if (found.examined === maxObjects) {
      found.isComplete = false;
      break;
    }
    found.examined++;
    group.push(reading.batchId);
    if (group.length < PARALLEL_READS) continue;
    await lookAtRows(deps, group, found);
    group = [];
  }
  await lookAtRows(deps, group, found);
  return found;
}

/** All are looked at where nothing is known, as behind a rebuild. */
async function readFrom(ledger: Pick<Ledger, "readNote">): Promise<number> {
  const parsed = Note.safeParse(parsedJson(await ledger.readNote(NOTE)));
  return parsed.success ? parsed.data.from_ms : 0;
}

function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function lookAtRows(
  { ledger }: SurveyDeps,
  batchIds: readonly string[],
  { orphans, unsealed }: FoundObjects,
): Promise<void> {
  const rows = await Promise.all(batchIds.map((batchId) => ledger.find(batchId)));
  for (const row of rows) {
    if (row === undefined) continue;
    if (row.sealed === undefined) unsealed.push(row.batchId);
    else if (orphans.length < MAX_ORPHANS) orphans.push(row.batchId);
  }
}

async function repointLost(
  { ledger, sealing }: SurveyDeps,
  batchIds: readonly string[],
): Promise<Pick<BatchSurvey, "repointed" | "repointedEvents">> {
  const repointed: string[] = [];
  let repointedEvents = 0;
  for (const batchId of batchIds) {
    const row = await ledger.find(batchId);
    // It may have been sealed between the two reads.
    if (row === undefined || row.sealed !== undefined) continue;
    await sealing.repoint(batchId);
    repointed.push(batchId);
    repointedEvents += leavesOf(row);
  }
  return { repointed, repointedEvents };
}

function isLost({ batchId, row }: PendingBatch, { nowMs }: Clock): boolean {
  return row === undefined && batchTimeMs(batchId) >= nowMs() - UNREGISTERED_AFTER_MS;
}

/** Leaves that the lines of a batch take. */
function leavesOf(row: BatchRecord | undefined): number {
  return row === undefined ? 0 : row.winners.length + row.conflicts.length;
}
