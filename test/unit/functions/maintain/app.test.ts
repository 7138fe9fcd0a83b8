// The scheduled run: the inventory is taken and told whatever becomes of the janitor.
import { describe, expect, it } from "vitest";

import type { MaintainDependencies } from "#functions/maintain/app.ts";
import { createMaintain } from "#functions/maintain/app.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { createInventory, readInventory } from "#service/inventory.ts";
import type { JanitorReport } from "#service/janitor.ts";
import type { ReconcileReport } from "#service/reconcile-note.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const REPORT: JanitorReport = {
  examined: 9,
  completed: 2,
  finished: ["one", "two"],
  indexed: 30,
  unregistered: 1,
  problems: [],
  isFinished: true,
};
const DOWN = new AuditStorageError("storage-unavailable", "made to fail", { retryable: true });

const COMPARED: ReconcileReport = {
  begun_at: "2026-03-01T02:00:00.000Z",
  finished_at: "2026-03-01T02:01:00.000Z",
  log_size: 90,
  log_size_difference: 6,
  row_leaves: 90,
  segment_lines: 84,
  reconciled_leaves: 84,
  missing_items: 1,
  missing_rows: 2,
  wrong_rows: 3,
  missing_segments: 4,
  late_duplicates: 5,
  problems: ["the segment of leaves 84 to 89 is missing"],
};

function subject(
  janitor: () => Promise<JanitorReport>,
  reconcile: MaintainDependencies["reconcile"] = async () => undefined,
) {
  const ledger = new MemoryLedger();
  const { clock } = virtualTime();
  const countDeadLetters = async (): Promise<number> => 4;
  const logs: object[] = [];
  const lines: string[] = [];
  const given: (readonly string[])[] = [];
  const maintain = createMaintain({
    janitor,
    takeInventory: async (unregistered, finished = []) => {
      given.push(finished);
      return createInventory({ ledger, archive: new MemoryArchive(), clock, countDeadLetters })(unregistered);
    },
    reconcile,
    clock,
    telemetry: {
      warn: (message, fields) => logs.push({ level: "warn", message, ...fields }),
      error: (message, fields) => logs.push({ level: "error", message, ...fields }),
    },
    serviceName: "audit_service",
    writeMetrics: (line) => lines.push(line),
  });
  const metrics = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { maintain, ledger, logs, metrics, given };
}

describe("a scheduled run", () => {
  it("tells in one line what is missing", async () => {
    const { maintain, metrics, ledger, given } = subject(async () => REPORT);

    await maintain();

    expect(given).toEqual([["one", "two"]]);
    expect(metrics()).toMatchObject([
      {
        Service: "audit_service",
        UnregisteredBatches: 1,
        QuarantinedEvents: 0,
        DeadLetters: 4,
        EventsIndexedLater: 30,
        UnaccountedEvents: 5,
        batches_examined: 9,
        batches_completed: 2,
        is_finished: true,
      },
    ]);
    expect(await readInventory(ledger)).toMatchObject({ unaccounted_events: 5 });
  });

  it("names what the janitor could not finish, and who must act", async () => {
    const stuck = new AuditStorageError("storage-unavailable", "batch object g is damaged");
    const problems = [
      { subject: "g", error: stuck },
      { subject: "h", error: DOWN },
    ];
    const { maintain, logs } = subject(async () => ({ ...REPORT, problems }));

    await maintain();

    expect(logs).toMatchObject([
      { level: "error", message: "janitor could not finish", subject: "g", error: stuck.message },
      { level: "warn", message: "janitor could not finish", subject: "h" },
    ]);
  });

  it.each([
    [0, null],
    [3, 7],
  ])(
    "of a janitor that was not through and found %i batches, counts %s as missing",
    async (found, missing) => {
      const { maintain, ledger } = subject(async () => ({
        ...REPORT,
        unregistered: found,
        isFinished: false,
      }));

      await maintain();

      expect(await readInventory(ledger)).toMatchObject({ unaccounted_events: missing });
    },
  );

  it("takes the inventory all the same when the janitor fails, and fails itself", async () => {
    const { maintain, metrics, ledger } = subject(async () => {
      throw DOWN;
    });

    await expect(maintain()).rejects.toBe(DOWN);

    const [line = {}] = metrics();
    expect(line).toMatchObject({ DeadLetters: 4 });
    expect(line).not.toHaveProperty("UnaccountedEvents");
    expect(line).not.toHaveProperty("UnregisteredBatches");
    expect(await readInventory(ledger)).toMatchObject({ dead_letters: 4, unaccounted_events: null });
  });

  it("tells in a line of its own what the comparison found, and names each problem", async () => {
    const { maintain, metrics, logs } = subject(
      async () => REPORT,
      async () => COMPARED,
    );

    await maintain();

    expect(metrics()[1]).toMatchObject({
      ReconciledLeaves: 84,
      MissingItems: 1,
      MissingRows: 5,
      MissingSegments: 4,
      LateDuplicates: 5,
      LogSizeDifference: 6,
      log_size: 90,
    });
    expect(logs).toEqual([
      { level: "error", message: "the comparison found", problem: COMPARED.problems[0] },
    ]);
  });

  it("has told what is missing before it compares, and fails where that fails", async () => {
    const untils: number[] = [];
    const { maintain, metrics } = subject(
      async () => REPORT,
      async ({ untilMs }) => {
        untils.push(untilMs);
        throw DOWN;
      },
    );

    await expect(maintain()).rejects.toBe(DOWN);

    expect(metrics()).toMatchObject([{ UnaccountedEvents: 5 }]);
    expect(untils).toEqual([Date.parse("2026-03-01T12:04:00.000Z")]);
  });
});
