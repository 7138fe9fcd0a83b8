/**
 * What is done on a schedule: the janitor finishes what consumers left, then the inventory says whether anything is
 * missing, for health, for metrics and alarms. Runs may overlap.
 */
import { count, emf } from "#functions/metrics.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import type { TakeInventory } from "#service/inventory.ts";
import type { JanitorReport } from "#service/janitor.ts";
import type { Clock } from "#service/ports.ts";

export interface MaintainDependencies {
  readonly janitor: () => Promise<JanitorReport>;
  readonly takeInventory: TakeInventory;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "error" | "warn">;
  readonly serviceName: string;
  /** Takes one line with its newline. */
  readonly writeMetrics: (line: string) => void;
}

/** The function rejects where janitor or inventory did: the invocation then counts as failed, and the next run goes on. */
export function createMaintain(dependencies: MaintainDependencies): () => Promise<void> {
  const { janitor, takeInventory, clock, telemetry, serviceName, writeMetrics } = dependencies;
  return async () => {
    // The inventory is most wanted when the janitor cannot do its work.
    const [cleaning] = await Promise.allSettled([janitor()]);
    const report = cleaning.status === "fulfilled" ? cleaning.value : undefined;
    for (const { subject, error } of report?.problems ?? []) {
      const log = error.retryable ? telemetry.warn : telemetry.error;
      log("janitor could not finish", { subject, error: error.message, code: error.code });
    }
    const inventory = await takeInventory(unregisteredOf(report));
    const { unregistered_batches: unregistered, unaccounted_events: unaccounted } = inventory;
    const line = emf({
      nowMs: clock.nowMs(),
      service: serviceName,
      metrics: {
        UnregisteredBatches: unregistered === null ? undefined : count(unregistered),
        QuarantinedEvents: count(inventory.quarantined),
        DeadLetters: count(inventory.dead_letters),
        EventsIndexedLater: report === undefined ? undefined : count(report.indexed),
        UnaccountedEvents: unaccounted === null ? undefined : count(unaccounted),
      },
      fields: {
        batches_examined: report?.examined,
        batches_completed: report?.completed,
        is_finished: report?.isFinished,
      },
    });
    writeMetrics(line);
    if (cleaning.status === "rejected") throw cleaning.reason;
  };
}

/** None found tells nothing while there are batches that were not looked at, as when a rebuild has just begun it all anew. */
function unregisteredOf(report: JanitorReport | undefined): number | null {
  if (report === undefined || (report.unregistered === 0 && !report.isFinished)) return null;
  return report.unregistered;
}
