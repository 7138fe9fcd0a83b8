/**
 * The nightly equation: winners and conflicts over sealed batches = size of the log = lines in segments. Each night the
 * names of all segments and manifests are compared, what was sealed since the night before is read in full, and what was
 * not sound before is looked at again. It goes on over several runs where one does not suffice.
 */
import { MANIFEST_PREFIX, manifestKey } from "#service/log-layout.ts";
import type { Archive, Clock, Ledger } from "#service/ports.ts";
import { createLogReader } from "#service/read-log.ts";
import { Chain, NO_NAMES } from "#service/reconcile-chain.ts";
import type { CheckedManifest, ManifestCheckDeps } from "#service/reconcile-manifest.ts";
import { checkManifest } from "#service/reconcile-manifest.ts";
import type { ChainPosition } from "#service/reconcile-chain.ts";
import type { ReconcileNote, ReconcileReport, ReconcileRun } from "#service/reconcile-note.ts";
import { readReconcileNote, writeReconcileNote } from "#service/reconcile-note.ts";
import { manifestEnd } from "#service/reconcile-segments.ts";
import { NOTHING_COUNTED, Tally } from "#service/reconcile-tally.ts";

export interface ReconcileDeps extends ManifestCheckDeps {
  readonly archive: Pick<Archive, "get" | "list">;
  readonly ledger: Pick<Ledger, "find" | "readNote" | "writeNote">;
  readonly clock: Clock;
  /** Time from `received_at` for which the hot store keeps an event. */
  readonly hotRetentionMs: number;
}

export interface ReconcileRequest {
  /** No new manifest is begun after this: milliseconds since 1970. */
  readonly untilMs: number;
}

/** A comparison of everything, from the first leaf on, which leaves the nightly one alone. */
export interface FullReconcileRequest {
  readonly stop?: AbortSignal | undefined;
  readonly onProgress?: ((leaf: number, size: number) => Promise<void>) | undefined;
}

const DAY_MS = 24 * 60 * 60_000;
/** UTC: most places of the world are at rest, and the day's partitions of the archive are closed. */
const DUE_AT_MS = 2 * 60 * 60_000;
/** Manifests between two notes: work that is done again after a cut. */
const MANIFESTS_PER_NOTE = 64;
/** Manifests that wait for a human, at most: behind them the comparison goes no further, and the equation shows it. */
const MAX_LEFT = 100;
/** An item near its end may be gone: DynamoDB removes it, and a comparison takes a while. */
const EXPIRY_MARGIN_MS = 60 * 60_000;

/**
 * Compares once after 02:00 UTC. The function answers what was found once it is through; undefined where it is not due, or
 * must go on in a later run. It throws AuditStorageError `storage-unavailable`; what was noted stays done.
 */
export function createReconcile(
  deps: ReconcileDeps,
): (request: ReconcileRequest) => Promise<ReconcileReport | undefined> {
  return async ({ untilMs }) => {
    const note = await readReconcileNote(deps.ledger);
    const nowMs = deps.clock.nowMs();
    if (note.run === null && !isDue(note, nowMs)) return undefined;
    const published = await createLogReader(deps.archive).checkpoint();
    if (published === undefined) return undefined;
    const night = new Night(deps, note.run === null ? begun(note, nowMs, published.size) : note);
    return night.goOn(untilMs);
  };
}

/** The function throws AuditStorageError `storage-unavailable`; undefined where it was stopped, or there is no log. */
export function createFullReconcile(
  deps: ReconcileDeps,
): (request: FullReconcileRequest) => Promise<ReconcileReport | undefined> {
  return async ({ stop, onProgress }) => {
    const published = await createLogReader(deps.archive).checkpoint();
    if (published === undefined) return undefined;
    const nothing = { reached: 0, sound: NO_SIDES, left: [], run: null, last: null };
    const unnoted = {
      ...deps,
      ledger: { ...deps.ledger, find: find(deps), writeNote: async () => undefined },
    };
    const night = new Night(unnoted, begun(nothing, deps.clock.nowMs(), published.size));
    return night.goOn(Number.POSITIVE_INFINITY, { stop, onProgress });
  };
}

function find({ ledger }: ReconcileDeps): ReconcileDeps["ledger"]["find"] {
  return (batchId) => ledger.find(batchId);
}

/** Whether the last 02:00 UTC has passed since one was begun. */
function isDue({ last }: ReconcileNote, nowMs: number): boolean {
  const dueMs = Math.floor((nowMs - DUE_AT_MS) / DAY_MS) * DAY_MS + DUE_AT_MS;
  return last === null || Date.parse(last.begun_at) < dueMs;
}

const NO_SIDES = { row_leaves: 0, segment_lines: 0 } as const;

function begun(note: ReconcileNote, nowMs: number, size: number): ReconcileNote {
  return {
    ...note,
    left: [],
    run: {
      begun_at: new Date(nowMs).toISOString(),
      log_size: size,
      again: note.left,
      is_chained: false,
      chain: null,
      unsound: NO_SIDES,
      counts: NOTHING_COUNTED,
      problems: [],
    },
  };
}

