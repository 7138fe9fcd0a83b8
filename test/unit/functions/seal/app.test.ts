// The seal function: when it seals, what it tells, and what it does with failures.
import { expect, describe, it } from "vitest";

import { createSeal } from "#functions/seal/app.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { OrphanReport } from "#service/janitor-orphans.ts";
import type { SealReport } from "#service/seal.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const REPORT: SealReport = {
  leaves: 12,
  seals: 2,
  size: 40,
  publishedSize: 40,
  swapsLost: 1,
  replays: 0,
  oldestMs: 1,
  coverLagMs: 3500,
  isFreshnessRenewed: true,
  problems: [],
  witnessProblems: [],
  isFinished: true,
};
const SCHEDULED = { source: "aws.events" };
const WAKE_UP = { Records: [{ eventName: "INSERT" }] };

function subject({
  run = async () => REPORT,
  isWorthIt = true,
  orphans = { removed: [], kept: [] },
}: {
  run?: () => Promise<SealReport>;
  isWorthIt?: boolean;
  orphans?: OrphanReport;
}) {
  const logs: object[] = [];
  const lines: string[] = [];
  const notes: (string | undefined)[] = [];
  let runs = 0;
  const log = (level: string) => (message: string, fields?: object) =>
    logs.push({ level, message, ...fields });
  const seal = createSeal({
    sealer: {
      run: () => {
        runs++;
        return run();
      },
    },
    isWorthIt: async () => isWorthIt,
    removeOrphans: async () => orphans,
    noteProblem: async (problem) => {
      notes.push(problem);
    },
    clock: virtualTime().clock,
    telemetry: { info: log("info"), warn: log("warn"), error: log("error") },
    serviceName: "audit_service",
    writeMetrics: (line) => lines.push(line),
  });
  const metrics = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { seal, logs, notes, metrics, runs: () => runs };
}

describe("a run of the seal function", () => {
  it("tells in one line what was sealed", async () => {
    const { seal, metrics, logs } = subject({});

    await seal(SCHEDULED);

    expect(metrics()).toMatchObject([
      {
        Service: "audit_service",
        LeavesSealed: 12,
        Seals: 2,
        LogSize: 40,
        CoverLag: 3500,
        SwapsLost: 1,
        SealProblems: 0,
        WitnessFailures: 0,
        replays: 0,
        is_finished: true,
        is_freshness_renewed: true,
      },
    ]);
    expect(logs).toEqual([]);
  });

  it("has no lag where nothing was sealed", async () => {
    const { seal, metrics } = subject({ run: async () => ({ ...REPORT, coverLagMs: undefined }) });

    await seal(SCHEDULED);

    expect(metrics()[0]).not.toHaveProperty("CoverLag");
    expect(metrics()[0]).toHaveProperty("LogSize", 40);
  });

  it.each([
    { event: WAKE_UP, isWorthIt: true, runs: 1 },
    { event: WAKE_UP, isWorthIt: false, runs: 0 },
    { event: SCHEDULED, isWorthIt: false, runs: 1 },
    { event: {}, isWorthIt: false, runs: 1 },
  ])("of $event, worth it: $isWorthIt, seals $runs times", async ({ event, isWorthIt, runs: expected }) => {
    const { seal, runs, metrics } = subject({ isWorthIt });

    await seal(event);

    expect(runs()).toBe(expected);
    expect(metrics()).toHaveLength(expected);
  });

  it("names batches that cannot be sealed, witnesses that did not cosign, and that more is left", async () => {
    const report = {
      ...REPORT,
      problems: [{ subject: "g", problem: "its object is missing from the archive" }],
      witnessProblems: [{ subject: "w.example", problem: "it refused" }],
      isFinished: false,
    };
    const { seal, logs, metrics } = subject({ run: async () => report });

    await seal(SCHEDULED);

    expect(logs).toEqual([
      {
        level: "error",
        message: "a batch cannot be sealed",
        subject: "g",
        error: report.problems[0]?.problem,
      },
      { level: "warn", message: "a witness did not cosign", witness: "w.example", error: "it refused" },
      { level: "info", message: "more is left to be sealed", size: 40 },
    ]);
    expect(metrics()).toMatchObject([{ SealProblems: 1, WitnessFailures: 1, is_finished: false }]);
  });

  it.each([
    {
      error: new AuditStorageError("log-diverged", "the ledger was set back"),
      log: { level: "error", message: "the log cannot be sealed", code: "log-diverged" },
      problems: 1,
    },
    {
      error: new AuditStorageError("storage-unavailable", "made to fail", { retryable: true }),
      log: { level: "warn", message: "the run of the sealer was cut short", code: "storage-unavailable" },
      problems: 0,
    },
    {
      error: new TypeError("x is not a function"),
      log: { level: "error", message: "the log cannot be sealed", code: "internal" },
      problems: 1,
    },
  ])("fails with $error, which needs a human or not", async ({ error, log, problems }) => {
    const { seal, logs, metrics } = subject({ run: async () => Promise.reject(error) });

    await expect(seal(SCHEDULED)).rejects.toBe(error);

    expect(logs).toEqual([{ ...log, error: error.message }]);
    expect(metrics()).toMatchObject([{ SealProblems: problems }]);
    expect(metrics()[0]).not.toHaveProperty("LogSize");
  });

  it("notes for health why a human must look, and that it is settled", async () => {
    const stopped = new AuditStorageError("log-diverged", "published is ahead of the head");
    const failing = subject({
      run: async () => {
        throw stopped;
      },
    });
    const settled = subject({});
    const passedOver = subject({
      run: async () => ({ ...REPORT, problems: [{ subject: "g", problem: "it is damaged" }] }),
    });

    await expect(failing.seal(WAKE_UP)).rejects.toBe(stopped);
    await settled.seal(SCHEDULED);
    await passedOver.seal(SCHEDULED);

    expect([failing.notes, settled.notes]).toEqual([["published is ahead of the head"], [undefined]]);
    expect(passedOver.notes).toEqual(["g: it is damaged"]);
  });

  it("removes on schedule what outlived its sealing, and names what it keeps", async () => {
    const orphans = { removed: ["f"], kept: [{ batchId: "g", reason: "segment s is missing" }] };
    const scheduled = subject({ orphans });
    const woken = subject({ orphans });

    await scheduled.seal(SCHEDULED);
    await woken.seal(WAKE_UP);

    expect(scheduled.logs).toMatchObject([
      { level: "info", batches: "f" },
      { level: "error", subject: "g", error: "segment s is missing" },
    ]);
    expect(woken.logs).toEqual([]);
  });
});
