/**
 * The state of the service, really probed: each probe has a short deadline, and one probe serves everybody who asks
 * within 5 s. What did not answer is never reported as well.
 */
import type { Inventory } from "#service/inventory.ts";
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
  /** Accepted events that are not where they belong by now; null while that cannot be told. */
  readonly unaccounted_events: number | null;
}

export interface HealthTiming {
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
}

export interface HealthDependencies extends HealthTiming {
  readonly store: EventStore;
  /** How sealing stands; absent where nothing seals. */
  readonly log?: Probe | undefined;
  /** Facts about this process: name, version, start. */
  readonly service: Readonly<Record<string, unknown>>;
}

/** Finds out about one part; never rejects. */
export type Probe = () => Promise<StoreHealth>;

export interface PartsHealthDependencies extends HealthTiming {
  readonly parts: {
    readonly storage: Probe;
    readonly queue: Probe;
    readonly archive: Probe;
    /** How sealing stands; absent where nothing seals. */
    readonly log?: Probe | undefined;
  };
  /** The last count of what is unaccounted for; undefined where none was taken yet. */
  readonly readInventory: () => Promise<Inventory | undefined>;
  /** Facts about this process: name, version, start. */
  readonly service: Readonly<Record<string, unknown>>;
}

export const PROBE_DEADLINE_MS = 2000;
export const HEALTH_CACHE_MS = 5000;
/** An inventory is taken every 5 minutes; three missed in a row are a failure. */
const MAX_INVENTORY_AGE_MS = 15 * 60_000;

/** For a deployment where one store is queue, archive and log as well. Never rejects. */
export function createHealth(dependencies: HealthDependencies): () => Promise<HealthReport> {
  const { store, log, service, ...timing } = dependencies;
  const probe = withProbeDeadline(() => store.probe(), timing.sleep);
  const probeLog = withProbeDeadline(log ?? wellProbe, timing.sleep);
  return cached(timing, async () => {
    const [found, inLog] = await Promise.all([probe(), probeLog()]);
    const storage = partOf(found);
    const sealing = sealingOf(inLog);
    const same: PartHealth = { status: storage.status, kept_by: "storage" };
    return {
      ...head(worst([storage.status, sealing.status]), timing.clock),
      service: { status: "healthy", ...service },
      storage,
      queue: same,
      archive: same,
      log: joined(same, sealing),
      unaccounted_events: unaccountedEvents(found),
    };
  });
}

/** For a deployment whose parts fail apart: all are probed at once, and the report is as bad as the worst. Never rejects. */
export function createPartsHealth(dependencies: PartsHealthDependencies): () => Promise<HealthReport> {
  const { parts, readInventory, service, ...timing } = dependencies;
  const storage = withProbeDeadline(parts.storage, timing.sleep);
  const queue = withProbeDeadline(parts.queue, timing.sleep);
  const archive = withProbeDeadline(parts.archive, timing.sleep);
  const log = withProbeDeadline(parts.log ?? wellProbe, timing.sleep);
  const inventory = withProbeDeadline(() => probeInventory(readInventory, timing.clock), timing.sleep);
  return cached(timing, async () => {
    const [inLog, ...found] = await Promise.all([log(), storage(), queue(), archive(), inventory()]);
    const [inStorage, inQueue, inArchive, counted] = found;
    const sealing = sealingOf(inLog);
    const statuses = found.map((probed) => partOf(probed).status);
    return {
      ...head(worst([sealing.status, ...statuses]), timing.clock),
      service: { status: "healthy", ...service },
      storage: partOf(inStorage),
      queue: partOf(inQueue),
      archive: partOf(inArchive),
      log: joined(partOf(counted), sealing),
      unaccounted_events: unaccountedEvents(counted),
    };
  });
}

type Probed = { readonly kind: "found"; readonly health: StoreHealth } | { readonly kind: "late" };

const LATE: PartHealth = {
  status: "unhealthy",
  problems: [`did not answer within ${PROBE_DEADLINE_MS} ms`],
};

