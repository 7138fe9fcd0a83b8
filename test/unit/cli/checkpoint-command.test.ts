// auditlog checkpoint: shows and keeps what a log has signed.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CliRun } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";
import { newKey, ORIGIN, read, testLines } from "#test/support/tampered-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";

const LINES = testLines(30);

async function run(...args: readonly string[]): Promise<CliRun> {
  return createCliHarness().run(args);
}

describe("auditlog checkpoint", () => {
  it("prints the note as it is, unchecked where no key is given", async () => {
    const { folder } = await madeLog({ lines: LINES, form: "local" });

    const { code, stdout, stderr } = await run("checkpoint", folder);

    expect([code, stdout]).toEqual([0, (await read(folder, "log/checkpoint")).toString()]);
    expect(stderr).toContain("not checked");
  });

  it("says what is signed, and keeps the note", async () => {
    const { folder, key } = await madeLog({ lines: LINES, form: "local" });
    const kept = join(await newFolder(), "kept");

    const { code, stdout } = await run("checkpoint", folder, "--key", key.vkey, "-o", kept);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^log\.test\/1, 30 leaves\n {2}root {9}\S{44}\n {2}signed by {4}log\.test\/1\n/);
    expect(await readFile(kept)).toEqual(await read(folder, "log/checkpoint"));
  });

  it("keeps none that does not hold", async () => {
    const { folder } = await madeLog({ lines: LINES, form: "local" });
    const kept = join(await newFolder(), "kept");

    const { code, stderr } = await run("checkpoint", folder, "--key", newKey(ORIGIN).vkey, "-o", kept);

    expect(code).toBe(1);
    expect(stderr).toContain("the checkpoint does not hold: its signature does not hold");
    await expect(readFile(kept)).rejects.toThrow(/ENOENT/);
  });

  it("says where there is none", async () => {
    const folder = await newFolder();

    const { code, stderr } = await run("checkpoint", folder);

    expect([code, stderr]).toEqual([
      1,
      `auditlog: ${folder} has no checkpoint: nothing was sealed yet, or it is no log\n`,
    ]);
  });
});
