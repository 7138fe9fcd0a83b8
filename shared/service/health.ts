/**
 * The state of the service, really probed: each probe has a short deadline, and one probe serves everybody who asks
 * within 5 s. What did not answer is never reported as well.
 */
import type { Clock, EventStore, StoreHealth } from "#service/ports.ts";
import type { Sleep } from "#service/waiting.ts";
import { withDeadline } from "#service/waiting.ts";

export type HealthStatus = StoreHealth["status"];

/** State of one part; other members are facts about it. */
export interface PartHealth {
  readonly status: HealthStatus;
  readonly problems?: readonly string[];
  readonly [fact: string]: unknown;
}

/** Members as on the wire. */
export interface HealthReport {
  /** The worst of the parts. */
  readonly status: HealthStatus;
  /** When it was probed; RFC 3339 UTC. */
  readonly timestamp: string;
  readonly service: PartHealth;
  readonly storage: PartHealth;
  readonly queue: PartHealth;
  readonly archive: PartHealth;
  readonly log: PartHealth;
  /** Accepted events that are neither stored nor about to be; null while that cannot be told. */
  readonly unaccounted_events: number | null;
}

export interface HealthDependencies {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
  /** Facts about this process: name, version, start. */
  readonly service: Readonly<Record<string, unknown>>;
}

export const PROBE_DEADLINE_MS = 2000;
export const HEALTH_CACHE_MS = 5000;

/** For a deployment where one store is queue, archive and log as well. Never rejects. */
export function createHealth(dependencies: HealthDependencies): () => Promise<HealthReport> {
  const { clock, monotonicMs } = dependencies;
  const probe = createProbe(dependencies);
  let cached: { readonly report: Promise<HealthReport>; readonly untilMs: number } | undefined;

  return () => {
    if (cached === undefined || monotonicMs() >= cached.untilMs) {
      const report = probe().then((found) =>
        singleStoreReport(found, new Date(clock.nowMs()).toISOString(), dependencies.service),
      );
      cached = { report, untilMs: monotonicMs() + HEALTH_CACHE_MS };
    }
    return cached.report;
  };
}

type Probed = { readonly kind: "found"; readonly health: StoreHealth } | { readonly kind: "late" };

/** A probe that hangs is not started again: it would only be one more that hangs. */
function createProbe({ store, sleep }: HealthDependencies): () => Promise<Probed> {
  let running: Promise<StoreHealth> | undefined;
  return async () => {
    running ??= store.probe().finally(() => {
      running = undefined;
    });
    const probing = running;
    const progress = await withDeadline(probing, PROBE_DEADLINE_MS, sleep);
    return progress === "late" ? { kind: "late" } : { kind: "found", health: await probing };
  };
}

function singleStoreReport(
  probed: Probed,
  timestamp: string,
  service: Readonly<Record<string, unknown>>,
): HealthReport {
  const storage: PartHealth =
    probed.kind === "found"
      ? {
          status: probed.health.status,
          ...(probed.health.problems.length > 0 ? { problems: probed.health.problems } : {}),
          ...probed.health.details,
        }
      : { status: "unhealthy", problems: [`did not answer within ${PROBE_DEADLINE_MS} ms`] };
  const same: PartHealth = { status: storage.status, kept_by: "storage" };
  return {
    status: storage.status,
    timestamp,
    service: { status: "healthy", ...service },
    storage,
    queue: same,
    archive: same,
    log: same,
    unaccounted_events: unaccountedEvents(probed),
  };
}

/** Where accepting is storing, only what was stored and cannot be read back is unaccounted for. */
function unaccountedEvents(probed: Probed): number | null {
  if (probed.kind === "late") return null;
  const unaccounted = probed.health.details["unaccounted_events"];
  return typeof unaccounted === "number" ? unaccounted : 0;
}