/** One comparison and how far it is. */
class Night {
  private readonly deps: ReconcileDeps;
  private readonly run: ReconcileRun;
  private readonly last: ReconcileReport | null;
  private readonly tally: Tally;
  private readonly sound: { row_leaves: number; segment_lines: number };
  private readonly unsound: { row_leaves: number; segment_lines: number };
  private readonly again: number[];
  private readonly left: Set<number>;
  private reached: number;
  private isChained: boolean;
  private chained: ChainPosition | null;

  constructor(deps: ReconcileDeps, { run, last, sound, left, reached }: ReconcileNote) {
    if (run === null) throw new RangeError("no comparison is under way");
    this.deps = deps;
    this.run = run;
    this.last = last;
    this.tally = new Tally(run.counts, run.problems);
    this.sound = { ...sound };
    this.unsound = { ...run.unsound };
    this.again = [...run.again];
    this.left = new Set(left);
    this.reached = reached;
    this.isChained = run.is_chained;
    this.chained = run.chain;
  }

  async goOn(
    untilMs: number,
    { stop, onProgress }: FullReconcileRequest = {},
  ): Promise<ReconcileReport | undefined> {
    const isOver = (): boolean => this.deps.clock.nowMs() >= untilMs || stop?.aborted === true;
    if (isOver()) return this.pause();
    if (!this.isChained && !(await this.chain(isOver))) return this.pause();
    while (this.again.length > 0) {
      if (isOver()) return this.pause();
      await this.check(this.again[0] ?? 0);
      this.again.shift();
    }
    let unnoted = 0;
    for await (const { key } of this.deps.archive.list(MANIFEST_PREFIX, manifestKey(this.reached))) {
      const end = manifestEnd(key);
      if (end === undefined) continue;
      if (end > this.run.log_size) break;
      if (isOver()) return this.pause();
      if (this.left.size >= MAX_LEFT) break;
      await this.check(end);
      this.reached = end;
      await onProgress?.(end, this.run.log_size);
      if (++unnoted % MANIFESTS_PER_NOTE === 0) await this.note();
    }
    return this.finish();
  }

  /** @returns whether all names are compared */
  private async chain(isOver: () => boolean): Promise<boolean> {
    const { archive } = this.deps;
    const { tally, run } = this;
    // A segment whose manifest is missing is looked at again when that is back.
    const missing = { add: (end: number): void => this.leave(end) };
    const chain = new Chain({ archive, size: run.log_size, tally, missing }, this.chained ?? NO_NAMES);
    this.isChained = await chain.goOn(isOver);
    this.chained = this.isChained ? null : chain.position();
    if (this.isChained) await this.note();
    return this.isChained;
  }

  private leave(end: number): void {
    if (!this.again.includes(end) && this.left.size < MAX_LEFT) this.left.add(end);
  }

  private async check(end: number): Promise<void> {
    const keptFromMs = this.deps.clock.nowMs() - this.deps.hotRetentionMs + EXPIRY_MARGIN_MS;
    const checked = await checkManifest(this.deps, { end, keptFromMs }, this.tally);
    add(checked.isSound ? this.sound : this.unsound, checked);
    if (checked.isSound) this.left.delete(end);
    else this.left.add(end);
  }

  private async pause(): Promise<undefined> {
    await this.note();
    return undefined;
  }

  private async finish(): Promise<ReconcileReport> {
    const { begun_at, log_size } = this.run;
    const row_leaves = this.sound.row_leaves + this.unsound.row_leaves;
    const segment_lines = this.sound.segment_lines + this.unsound.segment_lines;
    const last: ReconcileReport = {
      ...this.tally.counts,
      begun_at,
      finished_at: new Date(this.deps.clock.nowMs()).toISOString(),
      log_size,
      row_leaves,
      segment_lines,
      log_size_difference: Math.max(Math.abs(log_size - row_leaves), Math.abs(log_size - segment_lines)),
      problems: this.tally.problems,
    };
    await this.write({ run: null, last });
    return last;
  }

  private async note(): Promise<void> {
    const run: ReconcileRun = {
      ...this.run,
      again: this.again,
      is_chained: this.isChained,
      chain: this.chained,
      unsound: this.unsound,
      counts: this.tally.counts,
      problems: this.tally.problems,
    };
    await this.write({ run, last: this.last });
  }

  private async write(parts: Pick<ReconcileNote, "run" | "last">): Promise<void> {
    const { reached, sound, left } = this;
    await writeReconcileNote(this.deps.ledger, { reached, sound, left: [...left], ...parts });
  }
}

function add(
  sides: { row_leaves: number; segment_lines: number },
  { rowLeaves, segmentLines }: CheckedManifest,
): void {
  sides.row_leaves += rowLeaves;
  sides.segment_lines += segmentLines;
}
