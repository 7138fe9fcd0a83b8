/**
 * Restores the tables from the archive, which is the source of truth. Batches whose outcome is written there come first
 * and are restored as they were; each other one had no losers, or had no row yet: it is finished as the janitor would
 * finish it, and finds what is taken. The marks come last, so that no consumer works on tables that are half restored.
 */
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { BATCH_PREFIX, outcomeKey, readBatchKey } from "#service/batch-object.ts";
import type { CompleteDeps } from "#service/complete-batch.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import type { Deployment } from "#service/deployment.ts";
import { markTables, readDeployment } from "#service/deployment.ts";
import type { Archive, Clock, EventTable, Ledger } from "#service/ports.ts";
import type { RebuildPhase, RebuildPosition } from "#service/rebuild-progress.ts";
import { readPosition, writePosition } from "#service/rebuild-progress.ts";
import { indexingRegistered } from "#service/restored-index.ts";
import { keepingOnly, restoreNotes, restoreSettled } from "#service/settled-batch.ts";
import type { TableMark } from "#service/table-mark.ts";

export interface RebuildDeps {
  readonly archive: Archive;
  readonly table: EventTable;
  readonly ledger: Ledger;
  readonly eventMark: TableMark;
  readonly ledgerMark: TableMark;
  /** Whether the table of events holds any, besides its mark. */
  readonly holdsEvents: () => Promise<boolean>;
  /** Whether the ledger holds anything, besides its mark. */
  readonly holdsRows: () => Promise<boolean>;
  readonly clock: Clock;
  /** Time from `received_at` for which the hot store keeps an event. */
  readonly hotRetentionMs: number;
}

export interface RebuildRequest {
  /** Work on tables that hold something, and go on where an earlier rebuild was cut off. */
  readonly isResumed: boolean;
  /** Finish although batches cannot be read: their events stay missing. */
  readonly isWithoutDamaged: boolean;
  readonly stop?: AbortSignal;
  readonly onProgress?: (progress: RebuildProgress) => Promise<void>;
}

export interface RebuildProgress {
  readonly phase: RebuildPhase;
  /** Batches of this phase that are through, by this run. */
  readonly batches: number;
  /** Key that was reached, which tells day and hour. */
  readonly key: string;
}

export interface RebuildReport {
  readonly batches: number;
  readonly lines: number;
  /** Lines among these whose hot retention is over. */
  readonly expired: number;
  /** Conflicts noted on the events that came first. */
  readonly conflicts: number;
  /** Lines that two outcome objects claim; the first one has its item. */
  readonly overlaps: number;
  /** Batches that cannot be read, or not by this release, and why. */
  readonly damaged: readonly { readonly key: string; readonly reason: string }[];
  /** Whether the tables are whole, and marked so. */
  readonly isFinished: boolean;
}

/** Batches worked on at once: mostly waiting for the archive. */
const PARALLEL_BATCHES = 8;
/** Between two notes of how far it is: work that is done again after a cut. */
const BATCHES_PER_NOTE = 64;

/**
 * The function throws AuditStorageError `storage-unavailable`: retryable where a port said so; not where the tables are
 * not ones that may be rebuilt, and `message` says what to do.
 */
export function createRebuild(deps: RebuildDeps): (request: RebuildRequest) => Promise<RebuildReport> {
  return async (request) => {
    const deployment = await deploymentOf(deps);
    const tableIds = await checkedTableIds(deps, deployment.incarnation);
    const begun = await readPosition(deps.ledger, tableIds);
    await refuseOccupied(deps, { isResumed: request.isResumed, isBegun: begun !== undefined });
    const isToGoOn = begun !== undefined && begun.phase !== "done";
    const run = new Run({ deps, request, deployment, tableIds });
    return run.all(isToGoOn ? begun : { phase: "settled", after: "" });
  };
}

async function deploymentOf({ archive }: RebuildDeps): Promise<Deployment> {
  const deployment = await readDeployment(archive);
  if (deployment !== undefined) return deployment;
  throw refusal(
    "the archive holds no deployment.json, so there is nothing to rebuild; is it the right bucket?",
  );
}

