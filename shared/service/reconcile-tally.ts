/** What a comparison of log, rows, segments and items has found so far. */
import * as z from "zod";

const Count = z.int().min(0);

/** Members as in the note and on the wire. */
export const ReconcileCounts = z.object({
  /** Leaves whose segment, rows and items were looked at. */
  reconciled_leaves: Count,
  /** Items that the hot store should hold, and does not. */
  missing_items: Count,
  /** Rows that were missing, or did not say that their batch is sealed; restored from manifests. */
  missing_rows: Count,
  /** Rows that say something else than the manifest. */
  wrong_rows: Count,
  /** Segments and manifests that are missing or cannot be read. */
  missing_segments: Count,
  /** Events that stand at two leaves. */
  late_duplicates: Count,
});
export type ReconcileCounts = Readonly<z.infer<typeof ReconcileCounts>>;

const MAX_PROBLEMS = 20;
export const Problems = z.array(z.string()).max(MAX_PROBLEMS);

export const NOTHING_COUNTED: ReconcileCounts = {
  reconciled_leaves: 0,
  missing_items: 0,
  missing_rows: 0,
  wrong_rows: 0,
  missing_segments: 0,
  late_duplicates: 0,
};

export class Tally {
  readonly counts: { -readonly [Name in keyof ReconcileCounts]: number };
  /** For a human, the first 20. */
  readonly problems: string[];

  constructor(counts: ReconcileCounts = NOTHING_COUNTED, problems: readonly string[] = []) {
    this.counts = { ...counts };
    this.problems = [...problems];
  }

  add(name: keyof ReconcileCounts, count = 1): void {
    this.counts[name] += count;
  }

  find(name: keyof ReconcileCounts, problem: string): void {
    this.add(name);
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }
}
