/**
 * Comes after consumers that were cut off: finishes each batch that was begun and has no row, then shows to the indexes
 * the lines that were stored without them. Nothing that was acknowledged depends on it; it bounds how long a line that
 * was not waits to be counted, and finds what nobody will send again.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { batchIdOf, batchKey, batchTimeMs, readBatchKey } from "#service/batch-object.ts";
import type { CompleteBatch } from "#service/complete-batch.ts";
import { preparedLine, preparedLines } from "#service/complete-batch.ts";
import { readNote, writeNote } from "#service/janitor-note.ts";
import { listBatchObjects } from "#service/list-batches.ts";
import { derivedEntry } from "#service/place-lines.ts";
import { readSealedLines } from "#service/reconcile-segments.ts";
import type { Archive, BatchRecord, Clock, EventTable, Ledger, TableEntry } from "#service/ports.ts";

export interface JanitorDeps {
  readonly archive: Archive;
  readonly table: EventTable;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly complete: CompleteBatch;
  /** Secret bytes of the deployment, from which the ids of conflicts are derived. */
  readonly conflictKey: Uint8Array;
  /** No new work is begun after so long. @default 240,000: four minutes, of the five between two runs */
  readonly maxRunMs?: number;
}

/** Something that could not be done; the janitor went on with the rest. */
export interface JanitorProblem {
  /** The batch, or the key of an object that no release known here writes. */
  readonly subject: string;
  /** A human must look at it unless it is retryable. */
  readonly error: AuditStorageError;
}

export interface JanitorReport {
  /** Batch objects looked at. */
  readonly examined: number;
  /** Batches finished by this run. */
  readonly completed: number;
  /** Their ids: no sealer has seen them yet. */
  readonly finished: readonly string[];
  /** Lines shown to the indexes by this run. */
  readonly indexed: number;
  /** Batches older than 20 minutes that this run found without a row, whether it could finish them or not. */
  readonly unregistered: number;
  /** The first of them, at most 20. */
  readonly problems: readonly JanitorProblem[];
  /** Whether there was nothing more to do; otherwise the next run goes on. */
  readonly isFinished: boolean;
}

/** A batch so old was left: a consumer lives for 15 minutes at most. */
const RIPE_AFTER_MS = 15 * 60_000;
/** A batch so old without a row counts as unaccounted for: a run every 5 minutes should have finished it. */
const OVERDUE_AFTER_MS = 20 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/**
 * A batch so old is no longer finished: the hot store keeps events for 35 days at least, and where it has let some go,
 * lines would be stored and counted again that stood in another batch.
 */
const MAX_AGE_DAYS = 30;
/** How far behind the watermark each run begins: an object may be stored later than its id was made. */
const LOOK_BACK_MS = 60 * 60_000;
const DEFAULT_MAX_RUN_MS = 240_000;
/** Rows asked for in one call. */
const ROWS_PER_CALL = 1000;
const UNINDEXED_PER_CALL = 100;
const MAX_PROBLEMS = 20;
/** Failures that time may heal after which a run leaves the rest to the next one. */
const MAX_RETRYABLE_FAILURES = 5;
/** Objects that wait for a human, at most: more of them hold the watermark up. */
const MAX_LEFT = 100;

/**
 * The function throws AuditStorageError `storage-unavailable` where archive or ledger cannot be listed; work done stays done.
 * Runs may overlap each other and consumers.
 */
export function createJanitor(deps: JanitorDeps): () => Promise<JanitorReport> {
  return async () => {
    const run = new Run(deps);
    await run.completeLeft();
    await run.indexLater();
    return run.report();
  };
}

