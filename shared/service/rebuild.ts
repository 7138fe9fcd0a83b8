/**
 * Restores the tables from the archive, which is the source of truth. What the log holds comes first, then batches whose
 * outcome is written there, as they were; each other one had no losers, or had no row yet: it is finished as the janitor
 * would finish it, and finds what is taken. The head of the log comes last, so that no sealer works on rows that are half
 * restored, and then the marks, so that no consumer does.
 */
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { CompleteDeps } from "#service/complete-batch.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import type { Deployment } from "#service/deployment.ts";
import { markTables } from "#service/deployment.ts";
import { manifestKey } from "#service/log-layout.ts";
import type { LogLedger, LogStore, SealLedger } from "#service/log-ports.ts";
import { leafLines } from "#service/manifest.ts";
import type { Archive, Clock, EventTable, Ledger } from "#service/ports.ts";
import type { RebuildTables } from "#service/rebuild-checks.ts";
import { checkedTableIds, deploymentOf, refuseOccupied } from "#service/rebuild-checks.ts";
import type { ListedBatch, ListedManifest } from "#service/rebuild-list.ts";
import { listBatches, listManifests } from "#service/rebuild-list.ts";
import type { FoundLog, RebuildLogDeps } from "#service/rebuild-log.ts";
import { findLog, restoreHead } from "#service/rebuild-log.ts";
import type { RebuildPhase, RebuildPosition } from "#service/rebuild-progress.ts";
import { PHASES, readPosition, writePosition } from "#service/rebuild-progress.ts";
import type { SealedDeps } from "#service/rebuild-sealed.ts";
import { restoreSealed, restoreSealedNotes } from "#service/rebuild-sealed.ts";
import { manifestEnd } from "#service/reconcile-segments.ts";
import { indexingRegistered } from "#service/restored-index.ts";
import { keepingOnly, readOutcome, restoreNotes, restoreSettled } from "#service/settled-batch.ts";

export interface RebuildDeps extends RebuildTables {
  readonly archive: Archive & Pick<LogStore, "remove">;
  readonly table: EventTable;
  readonly ledger: Ledger;
  readonly sealing: Pick<SealLedger, "markSealed">;
  readonly logLedger: LogLedger;
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
  /** Batches or segments of this phase that are through, by this run. */
  readonly batches: number;
  /** Key that was reached, which tells day and hour. */
  readonly key: string;
}

export interface RebuildReport {
  /** Leaves of the log, which goes on behind them. */
  readonly logSize: number;
  /** Objects taken away that a sealer had begun to publish. */
  readonly unpublished: number;
  readonly batches: number;
  readonly lines: number;
  /** Lines among these whose hot retention is over. */
  readonly expired: number;
  /** Conflicts noted on the events that came first. */
  readonly conflicts: number;
  /** Lines that two batches claim; the first one has its item. */
  readonly overlaps: number;
  /** Batches and manifests that cannot be read, or not by this release, and why. */
  readonly damaged: readonly { readonly key: string; readonly reason: string }[];
  /** Whether the tables are whole, and marked so. */
  readonly isFinished: boolean;
}

/** Segments or batches worked on at once: mostly waiting for the archive. */
const PARALLEL_UNITS = 8;
/** Between two notes of how far it is: work that is done again after a cut. */
const UNITS_PER_NOTE = 64;

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
    const log = await findLog(logDepsOf(deps));
    const isToGoOn = begun !== undefined && begun.phase !== "done";
    const run = new Run({ deps, request, deployment, tableIds, log });
    return run.all(isToGoOn ? begun : { phase: "sealed", after: "" });
  };
}

function logDepsOf({ archive, logLedger, clock }: RebuildDeps): RebuildLogDeps {
  return { store: archive, ledger: logLedger, clock };
}

interface RunParts {
  readonly deps: RebuildDeps;
  readonly request: RebuildRequest;
  readonly deployment: Deployment;
  readonly tableIds: readonly string[];
  readonly log: FoundLog;
}

