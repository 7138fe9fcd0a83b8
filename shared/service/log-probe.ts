/** How sealing stands where the log's head, its batches and its notes are rows of a ledger: read, never reckoned. */
import { batchTimeMs } from "#service/batch-object.ts";
import type { Probe } from "#service/health.ts";
import { logHealth } from "#service/log-health.ts";
import type { LogHead, LogLedger, SealLedger } from "#service/log-ports.ts";
import { readLogProblem } from "#service/log-problem.ts";
import type { Clock, Ledger } from "#service/ports.ts";
import type { ReconcileReport } from "#service/reconcile-note.ts";
import { readReconcileNote } from "#service/reconcile-note.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote } from "#tlog/note.ts";

export interface LogProbeDeps {
  readonly head: Pick<LogLedger, "readHead">;
  readonly sealing: Pick<SealLedger, "pending">;
  readonly ledger: Pick<Ledger, "readNote">;
  readonly clock: Clock;
}

/** Batches whose events are counted: one read of their rows. */
const MAX_COUNTED_BATCHES = 100;
/** One comparison a day, and as much again for one that goes on over many runs. */
const MAX_REPORT_AGE_MS = 2 * 24 * 60 * 60_000;

/** The probe never rejects. */
export function createLogProbe({ head, sealing, ledger, clock }: LogProbeDeps): Probe {
  return async () => {
    try {
      const [stored, pending, problem, { last }] = await Promise.all([
        head.readHead(),
        sealing.pending(MAX_COUNTED_BATCHES),
        readLogProblem(ledger),
        readReconcileNote(ledger),
      ]);
      const unsealed = pending.filter(({ row }) => row?.sealed === undefined);
      const events = unsealed.map(({ row }) => (row?.winners.length ?? 0) + (row?.conflicts.length ?? 0));
      const oldest = unsealed[0];
      const found = logHealth(
        {
          ...factsOf(stored),
          unsealed: events.reduce((sum, count) => sum + count, 0),
          isMoreUnsealed: pending.length === MAX_COUNTED_BATCHES,
          oldestUnsealedMs: oldest === undefined ? undefined : batchTimeMs(oldest.batchId),
          problems: [
            ...(problem === undefined ? [] : [`${problem.problem} (since ${problem.since})`]),
            ...differences(last, clock),
          ],
        },
        clock,
      );
      return { ...found, details: { ...found.details, ...comparison(last) } };
    } catch {
      return { status: "degraded", problems: ["how the log stands cannot be read"], details: {} };
    }
  };
}

function factsOf(head: LogHead | undefined): {
  readonly origin: string | undefined;
  readonly size: number;
  readonly publishedAtMs: number | undefined;
} {
  if (head === undefined) return { origin: undefined, size: 0, publishedAtMs: undefined };
  const { origin, size } = parseCheckpoint(parseNote(head.checkpoint).body);
  return { origin, size: Number(size), publishedAtMs: head.sealedAtMs };
}

/** What the last comparison found that a human must look at. */
function differences(last: ReconcileReport | null, { nowMs }: Clock): readonly string[] {
  if (last === null) return [];
  const isOld = nowMs() - Date.parse(last.finished_at) > MAX_REPORT_AGE_MS;
  const counts: readonly (readonly [number, string])[] = [
    [last.log_size_difference, "leaves by which log, rows and segments differ"],
    [last.missing_segments, "segments or manifests that are missing"],
    [last.missing_rows, "rows of sealed batches that were missing"],
    [last.wrong_rows, "rows of sealed batches that say another place"],
    [last.missing_items, "items that are missing in the hot store"],
  ];
  const found = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [
    ...(isOld ? [`the last comparison is of ${last.finished_at}`] : []),
    ...(found.length > 0 ? [`the comparison of ${last.finished_at} found: ${found.join(", ")}`] : []),
  ];
}

function comparison(last: ReconcileReport | null): Readonly<Record<string, unknown>> {
  return last === null
    ? {}
    : { compared_at: last.finished_at, compared_size: last.log_size, late_duplicates: last.late_duplicates };
}
