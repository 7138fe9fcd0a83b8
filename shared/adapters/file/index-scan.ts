/**
 * Walks the index in the order of a plan: merges, over all chunks, the rows of the access path's keys, and passes over
 * rows whose columns already show that they do not match. Chunks are opened only when the walk reaches their time
 * span, so the latest page of a large log opens one or two.
 */
import type { IndexChunk, KeyColumn } from "#adapters/file/index-chunk.ts";
import { CHUNK_ROWS } from "#adapters/file/index-chunk.ts";
import type { HashedMember, LineIndex } from "#adapters/file/line-index.ts";
import { kindOf } from "#adapters/file/line-index.ts";
import { CATEGORIES, LEVELS } from "#event/audit-event.ts";
import type { Instant } from "#lib/instant.ts";
import type { EventFilter, Position, QueryPlan } from "#query/plan.ts";

/** A run of rows of one chunk, in time order, walked from `at` towards `end`. */
interface Run {
  readonly chunk: IndexChunk;
  readonly base: number;
  readonly rows: Uint16Array;
  at: number;
  readonly end: number;
}

type ColumnCheck = (chunk: IndexChunk, row: number) => boolean;

export class IndexScan {
  /** Index entries looked at so far. */
  entries = 0;
  /** The row looked at last, returned or passed over; -1 before the first. Everything up to it has been looked at. */
  lastRow = -1;
  private readonly step: 1 | -1;
  private readonly column: KeyColumn;
  /** Number of the plan's tenant, or undefined where it has no events. */
  private readonly tenant: number | undefined;
  private readonly keys: readonly number[];
  /** By kind, 1 where level and category are asked for; undefined where any is. */
  private readonly wantedKinds: Uint8Array | undefined;
  private readonly checks: readonly ColumnCheck[];
  /** Rows of the first run that come before every other; then the heap is looked at again. */
  private free = 0;
  /** Chunks not opened yet, the next one last. */
  private readonly unopened: { readonly chunk: IndexChunk; readonly base: number }[];
  /** A binary heap, the next run first. */
  private readonly heap: Run[] = [];

  private readonly plan: QueryPlan;

  constructor(index: LineIndex, plan: QueryPlan) {
    this.plan = plan;
    this.step = plan.isDescending ? -1 : 1;
    const tenant = index.knownTenant(plan.tenantId);
    this.tenant = tenant;
    const { access } = plan;
    this.column = access.kind === "timeline" ? "tenant" : access.kind;
    if (tenant === undefined) this.keys = [];
    else if (access.kind === "timeline") this.keys = [tenant];
    else this.keys = [...new Set(access.values.map((value) => index.memberHash(access.kind, tenant, value)))];
    const { levels, categories } = plan.filter;
    this.wantedKinds =
      levels === undefined && categories === undefined ? undefined : wantedKinds(plan.filter);
    this.checks = tenant === undefined ? [] : columnChecks(index, tenant, plan);
    this.unopened = this.keys.length === 0 ? [] : this.chunksInSpan(index);
  }

  /** The next row that may match, or -1 at the end or once `maxEntries` have been looked at in this call. */
  next(maxEntries: number): number {
    const stopAt = this.entries + maxEntries;
    for (;;) {
      if (this.free === 0) this.free = this.freeRows();
      const run = this.heap[0];
      if (run === undefined || this.entries >= stopAt) return -1;
      const { chunk, rows } = run;
      for (; this.free > 0 && this.entries < stopAt; this.free--) {
        this.entries++;
        const row = rows[run.at] ?? 0;
        run.at += this.step;
        if (!this.isWanted(chunk, row)) continue;
        this.free--;
        this.leave(run, row);
        return run.base + row;
      }
      this.leave(run, rows[run.at - this.step] ?? 0);
    }
  }

  private isWanted(chunk: IndexChunk, row: number): boolean {
    if (chunk.tenant[row] !== this.tenant) return false; // the hash of a key can be another tenant's too
    if (this.wantedKinds?.[chunk.kind[row] ?? 0] === 0) return false;
    for (const check of this.checks) if (!check(chunk, row)) return false;
    return true;
  }

  /** Notes how far the first run has been walked, and brings the heap in order where another run may be first now. */
  private leave(run: Run, row: number): void {
    this.lastRow = run.base + row;
    if (this.free > 0) return;
    if (run.at === run.end) this.removeFirst();
    else this.sink(0);
  }

  /** How many rows of the first run surely come before all others: all that are left, or one. */
  private freeRows(): number {
    this.openReached();
    const run = this.heap[0];
    if (run === undefined) return 0;
    const last = run.rows[run.end - this.step] ?? 0;
    const isBeforeAll = (chunk: IndexChunk, row: number): boolean =>
      this.step * run.chunk.compare(last, chunk, row) < 0;
    const unopened = this.unopened.at(-1);
    if (unopened !== undefined && !isBeforeAll(unopened.chunk, this.edge(unopened.chunk))) return 1;
    for (const other of [this.heap[1], this.heap[2]]) {
      if (other !== undefined && !isBeforeAll(other.chunk, other.rows[other.at] ?? 0)) return 1;
    }
    return Math.abs(run.end - run.at);
  }

  get isAtEnd(): boolean {
    return this.heap.length === 0 && this.unopened.length === 0;
  }

