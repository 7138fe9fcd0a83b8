// Health: really probed, shared for a while, bounded, and honest about what is not known.
import { describe, expect, it } from "vitest";
import type { HealthReport } from "#service/health.ts";
import { createHealth, HEALTH_CACHE_MS, PROBE_DEADLINE_MS } from "#service/health.ts";
import type { StoreHealth } from "#service/ports.ts";
import { withFaults } from "#test/support/faults.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import type { VirtualTime } from "#test/support/virtual-time.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

describe("createHealth", () => {
  it("has the members of the contract", async () => {
    const { health } = healthOf({ status: "healthy", problems: [], details: { type: "file", events: 3 } });

    expect(await health()).toEqual({
      status: "healthy",
      timestamp: "2026-03-01T12:00:00.000Z",
      service: { status: "healthy", name: "shop" },
      storage: { status: "healthy", type: "file", events: 3 },
      queue: { status: "healthy", kept_by: "storage" },
      archive: { status: "healthy", kept_by: "storage" },
      log: { status: "healthy", kept_by: "storage" },
      unaccounted_events: 0,
    });
  });

  it("says what is wrong, and counts events that cannot be read back", async () => {
    const problems = ["a.jsonl, byte 7: cut short"];
    const { health } = healthOf({ status: "degraded", problems, details: { unaccounted_events: 1 } });

    expect(await health()).toMatchObject({
      status: "degraded",
      storage: { problems },
      unaccounted_events: 1,
    });
  });

  it("probes once for everybody who asks within 5 s, and again afterwards", async () => {
    const { health, probes, time } = healthOf();

    await Promise.all([health(), health()]);
    time.pass(HEALTH_CACHE_MS - 1);
    await health();
    expect(probes()).toBe(1);
    time.pass(1);
    await health();
    expect(probes()).toBe(2);
  });

  it("answers unhealthy where the store does not answer in time, and starts no second probe meanwhile", async () => {
    const faulty = withFaults(new MemoryStore());
    const hold = faulty.hold("probe");
    const time = virtualTime();
    const health = createHealth({ store: faulty.port, ...time, service: {} });

    const report = await health();
    time.pass(HEALTH_CACHE_MS);
    await health();

    expect(report).toMatchObject({ status: "unhealthy", unaccounted_events: null });
    expect(report.storage.problems).toEqual([`did not answer within ${PROBE_DEADLINE_MS} ms`]);
    expect(faulty.calls("probe")).toBe(1);
    hold.release();
  });
});

interface Fixture {
  readonly health: () => Promise<HealthReport>;
  readonly probes: () => number;
  readonly time: VirtualTime;
}

function healthOf(found: StoreHealth = { status: "healthy", problems: [], details: {} }): Fixture {
  const store = new MemoryStore();
  store.health = found;
  const faulty = withFaults(store);
  const time = virtualTime();
  const health = createHealth({ store: faulty.port, ...time, service: { name: "shop" } });
  return { health, probes: () => faulty.calls("probe"), time };
}
