// auditlog bundle: what an auditor receives verifies by itself, holds no line outside of its range, and shows tampering.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CliRun } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";
import { flip, put, read, remove, rewrite, testLine, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";
import { checkCheckpoint } from "#verify/checkpoint-check.ts";
import { hex } from "#verify/finding.ts";
import { createFolderSource } from "#verify/folder-source.ts";
import { readKeys } from "#verify/keys.ts";
import { sha256 } from "#verify/native-hash.ts";
import { writeBundle } from "#verify/write-bundle.ts";

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

function markerOf(file: string, lines: readonly string[]): string {
  const bytes = Buffer.from(lines.join("\n"));
  return `{"_quarantined":{"bytes":${bytes.length},"file":"${file}","kind":"damaged","lines":${lines.length},"sha256":"${hex(sha256(bytes))}"},"_v":1}`;
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
    expect(stdout).toMatch(/^verified in part: log\.test\/1, 600 leaves\n/);
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

  it("hands over what a repair has moved aside within the range, and nothing of the rest", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const [inside, outside] = [LINES.slice(103, 105), LINES.slice(505, 507)];
    await put(log.folder, "audit.inside", inside.join("\n"));
    await put(log.folder, "audit.outside", outside.join("\n"));
    await rewrite(log.folder, "audit-0000000000000100.jsonl", (lines) =>
      lines.toSpliced(3, 2, markerOf("audit.inside", inside)),
    );
    await rewrite(log.folder, "audit.jsonl", (lines) =>
      lines.toSpliced(5, 2, markerOf("audit.outside", outside)),
    );

    const { code, folder, stdout } = await bundleOf(log, "--from", "90", "--to", "309");

    expect([code, (await readdir(folder)).toSorted()]).toEqual([
      0,
      ["README.txt", "audit.inside", "lines", "log", "range.json"],
    ]);
    expect(stdout).toContain("2 in quarantine, intact");
  });

  it.each([
    "-1",
    "-5",
    "+5",
    " 5",
    "5 ",
    "1e3",
    "0x10",
    "1.5",
    "abc",
    "",
    "2026-02-30",
    "2026-03-01T12:00:00",
    "9007199254740992",
    "March 1, 2026",
  ])("takes %j for no end of a range", async (end) => {
    const { code, stderr } = await run("bundle", "nowhere", "--key", "k", "-o", "nowhere", `--from=${end}`);

    expect([code, stderr]).toEqual([2, expect.stringContaining("neither a leaf number nor a time")]);
  });

  it("hands over no file that an altered marker names", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await put(log.folder, "secret", "a secret");
    await rewrite(log.folder, "audit-0000000000000100.jsonl", (lines) =>
      lines.toSpliced(3, 2, markerOf("secret", LINES.slice(103, 105))),
    );

    const { code, folder, stderr } = await bundleOf(log);

    expect([code, await readdir(folder)]).toEqual([3, ["lines", "log"]]);
    expect(stderr).toContain("secret is not what its marker says");
  });

  it("reads a long log no further than its range goes", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const source = createFolderSource(log.folder);
    const checked = checkCheckpoint(
      (await read(log.folder, "log/checkpoint")).toString(),
      readKeys([log.key.vkey]),
      "",
    );
    if (checked.kind === "refused") throw new Error(checked.finding.meaning);
    const folder = join(await newFolder(), "bundle");
    await remove(log.folder, "audit-0000000000000400.jsonl"); // not looked at: it is behind the range
    const { checkpoint } = checked;

    const [from, to] = [
      { kind: "leaf", leaf: 90 },
      { kind: "leaf", leaf: 309 },
    ] as const;

    expect(await writeBundle({ source, stem: undefined, checkpoint, from, to, folder })).toMatchObject({
      firstLeaf: 90,
      count: 220,
    });
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

  it("says of lines that lie outside of its range that they are, and not that they are not sealed", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    const { folder } = await bundleOf(log);
    await put(folder, "range.json", '{"format":1,"first_leaf":0,"count":5}\n');

    const { stdout } = await verify(log, folder);

    expect(stdout).toContain("not checked  595 lines lie outside of this range");
    expect(stdout).not.toContain("not sealed");
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
