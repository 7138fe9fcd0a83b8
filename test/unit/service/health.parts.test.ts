// Health of a deployment whose parts fail apart: as bad as the worst, and honest about an inventory that is not there.
import { describe, expect, it } from "vitest";
import type { HealthReport, PartsHealthDependencies } from "#service/health.ts";
import { createPartsHealth, HEALTH_CACHE_MS, PROBE_DEADLINE_MS } from "#service/health.ts";
import type { Inventory } from "#service/inventory.ts";
import type { StoreHealth } from "#service/ports.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const HEALTHY: StoreHealth = { status: "healthy", problems: [], details: {} };
const INVENTORY: Inventory = {
  format: 1,
  taken_at: "2026-03-01T11:58:00.000Z",
  dead_letters: 0,
  quarantined: 0,
  unregistered_batches: 0,
  unaccounted_events: 0,
};

describe("createPartsHealth", () => {
  it("has the members of the contract", async () => {
    const report = await reportOf({ queue: { ...HEALTHY, details: { lines: 3 } } });

    expect(report).toEqual({
      status: "healthy",
      timestamp: "2026-03-01T12:00:00.000Z",
      service: { status: "healthy", name: "shop" },
      storage: { status: "healthy" },
      queue: { status: "healthy", lines: 3 },
      archive: { status: "healthy" },
      log: {
        status: "healthy",
        kept_by: "archive",
        inventory_at: INVENTORY.taken_at,
        dead_letters: 0,
        quarantined: 0,
        unregistered_batches: 0,
        unaccounted_events: 0,
      },
      unaccounted_events: 0,
    });
  });

  it.each(["storage", "queue", "archive"] as const)(
    "is unhealthy where %s is, whatever else is",
    async (part) => {
      const report = await reportOf({ [part]: { status: "unhealthy", problems: ["is away"], details: {} } });

      expect(report).toMatchObject({ status: "unhealthy", [part]: { problems: ["is away"] } });
    },
  );

  it("is degraded where one part is", async () => {
    const report = await reportOf({ queue: { status: "degraded", problems: ["dead letters"], details: {} } });

    expect(report.status).toBe("degraded");
  });

  it("is unhealthy where one part does not answer in time, and still tells of the others", async () => {
    const { resolve, promise } = Promise.withResolvers<StoreHealth>();
    const health = createPartsHealth(dependencies({ archive: () => promise }));

    const report = await health();

    expect(report).toMatchObject({ status: "unhealthy", storage: { status: "healthy" } });
    expect(report.archive.problems).toEqual([`did not answer within ${PROBE_DEADLINE_MS} ms`]);
    resolve(HEALTHY);
  });

  it("counts what the inventory found unaccounted for", async () => {
    const report = await reportOf({}, async () => ({ ...INVENTORY, dead_letters: 2, unaccounted_events: 2 }));

    expect(report).toMatchObject({
      status: "degraded",
      log: { problems: ["2 events are unaccounted for"], dead_letters: 2 },
      unaccounted_events: 2,
    });
  });

  it("tells the kinds apart that the inventory counted", async () => {
    const kinds = {
      unregistered_batches: 1,
      late_messages: null,
      late_events: 3,
      unpointed_events: 4,
      lost_rows: 5,
      orphans: 6,
      is_at_least: true,
    };

    const report = await reportOf({}, async () => ({ ...INVENTORY, ...kinds, unaccounted_events: null }));

    expect(report.log).toMatchObject(kinds);
  });

  it.each<readonly [string, PartsHealthDependencies["readInventory"], string]>([
    ["missing", async () => undefined, "no inventory was taken yet"],
    [
      "old",
      async () => ({ ...INVENTORY, taken_at: "2026-03-01T11:44:59.000Z" }),
      "the last inventory is of 2026-03-01T11:44:59.000Z",
    ],
    [
      "without a count",
      async () => ({ ...INVENTORY, unregistered_batches: null, unaccounted_events: null }),
      "the last inventory could not count unaccounted events",
    ],
    [
      "unreadable",
      async () => {
        throw new Error("no");
      },
      "the last inventory cannot be read",
    ],
  ])("does not pass an inventory that is %s for none unaccounted", async (_, readInventory, problem) => {
    const report = await reportOf({}, readInventory);

    expect(report).toMatchObject({
      status: "degraded",
      log: { problems: [problem] },
      unaccounted_events: null,
    });
  });

  it("probes all parts once for everybody who asks within 5 s", async () => {
    let probes = 0;
    const time = virtualTime();
    const queue = async (): Promise<StoreHealth> => {
      probes++;
      return HEALTHY;
    };
    const health = createPartsHealth({ ...dependencies({ queue }), ...time });

    await Promise.all([health(), health()]);
    time.pass(HEALTH_CACHE_MS - 1);
    await health();

    expect(probes).toBe(1);
  });
});

type Parts = PartsHealthDependencies["parts"];

function reportOf(
  found: Partial<Record<keyof Parts, StoreHealth>>,
  readInventory?: PartsHealthDependencies["readInventory"],
): Promise<HealthReport> {
  const probes = Object.fromEntries(
    Object.entries(found).map(([part, health]) => [part, async () => health]),
  );
  return createPartsHealth({ ...dependencies(probes), ...(readInventory && { readInventory }) })();
}

function dependencies(parts: Partial<Parts>): PartsHealthDependencies {
  const well = async (): Promise<StoreHealth> => HEALTHY;
  return {
    parts: { storage: well, queue: well, archive: well, ...parts },
    readInventory: async () => INVENTORY,
    service: { name: "shop" },
    ...virtualTime(),
  };
}