async function checkedTableIds(
  { eventMark, ledgerMark }: RebuildDeps,
  incarnation: string,
): Promise<readonly string[]> {
  const tableIds: string[] = [];
  for (const tableMark of [eventMark, ledgerMark]) {
    const { tableId, mark } = await tableMark.read();
    const { table } = tableMark;
    if (mark !== undefined && mark.incarnation !== incarnation)
      throw refusal(
        `table ${table} belongs to another deployment than the archive; give the names of one stack`,
      );
    if (mark !== undefined && mark.tableId !== tableId)
      throw refusal(
        `table ${table} is a copy, as a restored backup is; create it anew, empty, and rebuild that: everything is in the archive`,
      );
    tableIds.push(tableId);
  }
  return tableIds;
}

async function refuseOccupied(
  { eventMark, ledgerMark, holdsEvents, holdsRows }: RebuildDeps,
  { isResumed, isBegun }: { readonly isResumed: boolean; readonly isBegun: boolean },
): Promise<void> {
  const [hasEvents, hasRows] = await Promise.all([holdsEvents(), holdsRows()]);
  if (hasEvents && !hasRows && !isBegun)
    throw refusal(
      `table ${eventMark.table} holds events, but ${ledgerMark.table}, which says in which lanes they are, is empty; create ${eventMark.table} anew, empty, too`,
    );
  if (isResumed || !(hasEvents || hasRows)) return;
  const names = [...(hasEvents ? [eventMark.table] : []), ...(hasRows ? [ledgerMark.table] : [])].join(
    " and ",
  );
  throw refusal(`table ${names} is not empty; --resume completes what is there, and changes nothing of it`);
}

interface RunParts {
  readonly deps: RebuildDeps;
  readonly request: RebuildRequest;
  readonly deployment: Deployment;
  readonly tableIds: readonly string[];
}

/** One run and what it has done so far. */
class Run {
  private readonly parts: RunParts;
  private readonly placing: CompleteDeps;
  private batches = 0;
  private lines = 0;
  private expired = 0;
  private conflicts = 0;
  private overlaps = 0;
  private readonly damaged: { readonly key: string; readonly reason: string }[] = [];

  constructor(parts: RunParts) {
    this.parts = parts;
    const { archive, clock, hotRetentionMs } = parts.deps;
    const { table, ledger } = indexingRegistered(parts.deps);
    const keptFromMs = clock.nowMs() - hotRetentionMs;
    const isExpired = (text: string): boolean => receivedAtMs(text) <= keptFromMs;
    const counting: EventTable = keepingOnly(table, (text) => {
      if (!isExpired(text)) return false;
      this.expired++;
      return true;
    });
    this.placing = { archive, table: counting, ledger, conflictKey: parts.deployment.conflictKey };
  }

  async all(begin: RebuildPosition): Promise<RebuildReport> {
    const complete = createCompleteBatch(this.placing);
    const { ledger } = this.placing;
    const settle = async (batchId: string): Promise<void> => {
      const { lines, overlaps } = await restoreSettled(this.placing, batchId);
      this.batches++;
      this.lines += lines;
      this.overlaps += overlaps;
    };
    const steps: Readonly<Record<Exclude<RebuildPhase, "done">, BatchStep>> = {
      settled: async ({ batchId, hasOutcome }) => {
        if (hasOutcome) await settle(batchId);
      },
      open: async ({ batchId, hasOutcome }) => {
        if (!hasOutcome) {
          await complete(batchId);
          this.batches++;
          this.lines += (await ledger.find(batchId))?.lineCount ?? 0;
          // A run that was cut off may have written the outcome of an open batch, and no row.
        } else if (!(await ledger.registered([batchId])).has(batchId)) await settle(batchId);
      },
      notes: async ({ batchId, hasOutcome }) => {
        if (hasOutcome) this.conflicts += await restoreNotes(this.placing, batchId);
      },
    };
    for (const phase of ["settled", "open", "notes"] as const) {
      if (PHASE_ORDER.indexOf(phase) < PHASE_ORDER.indexOf(begin.phase)) continue;
      const after = begin.phase === phase ? begin.after : "";
      if (!(await this.pass({ phase, after }, steps[phase]))) return this.report(false);
    }
    const isWhole = this.damaged.length === 0 || this.parts.request.isWithoutDamaged;
    if (!isWhole) return this.report(false);
    const { eventMark, ledgerMark } = this.parts.deps;
    await markTables([eventMark, ledgerMark], this.parts.deployment.incarnation);
    await this.note({ phase: "done", after: "" });
    return this.report(true);
  }

