// auditlog reconcile: what it asks for, how it tells what was compared, and when it fails.
import { describe, expect, it } from "vitest";

import type { ReconcileReport, ReconcileRequest } from "#cli/operator.ts";
import { runWithOperator } from "#test/support/fake-operator.ts";

const EQUAL: ReconcileReport = {
  begun_at: "2026-03-01T12:00:00.000Z",
  finished_at: "2026-03-01T12:01:00.000Z",
  log_size: 70_001,
  row_leaves: 70_001,
  segment_lines: 70_001,
  log_size_difference: 0,
  reconciled_leaves: 70_001,
  missing_items: 0,
  missing_rows: 0,
  wrong_rows: 0,
  missing_segments: 0,
  late_duplicates: 0,
  problems: [],
};

describe("auditlog reconcile", () => {
  it("prints the three sums, and that they are equal", async () => {
    const { code, stdout } = await runWithOperator({ reconcile: async () => EQUAL }, ["reconcile"]);

    expect(code).toBe(0);
    expect(stdout).toBe(
      "70,001 leaves of the published log\n70,001 winners and conflicts of sealed batches\n70,001 lines in segments\nAll is equal.\n",
    );
  });

  it("changes nothing unless it is told to", async () => {
    const asked: boolean[] = [];
    const reconcile = async ({ isRestoring }: ReconcileRequest): Promise<ReconcileReport> => {
      asked.push(isRestoring);
      return EQUAL;
    };

    await runWithOperator({ reconcile }, ["reconcile"]);
    await runWithOperator({ reconcile }, ["reconcile", "--restore-rows"]);

    expect(asked).toEqual([false, true]);
  });

  it.each<Partial<ReconcileReport>>([
    { log_size_difference: 1 },
    { missing_items: 1 },
    { missing_rows: 1 },
    { wrong_rows: 1 },
    { missing_segments: 1 },
  ])("fails, names the problems and says where to read on, with %j", async (found) => {
    const report = { ...EQUAL, ...found, problems: ["event a of tenant t, leaf 3, is missing"] };

    const { code, stdout } = await runWithOperator({ reconcile: async () => report }, ["reconcile"]);

    expect(code).toBe(1);
    expect(stdout).toMatch(/^event a of tenant t, leaf 3, is missing\n/);
    expect(stdout).toContain("docs/operations.md#log-incomplete");
  });

  it("tells of events that stand at two leaves, which is no failure", async () => {
    const report = { ...EQUAL, late_duplicates: 2 };

    const { code, stdout } = await runWithOperator({ reconcile: async () => report }, ["reconcile"]);

    expect(code).toBe(0);
    expect(stdout).toContain("2 events stand at two leaves");
  });

  it("prints the report as JSON", async () => {
    const { stdout } = await runWithOperator({ reconcile: async () => EQUAL }, ["reconcile", "--json"]);

    expect(JSON.parse(stdout)).toEqual(EQUAL);
  });

  it.each([
    [AbortSignal.abort(), 130, "auditlog: stopped\n"],
    [new AbortController().signal, 1, "auditlog: there is no log yet\n"],
  ])("without a report says why", async (stop, code, text) => {
    const run = await runWithOperator({ reconcile: async () => undefined }, ["reconcile"], { stop });

    expect([run.code, run.stderr]).toEqual([code, text]);
  });
});
