// The course of an import: batches, progress, failures of the log and of files, stopping and going on.
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { AuditService } from "#client/audit-service.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, line, summaryOf } from "#test/support/import-fixtures.ts";

describe("auditlog import", () => {
  it("sends batches that keep the limits of a request", async () => {
    const sizes: [number, number][] = [];
    const harness = createCliHarness({
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: (events, options) => {
          sizes.push([events.length, JSON.stringify(events).length]);
          return audit.logBatch(events, options);
        },
      }),
    });
    const small = Array.from({ length: 2500 }, (_, n) => line(`s${n}`)).join("");
    const large = Array.from({ length: 100 }, (_, n) =>
      line(`l${n}`, { stack_trace: "x".repeat(49_000) }),
    ).join("");
    const folder = await folderWith({ "a.jsonl": small, "b.jsonl": large });

    const { code } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(code).toBe(0);
    expect(harness.store.lines).toHaveLength(2600);
    expect(Math.max(...sizes.map(([count]) => count))).toBe(1000);
    expect(Math.max(...sizes.map(([, bytes]) => bytes))).toBeLessThanOrEqual(2.5 * 1024 * 1024);
  });

  it("checks everything and sends nothing in a dry run", async () => {
    const harness = createCliHarness({
      wrap: () => {
        throw new Error("the log was opened");
      },
    });
    const folder = await folderWith({ "a.jsonl": line("a") + line("b", { level: "LOUD" }) });

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--dry-run", folder]);

    expect(code).toBe(1);
    expect(stdout).toContain("1 would be sent, 1 refused");
    expect(stderr).toContain("a.jsonl:2: /level");
  });

  it("says where a compressed file ends before its end, and keeps what came before", async () => {
    const whole = gzipSync(Array.from({ length: 20_000 }, (_, n) => line(`e${n * 7919}`)).join(""));
    const folder = await folderWith({ "a.jsonl.gz": whole.subarray(0, whole.length / 2) });
    const harness = createCliHarness();

    const { code, stdout } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(1);
    expect(summaryOf(stdout).files[0]?.failure).toContain("not read to its end");
    expect(summaryOf(stdout).total["stored"]).toBeGreaterThan(0);
    expect(harness.store.lines).toHaveLength(summaryOf(stdout).total["stored"] ?? -1);
  });

  it("stops at a failure of the log, with a summary of what was stored", async () => {
    let batches = 0;
    const harness = createCliHarness({
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: (events, options) => {
          if (++batches > 1) throw new AuditStorageError("storage-unavailable", "the disk is full");
          return audit.logBatch(events, options);
        },
      }),
    });
    const folder = await folderWith({
      "a.jsonl": Array.from({ length: 20_000 }, (_, n) => line(`e${n}`)).join(""),
    });

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(1);
    expect(summaryOf(stdout)).toMatchObject({ failure: "the disk is full", total: { stored: 1000 } });
    expect(stderr).toContain("auditlog: the disk is full\n");
  });

  it("finishes what is under way when it is stopped, and goes on from there the next time", async () => {
    const stop = new AbortController();
    const harness = createCliHarness({
      stop: stop.signal,
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: (events, options) => {
          stop.abort();
          return audit.logBatch(events, options);
        },
      }),
    });
    const folder = await folderWith({
      "a.jsonl": Array.from({ length: 5000 }, (_, n) => line(`e${n}`)).join(""),
    });

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(130);
    expect(summaryOf(stdout)).toMatchObject({ interrupted: true });
    expect(harness.store.lines).toHaveLength(summaryOf(stdout).total["stored"] ?? -1);
    expect(stderr).toContain("the same command again goes on from here");
  });

  it("fails with exit code 2 for a path that is not there, and 1 where nothing was found", async () => {
    const folder = await folderWith({ "readme.md": "x" });
    const harness = createCliHarness();

    const missing = await harness.run(["import", "--format", "jsonl", join(folder, "nope")]);
    const empty = await harness.run(["import", "--format", "jsonl", folder]);

    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("no such file or folder") });
    expect(empty).toMatchObject({ code: 1, stderr: "auditlog: no jsonl file was found\n" });
  });

  it("draws a bar on a terminal and takes it away", async () => {
    let nowMs = 0;
    const harness = createCliHarness({ columns: 80, nowMs: () => (nowMs += 200) });
    const folder = await folderWith({ "a.jsonl": line("a") + line("b", { typo: 1 }) });

    const { stderr } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(stderr).toMatch(/\[#+-*\] \d+ %, \d+ events/);
    expect(stderr.endsWith("\r\u001b[2K") || stderr.endsWith("\n")).toBe(true);
  });

  it("writes a plain line now and then elsewhere", async () => {
    let nowMs = 0;
    const harness = createCliHarness({ nowMs: () => (nowMs += 3000) });
    const folder = await folderWith({ "a.jsonl": line("a"), "b.jsonl": line("b"), "c.jsonl": line("c") });

    const { stderr } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(stderr).toMatch(/^\d+ %, \d+ events, \d+\/s\n/);
  });
});
