// Which files an import reads: none that stands in a folder is passed over in silence.
import { execFile } from "node:child_process";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { CliRun } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, line, summaryOf } from "#test/support/import-fixtures.ts";

const SAME = '{"action":"a","service_name":"s"}\n';

it("names links in folders, and follows one that is named", async () => {
  const folder = await folderWith({ "logs/a.jsonl": line("a"), "elsewhere/b.jsonl": line("b") });
  const [file, below] = [join(folder, "logs", "link.jsonl"), join(folder, "logs", "more")];
  await symlink(join(folder, "elsewhere", "b.jsonl"), file);
  await symlink(join(folder, "elsewhere"), below);
  const harness = createCliHarness();

  const all = await harness.run(["import", "--format", "jsonl", "--json", join(folder, "logs")]);
  const named = await harness.run(["import", "--format", "jsonl", "--json", file]);

  const reason = "it is no regular file; name it to import what it points to";
  expect(summaryOf(all.stdout).total["stored"]).toBe(1);
  expect(summaryOf(all.stdout).skipped).toEqual([file, below].map((path) => ({ path, reason })));
  expect(summaryOf(named.stdout).total["stored"]).toBe(1);
});

it("reads a pipe once, whole, and recognises its lines under another name", async () => {
  const folder = await folderWith({ "a.jsonl": SAME });
  const harness = createCliHarness();
  const importPipe = async (name: string): Promise<CliRun> => {
    const path = join(folder, name);
    await promisify(execFile)("mkfifo", [path]);
    const writing = writeFile(path, gzipSync(SAME + SAME));
    const run = await harness.run(["import", "--format", "jsonl", "--json", path, join(folder, "a.jsonl")]);
    await writing;
    return run;
  };

  const first = await importPipe("63");
  const again = await importPipe("62");

  expect(summaryOf(first.stdout).total).toMatchObject({ stored: 3, met_twice: 0 });
  expect(summaryOf(again.stdout).total).toMatchObject({ stored: 0, already_stored: 3, met_twice: 0 });
});
