/**
 * What is done on a schedule: the janitor finishes what consumers left, then the inventory says whether anything is
 * missing, for health, for metrics and alarms; once a day log, rows, segments and items are compared. Runs may overlap.
 */
import type { MetricLine, MetricValue } from "#functions/metrics.ts";
import { count, emf } from "#functions/metrics.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import type { Inventory, TakeInventory } from "#service/inventory.ts";
import type { JanitorReport } from "#service/janitor.ts";
import type { Clock } from "#service/ports.ts";
import type { ReconcileReport } from "#service/reconcile-note.ts";
import type { ReconcileRequest } from "#service/reconcile.ts";

export interface MaintainDependencies {
  readonly janitor: () => Promise<JanitorReport>;
  readonly takeInventory: TakeInventory;
  readonly reconcile: (request: ReconcileRequest) => Promise<ReconcileReport | undefined>;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "error" | "warn">;
  readonly serviceName: string;
  /** Takes one line with its newline. */
  readonly writeMetrics: (line: string) => void;
}

/** From the begin of a run; the function has 290 s, and one manifest takes some seconds. */
const COMPARE_UNTIL_MS = 240_000;

/**
 * The function rejects where janitor, inventory or comparison did: the invocation then counts as failed, and the next run
 * goes on.
 */
export function createMaintain(dependencies: MaintainDependencies): () => Promise<void> {
  const { janitor, takeInventory, reconcile, clock, telemetry, serviceName, writeMetrics } = dependencies;
  const measure = (line: Pick<MetricLine, "metrics" | "fields">): void =>
    writeMetrics(emf({ nowMs: clock.nowMs(), service: serviceName, ...line }));
  return async () => {
    const startMs = clock.nowMs();
    // The inventory is most wanted when the janitor cannot do its work.
    const [cleaning] = await Promise.allSettled([janitor()]);
    const report = cleaning.status === "fulfilled" ? cleaning.value : undefined;
    for (const { subject, error } of report?.problems ?? []) {
      const log = error.retryable ? telemetry.warn : telemetry.error;
      log("janitor could not finish", { subject, error: error.message, code: error.code });
    }
    measure(measuredInventory(await takeInventory(unregisteredOf(report), report?.finished ?? []), report));
    const compared = await reconcile({ untilMs: startMs + COMPARE_UNTIL_MS });
    if (compared !== undefined) {
      for (const problem of compared.problems) telemetry.error("the comparison found", { problem });
      measure(measuredComparison(compared));
    }
    if (cleaning.status === "rejected") throw cleaning.reason;
  };
}

function measuredInventory(
  inventory: Inventory,
  report: JanitorReport | undefined,
): Pick<MetricLine, "metrics" | "fields"> {
  const countKnown = (value: number | null | undefined): MetricValue | undefined =>
    value === null || value === undefined ? undefined : count(value);
  return {
    metrics: {
      UnregisteredBatches: countKnown(inventory.unregistered_batches),
      QuarantinedEvents: count(inventory.quarantined),
      DeadLetters: count(inventory.dead_letters),
      LateMessages: countKnown(inventory.late_messages),
      LateEvents: countKnown(inventory.late_events),
      UnpointedEvents: countKnown(inventory.unpointed_events),
      LostRows: countKnown(inventory.lost_rows),
      OrphanBatches: countKnown(inventory.orphans),
      EventsIndexedLater: countKnown(report?.indexed),
      UnaccountedEvents: countKnown(inventory.unaccounted_events),
    },
    fields: {
      batches_examined: report?.examined,
      batches_completed: report?.completed,
      is_finished: report?.isFinished,
    },
  };
}

function measuredComparison(report: ReconcileReport): Pick<MetricLine, "metrics" | "fields"> {
  return {
    metrics: {
      ReconciledLeaves: count(report.reconciled_leaves),
      MissingItems: count(report.missing_items),
      MissingRows: count(report.missing_rows + report.wrong_rows),
      MissingSegments: count(report.missing_segments),
      LateDuplicates: count(report.late_duplicates),
      LogSizeDifference: count(report.log_size_difference),
    },
    fields: { log_size: report.log_size, begun_at: report.begun_at },
  };
}

/** None found tells nothing while there are batches that were not looked at, as when a rebuild has just begun it all anew. */
function unregisteredOf(report: JanitorReport | undefined): number | null {
  if (report === undefined || (report.unregistered === 0 && !report.isFinished)) return null;
  return report.unregistered;
}