/** What one run has done so far. */
class Run {
  private readonly deps: JanitorDeps;
  private readonly startMs: number;
  private examined = 0;
  private readonly finished: string[] = [];
  private indexed = 0;
  private unregistered = 0;
  private isFinished = true;
  private retryableFailures = 0;
  private readonly problems: JanitorProblem[] = [];
  /**
   * Keys of what time will not heal. Each run looks at them again, for they may be mended, or deleted; the watermark goes on
   * without them, or every run would read the rows of all batches since.
   */
  private readonly left = new Set<string>();
  /** Begin of the first batch that is not known to be complete. */
  private blockedMs = Number.POSITIVE_INFINITY;

  constructor(deps: JanitorDeps) {
    this.deps = deps;
    this.startMs = deps.clock.nowMs();
  }

  async completeLeft(): Promise<void> {
    const { archive, ledger } = this.deps;
    const note = await readNote(ledger);
    const watermarkMs = note.completeBeforeMs;
    await this.lookAgain(note.left);
    const ripeBeforeMs = this.startMs - RIPE_AFTER_MS;
    let reachedMs = watermarkMs;
    let group: string[] = [];
    const span = { fromMs: watermarkMs - LOOK_BACK_MS, nowMs: this.startMs };
    for await (const { key } of listBatchObjects(archive, span)) {
      const reading = readBatchKey(key);
      if (reading.kind === "outcome" || this.left.has(key)) continue;
      if (reading.kind === "unknown") {
        this.meetUnknown(key);
        this.leave(key, reachedMs);
        continue;
      }
      const timeMs = batchTimeMs(reading.batchId);
      if (timeMs >= ripeBeforeMs) break;
      reachedMs = timeMs;
      group.push(reading.batchId);
      if (group.length < ROWS_PER_CALL) continue;
      await this.completeGroup(group);
      group = [];
      if (this.mustStop()) break;
    }
    await this.completeGroup(group);
    const listedMs = this.isFinished ? ripeBeforeMs : reachedMs;
    const completeBeforeMs = Math.max(watermarkMs, Math.min(listedMs, this.blockedMs));
    await writeNote(ledger, { completeBeforeMs, left: [...this.left] }, note);
  }

  private async lookAgain(keys: readonly string[]): Promise<void> {
    const batchIds: string[] = [];
    for (const key of keys) {
      if (!(await isStored(this.deps.archive, key))) continue;
      this.left.add(key);
      const batchId = batchIdOf(key);
      if (batchId === undefined) this.meetUnknown(key);
      else batchIds.push(batchId);
    }
    await this.completeGroup(batchIds);
  }

  private async completeGroup(batchIds: readonly string[]): Promise<void> {
    if (batchIds.length === 0) return;
    this.examined += batchIds.length;
    const registered = await this.deps.ledger.registered(batchIds);
    for (const batchId of batchIds) {
      const key = batchKey(batchId);
      const timeMs = batchTimeMs(batchId);
      if (registered.has(batchId)) {
        this.left.delete(key);
        continue;
      }
      if (timeMs < this.startMs - OVERDUE_AFTER_MS) this.unregistered++;
      const outcome = this.mustStop() ? "later" : await this.try(batchId, () => this.complete(batchId));
      if (outcome === "done") {
        this.finished.push(batchId);
        this.left.delete(key);
      } else if (outcome === "never") this.leave(key, timeMs);
      else if (!this.left.has(key)) this.blockedMs = Math.min(this.blockedMs, timeMs);
    }
  }

  /** Notes what waits for a human, or lets the watermark wait for it. */
  private leave(key: string, timeMs: number): void {
    if (this.left.size < MAX_LEFT) this.left.add(key);
    else if (!this.left.has(key)) this.blockedMs = Math.min(this.blockedMs, timeMs);
  }

  private async complete(batchId: string): Promise<void> {
    if (batchTimeMs(batchId) >= this.startMs - MAX_AGE_DAYS * DAY_MS) return this.deps.complete(batchId);
    const message = `batch ${batchId} has no row after ${MAX_AGE_DAYS} days; it is too late to finish it by itself`;
    throw new AuditStorageError("storage-unavailable", message, { details: { batchId } });
  }

