// auditlog bundle: what an auditor receives verifies by itself, holds no line outside of its range, and shows tampering.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CliRun } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";
import { flip, put, read, rewrite, testLine, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";

const LINES = testLines(600).map((line, n) =>
  line.replace("12:00:00.000Z", `12:${String(Math.floor(n / 60)).padStart(2, "0")}:00.000Z`),
);

async function run(...args: readonly string[]): Promise<CliRun> {
  return createCliHarness().run(args);
}

async function bundleOf(
  log: MadeLog,
  ...args: readonly string[]
): Promise<CliRun & { readonly folder: string }> {
  const folder = join(await newFolder(), "bundle");
  return { folder, ...(await run("bundle", log.folder, "--key", log.key.vkey, "-o", folder, ...args)) };
}

async function verify(log: MadeLog, folder: string): Promise<CliRun> {
  return run("verify", folder, "--key", log.key.vkey, "--no-state");
}

describe("auditlog bundle", () => {
  it.each(["local", "bucket"] as const)("hands over a range of leaves of a log in form %s", async (form) => {
    const log = await madeLog({ lines: LINES, form });

    const { code, folder } = await bundleOf(log, "--from", "90", "--to", "309");

    expect(code).toBe(0);
    expect(await readdir(join(folder, "lines"))).toEqual(["0000000000000090-220.jsonl"]);
    expect((await read(folder, "lines/0000000000000090-220.jsonl")).toString()).toBe(
      LINES.slice(90, 310)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const { stdout } = await verify(log, folder);
    expect(stdout).toMatch(/^verified: log\.test\/1, 600 leaves\n/);
    expect(stdout).toContain("only those of leaves 90 to 309: what was handed over holds no others");
    expect(stdout).toContain("220 checked");
  });

  it("hands over what was accepted between two times", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });

    const { folder } = await bundleOf(log, "--from", "2026-03-01T12:02:00Z", "--to", "2026-03-01T12:03:00Z");

    expect(await readdir(join(folder, "lines"))).toEqual(["0000000000000120-120.jsonl"]);
  });

  it("hands over everything without a range, with a word on how to verify it", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });

    const { folder, stdout } = await bundleOf(log);

    expect(stdout).toContain("600 checked");
    expect((await read(folder, "README.txt")).toString()).toContain("auditlog verify . --key");
  });

  it("shows a line that was altered, added or taken out after it was handed over", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const { folder } = await bundleOf(log, "--from", "90", "--to", "309");
    const name = "lines/0000000000000090-220.jsonl";
    const change = async (how: (lines: string[]) => readonly string[]): Promise<string> => {
      const before = await read(folder, name);
      await rewrite(folder, name, how);
      const { code, stdout } = await verify(log, folder);
      await put(folder, name, before);
      return `${code}: ${stdout}`;
    };

    expect(await change((lines) => lines.with(10, testLine(1)))).toMatch(
      /^1: [^]*line 11, byte [\d,]+, leaf 100\n/,
    );
    expect(await change((lines) => lines.slice(0, 219))).toMatch(
      /^1: [^]*the file was cut: lines of leaf 309 are missing/,
    );
    expect(await change((lines) => [...lines, testLine(1)])).toMatch(/^1: [^]*lines were added to the file/);
  });

  it("shows a range that was made smaller than its lines", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const { folder } = await bundleOf(log, "--from", "90", "--to", "309");
    await put(folder, "range.json", '{"format":1,"first_leaf":80,"count":230}\n');

    const { code, stdout } = await verify(log, folder);

    expect(code).toBe(1);
    expect(stdout).toContain("lines of leaves 80 to 89 were sealed and are not there");
  });

  it("is not made of a log that does not hold", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await flip(log.folder, "audit-0000000000000100.jsonl", 200);

    const { code, stdout } = await bundleOf(log);

    expect(code).toBe(1);
    expect(stdout).toMatch(/^NOT VERIFIED[^]*leaf 100/);
  });

  it("does not write over anything", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });

    const { code, stderr } = await run("bundle", log.folder, "--key", log.key.vkey, "-o", log.folder);

    expect([code, stderr]).toEqual([1, `auditlog: ${log.folder} is not empty; name a new folder\n`]);
  });

  it.each([
    [["--from", "yesterday"], /neither a leaf number nor a time/, 2],
    [["--from", "700"], /no line that is sealed lies in the range/, 3],
  ])("refuses %j", async (args, reason, expected) => {
    const log = await madeLog({ lines: LINES, form: "local" });

    const { code, stderr } = await bundleOf(log, ...args);

    expect(stderr).toMatch(reason);
    expect(code).toBe(expected);
  });
});
