// auditlog rebuild: what it asks for, and how it tells what was restored.
import { describe, expect, it } from "vitest";

import type { RebuildReport, RebuildRequest } from "#cli/operator.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { runWithOperator } from "#test/support/fake-operator.ts";

const DONE: RebuildReport = {
  logSize: 0,
  unpublished: 0,
  batches: 1234,
  lines: 56_789,
  expired: 0,
  conflicts: 0,
  overlaps: 0,
  damaged: [],
  isFinished: true,
};
const DAMAGED = { key: "batches/dt=2026-03-01/hh=12/x.jsonl.gz", reason: "batch object x is damaged" };

describe("auditlog rebuild", () => {
  it("restores from the beginning, or goes on, as it is told", async () => {
    const asked: unknown[] = [];
    const rebuild = async ({ isResumed, isWithoutDamaged }: RebuildRequest): Promise<RebuildReport> => {
      asked.push({ isResumed, isWithoutDamaged });
      return DONE;
    };

    const { code, stdout, target } = await runWithOperator({ rebuild }, ["rebuild", "--outputs", "o.json"]);
    await runWithOperator({ rebuild }, ["rebuild", "--resume", "--without-damaged"]);

    expect([code, target]).toEqual([0, { outputs: "o.json" }]);
    expect(asked).toEqual([
      { isResumed: false, isWithoutDamaged: false },
      { isResumed: true, isWithoutDamaged: true },
    ]);
    expect(stdout).toBe(
      "1,234 batches with 56,789 lines restored.\nThe tables are whole and marked; the consumers may run again.\n",
    );
  });

  it("tells what was left out, noted and claimed twice", async () => {
    const report = { ...DONE, expired: 3, conflicts: 4, overlaps: 5 };

    const { stdout } = await runWithOperator({ rebuild: async () => report }, ["rebuild"]);

    expect(stdout).toContain("3 lines left out: their hot retention is over.");
    expect(stdout).toContain("4 conflicts noted on the events that came first.");
    expect(stdout).toContain("5 lines are claimed by two batches; the first one has each.");
  });

  it("tells where the log goes on, and what was taken away behind that", async () => {
    const report = { ...DONE, logSize: 70_001, unpublished: 9 };

    const text = await runWithOperator({ rebuild: async () => report }, ["rebuild"]);
    const json = await runWithOperator({ rebuild: async () => report }, ["rebuild", "--json"]);

    expect(text.stdout).toContain("The log goes on behind 70,001 leaves.\n");
    expect(text.stdout).toContain("9 objects taken away that were never part of a published log.\n");
    expect(JSON.parse(json.stdout)).toMatchObject({ log_size: 70_001, unpublished: 9 });
  });

  it("fails where batches cannot be read, names them and the ways out", async () => {
    const report = { ...DONE, damaged: [DAMAGED], isFinished: false };

    const { code, stdout } = await runWithOperator({ rebuild: async () => report }, ["rebuild"]);

    expect(code).toBe(1);
    expect(stdout).toContain(`${DAMAGED.key}: ${DAMAGED.reason}\n`);
    expect(stdout).toContain("--without-damaged");
  });

  it("says after Ctrl-C how to go on", async () => {
    const options = { stop: AbortSignal.abort() };

    const { code, stderr } = await runWithOperator(
      { rebuild: async () => ({ ...DONE, isFinished: false }) },
      ["rebuild"],
      options,
    );

    expect(code).toBe(130);
    expect(stderr).toBe("auditlog: stopped; the same command with --resume goes on from here\n");
  });

  it("shows the phase and the hour that it has reached", async () => {
    let now = 0;
    const rebuild = async ({ onProgress }: RebuildRequest): Promise<RebuildReport> => {
      now += 10_000;
      await onProgress({ phase: "open", batches: 4096, key: DAMAGED.key });
      return DONE;
    };

    const { stderr } = await runWithOperator({ rebuild }, ["rebuild"], { nowMs: () => now });

    expect(stderr).toBe("3 of 5, all other batches: 4,096, at 2026-03-01 12:00\n");
  });

  it("prints JSON, and one line where it is refused", async () => {
    const json = await runWithOperator({ rebuild: async () => DONE }, ["rebuild", "--json"]);
    const refused = await runWithOperator(
      {
        rebuild: async () => {
          throw new AuditStorageError("storage-unavailable", "table events is not empty");
        },
      },
      ["rebuild"],
    );

    expect(JSON.parse(json.stdout)).toMatchObject({ finished: true, batches: 1234, damaged: [] });
    expect([refused.code, refused.stderr]).toEqual([1, "auditlog: table events is not empty\n"]);
  });

  it("explains that consumers must stop first", async () => {
    const { stdout } = await runWithOperator({}, ["rebuild", "--help"]);

    expect(stdout).toContain("Stop the consumers first");
  });
});
