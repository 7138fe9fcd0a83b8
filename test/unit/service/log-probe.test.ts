// What the rows of a ledger say about the log: its size, what waits for it, why nothing is sealed, what a comparison found.
import { beforeEach, describe, expect, it } from "vitest";

import { createLogProblemNote } from "#service/log-problem.ts";
import { createLogProbe } from "#service/log-probe.ts";
import type { StoreHealth } from "#service/ports.ts";
import { createReconcile } from "#service/reconcile.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { itemPlaces } from "#test/support/memory-event-table.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { HOT_RETENTION_MS, startSealedService } from "#test/support/sealed-service.ts";
import { TEST_ORIGIN } from "#test/support/sealing-signers.ts";

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

let service: SealedService;

beforeEach(async () => {
  service = await startSealedService();
});

function probe(): Promise<StoreHealth> {
  const { log, ledger } = service.ports;
  return createLogProbe({ head: log, sealing: ledger, ledger, clock: service.clock })();
}

async function compare(): Promise<void> {
  const { archive, ledger, table } = service.ports;
  const deps = { archive, ledger, items: itemPlaces(table), clock: service.clock };
  await createReconcile({ ...deps, hotRetentionMs: HOT_RETENTION_MS })({ untilMs: Number.POSITIVE_INFINITY });
}

const persist = (...ids: readonly string[]) =>
  service.persist(ids.map((id) => sampleLine({ tenant_id: "t", event_id: id })));

describe("the probe of a log in a ledger", () => {
  it("finds nothing before the log is founded", async () => {
    expect(await probe()).toEqual({
      status: "healthy",
      problems: [],
      details: { size: 0, published_at: null, unsealed: 0, oldest_unsealed_s: null, origin: null },
    });
  });

  it("tells what the log holds, and what waits for it since when", async () => {
    await persist("a", "b");
    await service.seal();
    await persist("b", "c");
    service.pass(7 * SECOND_MS);
    await persist("d");

    expect(await probe()).toMatchObject({
      status: "healthy",
      details: {
        size: 2,
        published_at: "2026-03-01T12:00:00.000Z",
        unsealed: 2,
        oldest_unsealed_s: 7,
        origin: TEST_ORIGIN,
      },
    });
  });

  it("says why nothing is sealed, until it is settled", async () => {
    const note = createLogProblemNote(service.ports.ledger, service.clock);
    await note("published is ahead");
    service.pass(SECOND_MS);
    await note("published is ahead");
    const stopped = await probe();
    await note(undefined);

    expect(stopped.problems).toEqual(["published is ahead (since 2026-03-01T12:00:00.000Z)"]);
    expect(await probe()).toMatchObject({ status: "healthy" });
  });

  it("says what the last comparison found, and when there is none any more", async () => {
    await persist("a", "b");
    await service.seal();
    service.ports.table.items.delete("t#a");
    await compare();
    const found = await probe();
    service.pass(49 * HOUR_MS);
    const old = await probe();

    expect(found).toMatchObject({
      status: "degraded",
      problems: [
        "the comparison of 2026-03-01T12:00:00.000Z found: 1 items that are missing in the hot store",
      ],
      details: { compared_size: 2, late_duplicates: 0 },
    });
    expect(old.problems[0]).toBe("the last comparison is of 2026-03-01T12:00:00.000Z");
  });

  it("is degraded where the ledger cannot be read", async () => {
    await service.ports.ledger.writeNote("reconcile", "{}");

    expect(await probe()).toEqual({
      status: "degraded",
      problems: ["how the log stands cannot be read"],
      details: {},
    });
  });
});
