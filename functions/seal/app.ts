/**
 * The seal function: woken by batches that are new in the ledger, and by a schedule every minute. What it is called with only
 * says why: a run seals all there is. Runs may overlap.
 */
import { count, emf } from "#functions/metrics.ts";
import type { MetricLine } from "#functions/metrics.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { AuditServiceError } from "#lib/errors.ts";
import type { OrphanReport } from "#service/janitor-orphans.ts";
import type { NoteLogProblem } from "#service/log-problem.ts";
import type { Clock } from "#service/ports.ts";
import type { Sealer, SealReport } from "#service/seal.ts";

export interface SealDependencies {
  readonly sealer: Sealer;
  /** Whether a wake-up by the ledger is worth a seal. */
  readonly isWorthIt: () => Promise<boolean>;
  /** Removes batch objects that outlived their sealing; asked for by the schedule alone. */
  readonly removeOrphans: () => Promise<OrphanReport>;
  /** Notes for health why a human must look; undefined: nothing any more. */
  readonly noteProblem: NoteLogProblem;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "error" | "info" | "warn">;
  readonly serviceName: string;
  /** Takes one line with its newline. */
  readonly writeMetrics: (line: string) => void;
}

/** Rejects where the run did: the invocation then counts as failed, and the next one goes on. */
export type Seal = (event: unknown) => Promise<void>;

export function createSeal(dependencies: SealDependencies): Seal {
  const { sealer, isWorthIt, removeOrphans, noteProblem, clock, telemetry, serviceName, writeMetrics } =
    dependencies;
  const measure = (line: Pick<MetricLine, "metrics" | "fields">): void =>
    writeMetrics(emf({ nowMs: clock.nowMs(), service: serviceName, ...line }));

  return async (event) => {
    try {
      if (isOfStream(event) && !(await isWorthIt())) return;
      const report = await sealer.run();
      tell(report, telemetry);
      measure(measured(report));
      if (isOfStream(event)) return;
      await noteProblem(report.problems[0] && `${report.problems[0].subject}: ${report.problems[0].problem}`);
      tellOrphans(await removeOrphans(), telemetry);
    } catch (error) {
      const isPassing = error instanceof AuditServiceError && error.retryable;
      const code = error instanceof AuditServiceError ? error.code : "internal";
      const message = error instanceof Error ? error.message : String(error);
      if (isPassing) telemetry.warn("the run of the sealer was cut short", { code, error: message });
      else telemetry.error("the log cannot be sealed", { code, error: message });
      measure({ metrics: { SealProblems: count(isPassing ? 0 : 1) } });
      // What stopped the run is the news, also where it cannot be noted.
      if (!isPassing) await Promise.allSettled([noteProblem(message)]);
      throw error;
    }
  };
}

/** A stream hands over records, a schedule its own event. */
function isOfStream(event: unknown): boolean {
  return typeof event === "object" && event !== null && "Records" in event;
}

function tell(
  { problems, witnessProblems, isFinished, size }: SealReport,
  telemetry: SealDependencies["telemetry"],
): void {
  for (const { subject, problem } of problems)
    telemetry.error("a batch cannot be sealed", { subject, error: problem });
  for (const { subject, problem } of witnessProblems)
    telemetry.warn("a witness did not cosign", { witness: subject, error: problem });
  if (!isFinished) telemetry.info("more is left to be sealed", { size });
}

function tellOrphans({ removed, kept }: OrphanReport, telemetry: SealDependencies["telemetry"]): void {
  if (removed.length > 0)
    telemetry.info("batch objects that outlived their sealing are removed", {
      batches: removed.join(", "),
    });
  for (const { batchId, reason } of kept)
    telemetry.error("a batch object that outlived its sealing is kept", { subject: batchId, error: reason });
}

function measured(report: SealReport): Pick<MetricLine, "metrics" | "fields"> {
  const { coverLagMs } = report;
  return {
    metrics: {
      LeavesSealed: count(report.leaves),
      Seals: count(report.seals),
      LogSize: count(report.publishedSize),
      CoverLag: coverLagMs === undefined ? undefined : { value: coverLagMs, unit: "Milliseconds" },
      SwapsLost: count(report.swapsLost),
      SealProblems: count(report.problems.length),
      WitnessFailures: count(report.witnessProblems.length),
    },
    fields: {
      replays: report.replays,
      is_finished: report.isFinished,
      is_freshness_renewed: report.isFreshnessRenewed,
    },
  };
}