/** One run and what it has done so far. */
class Run {
  private readonly parts: RunParts;
  private readonly placing: CompleteDeps & SealedDeps;
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
    const { conflictKey } = parts.deployment;
    this.placing = { archive, table: counting, ledger, sealing: parts.deps.sealing, conflictKey };
  }

  async all(begin: RebuildPosition): Promise<RebuildReport> {
    for (const phase of PHASES) {
      if (phase === "head") break;
      if (PHASES.indexOf(phase) < PHASES.indexOf(begin.phase)) continue;
      const after = begin.phase === phase ? begin.after : "";
      if (!(await this.pass({ phase, after }))) return this.report(false);
    }
    const { deps, request, deployment, log } = this.parts;
    const isWhole = this.damaged.length === 0 || request.isWithoutDamaged;
    if (!isWhole) return this.report(false);
    await restoreHead(logDepsOf(deps), log);
    await markTables([deps.eventMark, deps.ledgerMark], deployment.incarnation);
    await this.note({ phase: "done", after: "" });
    return this.report(true);
  }

  private unitsOf({ phase, after }: RebuildPosition): AsyncIterable<Unit> {
    switch (phase) {
      case "sealed":
        return this.sealedUnits(after, (manifest) => this.restoreSegment(manifest));
      case "sealed-notes":
        return this.sealedUnits(after, async ({ key }) => {
          this.conflicts += await restoreSealedNotes(this.placing, key);
        });
      case "settled":
        return this.batchUnits(after, (batchId, listed) => this.restoreSettled(batchId, listed));
      case "open":
        return this.batchUnits(after, (batchId, listed) => this.restoreOpen(batchId, listed));
      case "notes":
        return this.batchUnits(after, async (batchId, { hasObject, hasOutcome }) => {
          if (hasObject && hasOutcome) this.conflicts += await restoreNotes(this.placing, batchId);
        });
      default:
        throw new RangeError(`phase ${phase} has no units`);
    }
  }

  private async *sealedUnits(
    after: string,
    step: (manifest: ListedManifest) => Promise<void>,
  ): AsyncGenerator<Unit> {
    const { size, end } = this.parts.log;
    let reached = manifestEnd(after) ?? 0;
    for await (const manifest of listManifests(this.placing.archive, { after, size: end })) {
      yield { key: manifest.key, reached: manifest.key, work: () => step(manifest) };
      reached = manifest.end;
    }
    if (reached < size)
      this.addDamaged(manifestKey(size), `leaves ${reached} to ${size - 1} have no manifest`);
  }

  private async restoreSegment({ key, from }: ListedManifest): Promise<void> {
    const { firstLeaf, batches, lines, overlaps } = await restoreSealed(this.placing, key);
    this.batches += batches;
    this.lines += lines;
    this.overlaps += overlaps;
    if (firstLeaf > from) this.addDamaged(key, `leaves ${from} to ${firstLeaf - 1} have no manifest`);
  }

  private async *batchUnits(
    after: string,
    step: (batchId: string, listed: ListedBatch) => Promise<void>,
  ): AsyncGenerator<Unit> {
    const nowMs = this.parts.deps.clock.nowMs();
    for await (const listed of listBatches(this.placing.archive, { after, nowMs })) {
      const { key, reached, batchId } = listed;
      if (batchId === undefined) this.addDamaged(key, "is no batch in a format that this release knows");
      else yield { key, reached, work: () => this.unlessSealed(batchId, () => step(batchId, listed)) };
    }
  }

  /** What the log holds stands where its segment says; its object was on the way out. */
  private async unlessSealed(batchId: string, work: () => Promise<void>): Promise<void> {
    if ((await this.placing.ledger.find(batchId))?.sealed === undefined) await work();
  }

  private async restoreSettled(batchId: string, { hasObject, hasOutcome }: ListedBatch): Promise<void> {
    if (!hasObject || !hasOutcome) return;
    const { lines, overlaps } = await restoreSettled(this.placing, batchId);
    this.batches++;
    this.lines += lines;
    this.overlaps += overlaps;
  }

  private async restoreOpen(batchId: string, listed: ListedBatch): Promise<void> {
    const { archive, ledger } = this.placing;
    if (!listed.hasObject) {
      // A batch of copies alone has no leaf: no manifest need name it, and nothing of it is missing.
      if (leafLines(await readOutcome(archive, batchId)).length > 0)
        this.addDamaged(listed.key, "is the outcome of a batch object that is missing");
    } else if (!listed.hasOutcome) {
      await createCompleteBatch(this.placing)(batchId);
      this.batches++;
      this.lines += (await ledger.find(batchId))?.lineCount ?? 0;
      // A run that was cut off may have written the outcome of an open batch, and no row.
    } else if (!(await ledger.registered([batchId])).has(batchId)) await this.restoreSettled(batchId, listed);
  }

  /** @returns false where it was stopped */
  private async pass({ phase, after }: RebuildPosition): Promise<boolean> {
    const { request } = this.parts;
    await this.note({ phase, after });
    let through = 0;
    let notedAt = 0;
    let group: Unit[] = [];
    const workOff = async (): Promise<void> => {
      const last = group.at(-1);
      if (last === undefined) return;
      await Promise.all(group.map((unit) => this.try(unit, phase)));
      through += group.length;
      group = [];
      await request.onProgress?.({ phase, batches: through, key: last.reached });
      if (through - notedAt < UNITS_PER_NOTE && request.stop?.aborted !== true) return;
      notedAt = through;
      await this.note({ phase, after: last.reached });
    };
    for await (const unit of this.unitsOf({ phase, after })) {
      group.push(unit);
      if (group.length === PARALLEL_UNITS) await workOff();
      if (request.stop?.aborted === true) break;
    }
    await workOff();
    return request.stop?.aborted !== true;
  }

  /** What nobody can read must not keep the rest from being restored. */
  private async try({ key, work }: Unit, phase: RebuildPhase): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AuditStorageError) || error.retryable) throw error;
      if (phase !== "notes" && phase !== "sealed-notes") this.addDamaged(key, error.message);
    }
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
    const { size, unpublished } = this.parts.log;
    const counts = { batches, lines, expired, conflicts, overlaps, damaged };
    return { logSize: size, unpublished: unpublished.length, ...counts, isFinished };
  }
}

/** One manifest or batch. */
interface Unit {
  readonly key: string;
  /** Key from which a list goes on behind it. */
  readonly reached: string;
  readonly work: () => Promise<void>;
}