  async indexLater(): Promise<void> {
    const { ledger } = this.deps;
    const tried = new Set<string>();
    while (!this.mustStop()) {
      const records = await ledger.unindexed(UNINDEXED_PER_CALL);
      const fresh = records.filter(({ batchId }) => !tried.has(batchId));
      if (fresh.length === 0) return;
      for (const record of fresh) {
        if (this.mustStop()) return;
        tried.add(record.batchId);
        if ((await this.try(record.batchId, () => this.indexBatch(record))) === "done")
          this.indexed += record.unindexed.length;
      }
    }
  }

  private async indexBatch({ batchId, conflicts, unindexed }: BatchRecord): Promise<void> {
    const { archive, table, ledger, conflictKey } = this.deps;
    const lines = await readLines({ archive, ledger }, batchId);
    const derived = new Set(conflicts);
    const entries = unindexed.flatMap((line): readonly TableEntry[] => {
      const prepared = lines.get(line);
      if (prepared === undefined) throw noSuchLine(batchId, line);
      const entry = { batchId, line, eventId: prepared.event.event_id, prepared };
      return [derived.has(line) ? derivedEntry(entry, conflictKey) : entry];
    });
    await table.index(entries);
    await ledger.markIndexed(batchId);
  }

  report(): JanitorReport {
    const { examined, finished, indexed, unregistered, problems, isFinished } = this;
    const completed = finished.length;
    return { examined, completed, finished, indexed, unregistered, problems, isFinished };
  }

  /**
   * How it went: `later` where time may heal it. One batch that cannot be finished, be it by a defect, must not keep the
   * others from it, nor this run from its report.
   */
  private async try(batchId: string, work: () => Promise<void>): Promise<"done" | "later" | "never"> {
    try {
      await work();
      return "done";
    } catch (cause) {
      const error = cause instanceof AuditStorageError ? cause : defect(batchId, cause);
      if (error.retryable) this.retryableFailures++;
      this.addProblem({ subject: batchId, error });
      return error.retryable ? "later" : "never";
    }
  }

  /** It may be a batch of a newer release, left by a roll-back, for which it waits. */
  private meetUnknown(key: string): void {
    const message = `object ${key} is no batch in a format that this release knows`;
    this.addProblem({ subject: key, error: new AuditStorageError("storage-unavailable", message) });
  }

  private addProblem(problem: JanitorProblem): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  private mustStop(): boolean {
    const isLate = this.deps.clock.nowMs() - this.startMs >= (this.deps.maxRunMs ?? DEFAULT_MAX_RUN_MS);
    if (isLate || this.retryableFailures >= MAX_RETRYABLE_FAILURES) this.isFinished = false;
    return !this.isFinished;
  }
}

/** From the batch object, or from the log where sealing has removed that: then its row says where its lines are. */
async function readLines(
  { archive, ledger }: Pick<JanitorDeps, "archive" | "ledger">,
  batchId: string,
): Promise<ReadonlyMap<number, PreparedLine>> {
  const object = await archive.get(batchKey(batchId));
  const row = object === undefined ? await ledger.find(batchId) : undefined;
  if (row?.sealed === undefined) return new Map(preparedLines(object, batchId).entries());
  const sealed = await readSealedLines(archive, row);
  return new Map([...sealed].map(([line, text]) => [line, preparedLine(text, { batchId, line })]));
}

async function isStored(archive: Archive, key: string): Promise<boolean> {
  for await (const { key: first } of archive.list(key)) return first === key;
  return false;
}

function noSuchLine(batchId: string, line: number): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `batch object ${batchId} has no line ${line}`);
}

/** The text of what was thrown may quote a line: only its name is told. */
function defect(batchId: string, cause: unknown): AuditStorageError {
  const name = cause instanceof Error ? cause.name : typeof cause;
  return new AuditStorageError("storage-unavailable", `batch ${batchId} trips a defect: ${name}`, { cause });
}