  /** Chunks that can hold rows of the plan, sorted so that the walk meets the last one first. */
  private chunksInSpan(index: LineIndex): { readonly chunk: IndexChunk; readonly base: number }[] {
    const { from, to, after } = this.plan;
    const [low, high] =
      this.step === -1 ? [from, earlier(to, after?.instant)] : [later(from, after?.instant), to];
    const found: { readonly chunk: IndexChunk; readonly base: number }[] = [];
    index.chunks.forEach((chunk, number) => {
      if (chunk.ordered === 0) return;
      if (high !== undefined && chunk.compareInstant(chunk.order[0] ?? 0, high) > 0) return;
      if (low !== undefined && chunk.compareInstant(chunk.order[chunk.ordered - 1] ?? 0, low) < 0) return;
      found.push({ chunk, base: number * CHUNK_ROWS });
    });
    return found.sort(
      (a, b) => -this.step * a.chunk.compare(this.edge(a.chunk), b.chunk, this.edge(b.chunk)),
    );
  }

  /** The row of a chunk that the walk meets first. */
  private edge(chunk: IndexChunk): number {
    return chunk.order[this.step === -1 ? chunk.ordered - 1 : 0] ?? 0;
  }

  /** Opens every chunk that may hold a row at or before the next one of the open runs. */
  private openReached(): void {
    for (;;) {
      const candidate = this.unopened.at(-1);
      if (candidate === undefined) return;
      const { chunk, base } = candidate;
      const first = this.heap[0];
      if (first !== undefined) {
        if (this.step * chunk.compare(this.edge(chunk), first.chunk, first.rows[first.at] ?? 0) > 0) return;
      }
      this.unopened.pop();
      for (const key of this.keys) this.open(chunk, base, key);
    }
  }

  private open(chunk: IndexChunk, base: number, key: number): void {
    const rows = chunk.rowsWith(this.column, key);
    const { from, to, after } = this.plan;
    // Positions [low, high) of rows within the bounds of time, then narrowed by the cursor.
    let low = from === undefined ? 0 : countBefore(rows, (row) => chunk.compareInstant(row, from) < 0);
    let high =
      to === undefined ? rows.length : countBefore(rows, (row) => chunk.compareInstant(row, to) <= 0);
    if (after !== undefined && this.step === 1) {
      low = Math.max(
        low,
        countBefore(rows, (row) => comparePosition(chunk, row, after) <= 0),
      );
    } else if (after !== undefined) {
      high = Math.min(
        high,
        countBefore(rows, (row) => comparePosition(chunk, row, after) < 0),
      );
    }
    if (low >= high) return;
    const run: Run =
      this.step === 1
        ? { chunk, base, rows, at: low, end: high }
        : { chunk, base, rows, at: high - 1, end: low - 1 };
    this.heap.push(run);
    this.rise(this.heap.length - 1);
  }

  private isBefore(a: Run, b: Run): boolean {
    return this.step * a.chunk.compare(a.rows[a.at] ?? 0, b.chunk, b.rows[b.at] ?? 0) < 0;
  }

  private removeFirst(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    this.sink(0);
  }

  private rise(from: number): void {
    const { heap } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.swapIfBefore(heap, at, parent)) return;
      at = parent;
    }
  }

  private sink(from: number): void {
    const { heap } = this;
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const a = heap[left];
      if (a === undefined) return;
      const b = heap[left + 1];
      const child = b !== undefined && this.isBefore(b, a) ? left + 1 : left;
      if (!this.swapIfBefore(heap, child, at)) return;
      at = child;
    }
  }

  /** Swaps two entries of the heap where the one at `lower` comes first; says whether it did. */
  private swapIfBefore(heap: Run[], lower: number, upper: number): boolean {
    const a = heap[lower];
    const b = heap[upper];
    if (a === undefined || b === undefined || !this.isBefore(a, b)) return false;
    heap[lower] = b;
    heap[upper] = a;
    return true;
  }
}

function earlier(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos < b.nanos) ? a : b;
}

function later(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return earlier(a, b) === a ? b : a;
}

/** How many rows at the beginning fulfil `isBefore`, which no row behind them does. */
function countBefore(rows: Uint16Array, isBefore: (row: number) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(rows[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function comparePosition(chunk: IndexChunk, row: number, position: Position): number {
  const byTime = chunk.compareInstant(row, position.instant);
  if (byTime !== 0) return byTime;
  const eventId = chunk.eventId(row);
  if (eventId === position.eventId) return 0;
  return eventId < position.eventId ? -1 : 1;
}

/** Filters of members that the columns can refute without the line. */
function columnChecks(index: LineIndex, tenant: number, plan: QueryPlan): ColumnCheck[] {
  const { filter, access } = plan;
  const checks: ColumnCheck[] = [];
  const byHash = (member: HashedMember, values: readonly string[] | undefined): void => {
    if (values === undefined || access.kind === member) return;
    const hashes = new Set(values.map((value) => index.memberHash(member, tenant, value)));
    checks.push((chunk, row) => hashes.has(chunk[member][row] ?? 0));
  };
  byHash("service", filter.service_names);
  byHash("user", filter.user_ids);
  byHash("resource", filter.resource_ids);
  byHash("action", filter.actions);
  return checks;
}

function wantedKinds(filter: EventFilter): Uint8Array {
  const wanted = new Uint8Array(256);
  for (const level of filter.levels ?? LEVELS) {
    for (const category of filter.categories ?? CATEGORIES) wanted[kindOf(level, category)] = 1;
  }
  return wanted;
}