  /** @returns false where it was stopped */
  private async pass({ phase, after }: RebuildPosition, step: BatchStep): Promise<boolean> {
    const { request } = this.parts;
    await this.note({ phase, after });
    let through = 0;
    let notedAt = 0;
    let group: ArchivedBatch[] = [];
    const workOff = async (): Promise<void> => {
      const last = group.at(-1);
      if (last === undefined) return;
      await Promise.all(group.map((batch) => this.try(batch, step, phase)));
      through += group.length;
      group = [];
      const key = outcomeKey(last.batchId);
      await request.onProgress?.({ phase, batches: through, key });
      if (through - notedAt < BATCHES_PER_NOTE && request.stop?.aborted !== true) return;
      notedAt = through;
      await this.note({ phase, after: key });
    };
    for await (const batch of this.list(after, phase)) {
      group.push(batch);
      if (group.length === PARALLEL_BATCHES) await workOff();
      if (request.stop?.aborted === true) break;
    }
    await workOff();
    return request.stop?.aborted !== true;
  }

  /** A batch that nobody can read must not keep the others from being restored. */
  private async try(batch: ArchivedBatch, step: BatchStep, phase: RebuildPhase): Promise<void> {
    try {
      await step(batch);
    } catch (error) {
      if (!(error instanceof AuditStorageError) || error.retryable) throw error;
      if (phase !== "notes") this.addDamaged(batch.key, error.message);
    }
  }

  /** All batches behind a key, in order, each with whether its outcome is written. */
  private async *list(after: string, phase: RebuildPhase): AsyncGenerator<ArchivedBatch> {
    let batch: Omit<ArchivedBatch, "hasOutcome"> | undefined;
    for await (const { key } of this.placing.archive.list(BATCH_PREFIX, after)) {
      const reading = readBatchKey(key);
      if (reading.kind === "unknown") {
        if (phase === "open") this.addDamaged(key, "is no batch in a format that this release knows");
        continue;
      }
      const isItsOutcome = reading.kind === "outcome" && reading.batchId === batch?.batchId;
      if (batch !== undefined) yield { ...batch, hasOutcome: isItsOutcome };
      batch = isItsOutcome ? undefined : { batchId: reading.batchId, key };
      if (reading.kind !== "outcome" || isItsOutcome) continue;
      if (phase === "open") this.addDamaged(key, "is the outcome of a batch object that is missing");
      batch = undefined;
    }
    if (batch !== undefined) yield { ...batch, hasOutcome: false };
  }

  private addDamaged(key: string, reason: string): void {
    if (!this.damaged.some((known) => known.key === key)) this.damaged.push({ key, reason });
  }

  /** Stands still behind damage, which may be brought back, and which the next run must see. */
  private async note(position: RebuildPosition): Promise<void> {
    if (this.damaged.length > 0 && position.phase !== "done") return;
    await writePosition(this.placing.ledger, this.parts.tableIds, position);
  }

  private report(isFinished: boolean): RebuildReport {
    const { batches, lines, expired, conflicts, overlaps, damaged } = this;
    return { batches, lines, expired, conflicts, overlaps, damaged, isFinished };
  }
}

interface ArchivedBatch {
  readonly batchId: string;
  readonly key: string;
  readonly hasOutcome: boolean;
}

type BatchStep = (batch: ArchivedBatch) => Promise<void>;

const PHASE_ORDER: readonly RebuildPhase[] = ["settled", "open", "notes", "done"];

function refusal(message: string): AuditStorageError {
  return new AuditStorageError("storage-unavailable", message);
}
