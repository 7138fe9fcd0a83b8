// How health tells of sealing: facts as on the wire, and never worse than degraded.
import { describe, expect, it } from "vitest";
import { createHealth } from "#service/health.ts";
import type { LogFacts } from "#service/log-health.ts";
import { logHealth, SEAL_OVERDUE_MS } from "#service/log-health.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const IDLE: LogFacts = {
  origin: "log.example/audit",
  size: 7,
  publishedAtMs: NOW_MS - 5000,
  unsealed: 0,
  oldestUnsealedMs: undefined,
  problems: [],
};

function healthOf(facts: LogFacts | "hangs") {
  const time = virtualTime();
  const log =
    facts === "hangs"
      ? () => Promise.withResolvers<never>().promise
      : async () => logHealth(facts, time.clock);
  return createHealth({ store: new MemoryStore(), ...time, log, service: {} })();
}

describe("the part log of health", () => {
  it("tells what the log holds and what it does not hold yet", async () => {
    const report = await healthOf({ ...IDLE, unsealed: 3, oldestUnsealedMs: NOW_MS - 1500 });

    expect(report.status).toBe("healthy");
    expect(report.log).toEqual({
      status: "healthy",
      kept_by: "storage",
      size: 7,
      published_at: "2026-03-01T11:59:55.000Z",
      unsealed: 3,
      oldest_unsealed_s: 1,
      origin: "log.example/audit",
    });
  });

  it("is null where there is nothing to tell", async () => {
    const report = await healthOf({ ...IDLE, size: 0, origin: undefined, publishedAtMs: undefined });

    expect(report.log).toMatchObject({ published_at: null, oldest_unsealed_s: null, origin: null });
  });

  it.each([
    [SEAL_OVERDUE_MS, "healthy", undefined],
    [SEAL_OVERDUE_MS + 1000, "degraded", ["the oldest event without a leaf has waited for 181 s"]],
  ])("with an event that waits for %i ms is %s", async (waitedMs, status, problems) => {
    const report = await healthOf({ ...IDLE, unsealed: 1, oldestUnsealedMs: NOW_MS - waitedMs });

    expect(report).toMatchObject({ status, log: { status } });
    expect(report.log.problems).toEqual(problems);
  });

  it("names what keeps the log from growing, while events are still taken", async () => {
    const report = await healthOf({ ...IDLE, problems: ["lines 3 to 5 are missing"] });

    expect(report).toMatchObject({
      status: "degraded",
      storage: { status: "healthy" },
      log: { status: "degraded", problems: ["lines 3 to 5 are missing"] },
    });
  });

  it("says that it counted only some of what waits", async () => {
    const report = await healthOf({ ...IDLE, unsealed: 900, isMoreUnsealed: true });

    expect(report.log).toMatchObject({ unsealed: 900, unsealed_at_least: true });
  });

  it("is degraded where nobody answers, and the service is no worse", async () => {
    const report = await healthOf("hangs");

    expect(report).toMatchObject({ status: "degraded", log: { status: "degraded" } });
  });
});
