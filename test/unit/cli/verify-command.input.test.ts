// What a verification is given beside the log, a key and a state file: where it does not do, nothing is said of the log.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";
import type { CliRun } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";
import { put, read, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";

const made = (): Promise<MadeLog> => madeLog({ lines: testLines(300), form: "local" });

async function run(args: readonly string[]): Promise<CliRun> {
  return createCliHarness().run(args);
}

describe("a key file", () => {
  it.each(["verify", "bundle", "checkpoint"])("wants a key of a log: %s", async (command) => {
    const log = await made();
    await put(log.folder, "keys.txt", "# none\n\n");
    const out = command === "bundle" ? ["-o", join(log.folder, "out")] : [];

    const { code, stderr } = await run([command, log.folder, "--key", join(log.folder, "keys.txt"), ...out]);

    expect([code, stderr]).toEqual([2, expect.stringContaining("--key holds no verifier key of a log")]);
  });
});

describe("a state file", () => {
  it.each([
    ["empty", () => ""],
    ["garbage", () => "garbage\n"],
    ["of another log", async () => (await read((await made()).folder, "log/checkpoint")).toString()],
  ])("that is %s is no fault of the log", async (_, content) => {
    const log = await made();
    const state = join(await newFolder(), "kept");
    const text = await content();
    await writeFile(state, text);

    const { code, stdout, stderr } = await run([
      "verify",
      log.folder,
      "--key",
      log.key.vkey,
      "--state",
      state,
    ]);

    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(`undecided: the state file ${state} does not fit this key`);
    expect(await readFile(state, "utf8")).toBe(text);
  });
});
