// Which lines are looked at is decided by what lies in a place, and whoever can write there can add to it: what would hide
// the lines of a log from its verification must not end in "verified".
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newFolder } from "#test/support/folders.ts";
import { put, remove, rewrite, segmentKey, testLines, writeLog } from "#test/support/tampered-logs.ts";
import { madeLog, verdictOf, verdictTextOf } from "#test/support/verified-logs.ts";

const LINES = testLines(600);
const RANGE = '{"format":1,"first_leaf":0,"count":1}\n';

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

describe("a log beside which the form of another was put", () => {
  it.each(["local", "bucket"] as const)("is not taken for a bundle of one line (%s)", async (form) => {
    const log = await madeLog({ lines: LINES, form });
    const file = form === "local" ? "audit-0000000000000200.jsonl" : segmentKey(200, 100);
    await rewrite(log.folder, file, (lines) => lines.slice(0, 50));
    await put(log.folder, "range.json", RANGE);
    await put(log.folder, "lines/0000000000000000-1.jsonl", text(LINES.slice(0, 1)));

    await expect(verdictOf(log)).rejects.toThrow(/holds (?:the files of a local log|segments) and a bundle/);
  });

  it("is not verified by segments in place of its own files", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await rewrite(log.folder, "audit-0000000000000200.jsonl", (lines) => lines.slice(0, 50));
    await put(log.folder, segmentKey(0, 600).replace(".gz", ""), text(LINES));

    await expect(verdictOf(log)).rejects.toThrow("holds segments and the files of a local log");
  });

  it("is verified by its own files where they are named", async () => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await rewrite(log.folder, "audit-0000000000000200.jsonl", (lines) => lines.slice(0, 50));
    await put(log.folder, "range.json", RANGE);
    await put(log.folder, "lines/0000000000000000-1.jsonl", text(LINES.slice(0, 1)));

    expect(await verdictOf(log, { stem: "audit" })).toMatchObject({
      isVerified: false,
      findings: [{ kind: "lines-missing" }],
    });
  });
});

describe("a bundle", () => {
  async function bundle(range: string): Promise<Awaited<ReturnType<typeof madeLog>>> {
    const folder = await newFolder();
    const whole = await madeLog({ lines: LINES, form: "bucket", folder: join(folder, "whole") });
    const part = { folder: join(folder, "part"), key: whole.key };
    await writeLog(part.folder, { lines: LINES, form: "local", linesPerFile: 1000, key: whole.key });
    await remove(part.folder, "audit.jsonl");
    await put(part.folder, "range.json", range);
    return part;
  }

  it("is said to be a part", async () => {
    const log = await bundle('{"format":1,"first_leaf":100,"count":10}\n');
    await put(log.folder, "lines/0000000000000100-10.jsonl", text(LINES.slice(100, 110)));

    expect(await verdictTextOf(log)).toMatch(/^verified in part: log\.test\/1, 600 leaves\n/);
  });

  it("is refused where it holds lines outside of its range, which nobody checks", async () => {
    const log = await bundle('{"format":1,"first_leaf":100,"count":10}\n');
    await put(log.folder, "lines/0000000000000100-10.jsonl", text(LINES.slice(100, 110)));
    await put(log.folder, "lines/0000000000000300-10.jsonl", text(LINES.slice(0, 10)));

    expect(await verdictOf(log)).toMatchObject({
      isVerified: false,
      findings: [{ kind: "lines-overlap", object: "lines/0000000000000300-10.jsonl", leaves: [300, 310] }],
    });
  });

  it.each([
    ["none at all", '{"format":1,"first_leaf":0,"count":0}\n'],
    ["none that was sealed", '{"format":1,"first_leaf":600,"count":1}\n'],
  ])("proves nothing where its range is of %s", async (_, range) => {
    await expect(verdictOf(await bundle(range))).rejects.toThrow("range.json");
  });
});

describe("what is no file", () => {
  it.each(["log/checkpoint", "log/tile/0/000"])("is not read without end: %s", async (key) => {
    const log = await madeLog({ lines: LINES, form: "local" });
    await remove(log.folder, key);
    await symlink("/dev/zero", join(log.folder, key));

    await expect(verdictOf(log)).rejects.toThrow("is no file");
  });
});