/** One report serves everybody who asks within 5 s. */
function cached(
  { monotonicMs }: HealthTiming,
  make: () => Promise<HealthReport>,
): () => Promise<HealthReport> {
  let last: { readonly report: Promise<HealthReport>; readonly untilMs: number } | undefined;
  return () => {
    if (last === undefined || monotonicMs() >= last.untilMs) {
      last = { report: make(), untilMs: monotonicMs() + HEALTH_CACHE_MS };
    }
    return last.report;
  };
}

/** A probe that hangs is not started again: it would only be one more that hangs. */
function withProbeDeadline(probe: Probe, sleep: Sleep): () => Promise<Probed> {
  let running: Promise<StoreHealth> | undefined;
  return async () => {
    running ??= probe().finally(() => {
      running = undefined;
    });
    const probing = running;
    const progress = await withDeadline(probing, PROBE_DEADLINE_MS, sleep);
    return progress === "late" ? { kind: "late" } : { kind: "found", health: await probing };
  };
}

/** The count that was taken last: what it found, and whether it is too old to be believed. */
async function probeInventory(
  readInventory: PartsHealthDependencies["readInventory"],
  { nowMs }: Clock,
): Promise<StoreHealth> {
  let inventory: Inventory | undefined;
  try {
    inventory = await readInventory();
  } catch {
    return { status: "degraded", problems: ["the last inventory cannot be read"], details: UNKNOWN };
  }
  if (inventory === undefined) {
    return { status: "degraded", problems: ["no inventory was taken yet"], details: UNKNOWN };
  }
  const { format: _, taken_at: takenAt, unaccounted_events: unaccounted, ...kinds } = inventory;
  if (nowMs() - Date.parse(takenAt) > MAX_INVENTORY_AGE_MS) {
    return { status: "degraded", problems: [`the last inventory is of ${takenAt}`], details: UNKNOWN };
  }
  const problem =
    unaccounted === null
      ? "the last inventory could not count unaccounted events"
      : `${unaccounted} events are unaccounted for`;
  return {
    status: unaccounted === 0 ? "healthy" : "degraded",
    problems: unaccounted === 0 ? [] : [problem],
    details: {
      kept_by: "archive",
      inventory_at: takenAt,
      ...kinds,
      unaccounted_events: unaccounted,
    },
  };
}

const UNKNOWN = { kept_by: "archive", unaccounted_events: null } as const;

function head(status: HealthStatus, { nowMs }: Clock): Pick<HealthReport, "status" | "timestamp"> {
  return { status, timestamp: new Date(nowMs()).toISOString() };
}

function partOf(probed: Probed): PartHealth {
  if (probed.kind === "late") return LATE;
  const { status, problems, details } = probed.health;
  return { status, ...(problems.length > 0 ? { problems } : {}), ...details };
}

/** Events are taken all the same where nobody can tell how sealing stands. */
function sealingOf(probed: Probed): PartHealth {
  const part = partOf(probed);
  return part.status === "unhealthy" ? { ...part, status: "degraded" } : part;
}

/** One part of two findings. */
function joined(part: PartHealth, other: PartHealth): PartHealth {
  const problems = [...(part.problems ?? []), ...(other.problems ?? [])];
  const status = worst([part.status, other.status]);
  return { ...part, ...other, status, ...(problems.length > 0 ? { problems } : {}) };
}

const wellProbe: Probe = async () => ({ status: "healthy", problems: [], details: {} });

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  if (statuses.includes("unhealthy")) return "unhealthy";
  return statuses.includes("degraded") ? "degraded" : "healthy";
}

/** What was accepted and is neither stored nor about to be; 0 where the part that knows counts none. */
function unaccountedEvents(probed: Probed): number | null {
  if (probed.kind === "late") return null;
  const unaccounted = probed.health.details["unaccounted_events"];
  if (unaccounted === null) return null;
  return typeof unaccounted === "number" ? unaccounted : 0;
}
