// The ids that an import gives to lines without one: files are told apart, and no rotation stores a line twice.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { CliHarness } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, summaryOf } from "#test/support/import-fixtures.ts";

const SAME = '{"action":"a","service_name":"s"}\n';
const named = (action: string): string => `{"action":"${action}","service_name":"s"}\n`;

async function importTotal(harness: CliHarness, ...paths: string[]): Promise<Record<string, number>> {
  const { stdout } = await harness.run(["import", "--format", "jsonl", "--json", ...paths]);
  const { stored, already_stored, met_twice } = summaryOf(stdout).total;
  return { stored: stored ?? -1, already_stored: already_stored ?? -1, met_twice: met_twice ?? -1 };
}

describe("lines without an id", () => {
  it("are events of their own in files of other names, also where number and text are the same", async () => {
    const folder = await folderWith({ "shop.jsonl": SAME, "web.jsonl": SAME });
    const harness = createCliHarness();

    const first = await importTotal(harness, folder);
    const again = await importTotal(harness, folder);

    expect(first).toEqual({ stored: 2, already_stored: 0, met_twice: 0 });
    expect(again).toEqual({ stored: 0, already_stored: 2, met_twice: 0 });
  });

  it("are events of their own in files that begin otherwise, of whatever name", async () => {
    const folder = await folderWith({ "1/a.jsonl": named("x") + SAME, "2/a.jsonl": named("y") + SAME });

    expect(await importTotal(createCliHarness(), folder)).toMatchObject({ stored: 4, met_twice: 0 });
  });

  it("keep their ids through another folder, growth, rotation and compression", async () => {
    const folder = await folderWith({ "logs/audit.jsonl": named("one") + SAME });
    const harness = createCliHarness();
    const totals = [await importTotal(harness, join(folder, "logs"))];

    await rename(join(folder, "logs"), join(folder, "moved"));
    const path = (name: string): string => join(folder, "moved", name);
    await writeFile(path("audit.jsonl"), SAME, { flag: "a" });
    totals.push(await importTotal(harness, path("audit.jsonl")));
    await rename(path("audit.jsonl"), path("audit.1"));
    await writeFile(path("audit.jsonl"), named("two") + SAME);
    totals.push(await importTotal(harness, path("")));
    await writeFile(path("audit.2.gz"), gzipSync(named("one") + SAME + SAME));
    await rename(path("audit.jsonl"), path("audit.1"));
    totals.push(await importTotal(harness, path("")));

    expect(totals).toEqual([
      { stored: 2, already_stored: 0, met_twice: 0 },
      { stored: 1, already_stored: 2, met_twice: 0 },
      { stored: 2, already_stored: 3, met_twice: 0 },
      { stored: 0, already_stored: 5, met_twice: 0 },
    ]);
  });

  it.each([
    "audit.jsonl.3",
    "audit.jsonl.2024-05-01",
    "audit-20240501.jsonl.gz",
    "audit.jsonl-20240501-120000",
    "audit.1.jsonl",
  ])("keep their ids in a file that a logger has renamed to %s", async (name) => {
    const folder = await folderWith({ "audit.jsonl": SAME });
    const harness = createCliHarness();
    await importTotal(harness, folder);

    await rename(join(folder, "audit.jsonl"), join(folder, name));

    expect(await importTotal(harness, join(folder, name))).toMatchObject({ stored: 0, already_stored: 1 });
  });

  it("of a copy are told apart from what was stored before, and stored once", async () => {
    const folder = await folderWith({ "a.jsonl": SAME + SAME });
    await mkdir(join(folder, "copy"));
    await writeFile(join(folder, "copy", "a.jsonl"), SAME + SAME + SAME);
    const harness = createCliHarness();

    const first = await importTotal(harness, folder);
    const again = await importTotal(harness, folder);
    const { stdout } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(first).toEqual({ stored: 3, already_stored: 0, met_twice: 2 });
    expect(again).toEqual({ stored: 0, already_stored: 3, met_twice: 2 });
    expect(stdout).toMatch(
      /total of 2 files: 0 stored, 3 already stored, 2 met twice in this run, 0 refused/,
    );
  });

  it("are counted once in a dry run too", async () => {
    const folder = await folderWith({ "a.jsonl": SAME, "copy/a.jsonl": SAME });

    const { stdout } = await createCliHarness().run(["import", "--format", "jsonl", "--dry-run", folder]);

    expect(stdout).toContain("total of 2 files: 1 would be sent, 1 met twice in this run, 0 refused");
  });
});
