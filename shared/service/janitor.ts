/**
 * Comes after consumers that were cut off: finishes each batch that was begun and has no row, then shows to the indexes
 * the lines that were stored without them. Nothing that was acknowledged depends on it; it bounds how long a line that
 * was not waits to be counted, and finds what nobody will send again.
 */
import * as z from "zod";
import { AuditStorageError } from "#lib/errors.ts";
import { BATCH_PREFIX, batchTimeMs, keyBefore, readBatchKey } from "#service/batch-object.ts";
import type { CompleteBatch } from "#service/complete-batch.ts";
import { readBatch } from "#service/complete-batch.ts";
import { derivedEntry } from "#service/place-lines.ts";
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
const NOTE = "janitor";
const DEFAULT_MAX_RUN_MS = 240_000;
/** Rows asked for in one call. */
const ROWS_PER_CALL = 1000;
const UNINDEXED_PER_CALL = 100;
const MAX_PROBLEMS = 20;
/** Failures that time may heal after which a run leaves the rest to the next one. */
const MAX_RETRYABLE_FAILURES = 5;

/** All batches begun before it are complete. */
const Note = z.object({ format: z.literal(1), complete_before_ms: z.int().min(0) });

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
  private completed = 0;
  private indexed = 0;
  private unregistered = 0;
  private isFinished = true;
  private retryableFailures = 0;
  private readonly problems: JanitorProblem[] = [];
  /** Begin of the first batch that is not known to be complete. */
  private blockedMs = Number.POSITIVE_INFINITY;

  constructor(deps: JanitorDeps) {
    this.deps = deps;
    this.startMs = deps.clock.nowMs();
  }

  async completeLeft(): Promise<void> {
    const { archive, ledger } = this.deps;
    const watermarkMs = readNote(await ledger.readNote(NOTE));
    const ripeBeforeMs = this.startMs - RIPE_AFTER_MS;
    let reachedMs = watermarkMs;
    let group: string[] = [];
    for await (const { key } of archive.list(
      BATCH_PREFIX,
      keyBefore(Math.max(0, watermarkMs - LOOK_BACK_MS)),
    )) {
      const reading = readBatchKey(key);
      if (reading.kind === "outcome") continue;
      if (reading.kind === "unknown") {
        this.meetUnknown(key, reachedMs);
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
    const completeBeforeMs = Math.min(listedMs, this.blockedMs);
    if (completeBeforeMs > watermarkMs) await ledger.writeNote(NOTE, noteText(completeBeforeMs));
  }

  private async completeGroup(batchIds: readonly string[]): Promise<void> {
    if (batchIds.length === 0) return;
    this.examined += batchIds.length;
    const registered = await this.deps.ledger.registered(batchIds);
    for (const batchId of batchIds) {
      if (registered.has(batchId)) continue;
      const timeMs = batchTimeMs(batchId);
      if (timeMs < this.startMs - OVERDUE_AFTER_MS) this.unregistered++;
      if (!this.mustStop() && (await this.try(batchId, () => this.complete(batchId)))) this.completed++;
      else this.blockedMs = Math.min(this.blockedMs, timeMs);
    }
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
        if (await this.try(record.batchId, () => this.indexBatch(record)))
          this.indexed += record.unindexed.length;
      }
    }
  }

  private async indexBatch({ batchId, conflicts, unindexed }: BatchRecord): Promise<void> {
    const { archive, table, ledger, conflictKey } = this.deps;
    const lines = await readBatch(archive, batchId);
    const derived = new Set(conflicts);
    const entries = unindexed.flatMap((line): readonly TableEntry[] => {
      const prepared = lines[line];
      if (prepared === undefined) throw noSuchLine(batchId, line);
      const entry = { batchId, line, eventId: prepared.event.event_id, prepared };
      return [derived.has(line) ? derivedEntry(entry, conflictKey) : entry];
    });
    await table.index(entries);
    await ledger.markIndexed(batchId);
  }

  report(): JanitorReport {
    const { examined, completed, indexed, unregistered, problems, isFinished } = this;
    return { examined, completed, indexed, unregistered, problems, isFinished };
  }

  /** Whether it worked. One batch that cannot be finished must not keep the others from it, nor this run from its report. */
  private async try(batchId: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof AuditStorageError)) throw error;
      if (error.retryable) this.retryableFailures++;
      this.addProblem({ subject: batchId, error });
      return false;
    }
  }

  /** It may be a batch of a newer release, left by a roll-back: the watermark waits for a release that knows it. */
  private meetUnknown(key: string, reachedMs: number): void {
    const message = `object ${key} is no batch in a format that this release knows`;
    this.addProblem({ subject: key, error: new AuditStorageError("storage-unavailable", message) });
    this.blockedMs = Math.min(this.blockedMs, reachedMs);
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

function noteText(completeBeforeMs: number): string {
  return JSON.stringify({ format: 1, complete_before_ms: completeBeforeMs });
}

/** @throws AuditStorageError `storage-unavailable` where a newer release has written it */
function readNote(text: string | undefined): number {
  if (text === undefined) return 0;
  const parsed = Note.safeParse(parsedJson(text));
  if (parsed.success) return parsed.data.complete_before_ms;
  throw new AuditStorageError("storage-unavailable", `ledger note ${NOTE} is damaged or of a newer release`);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function noSuchLine(batchId: string, line: number): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `batch object ${batchId} has no line ${line}`);
}
