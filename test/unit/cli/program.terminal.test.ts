// No text from events, files, servers or arguments drives a terminal; files and pipes get it as it is.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AuditService } from "#client/audit-service.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, line } from "#test/support/import-fixtures.ts";
import { newFolder } from "#test/support/folders.ts";

/** Sets the title, clears the screen, hides and turns text. */
const HOSTILE = "\u001b]0;owned\u0007\u009b2J\u202egnp.exe\u200b\r";
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const LIVE = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]/u;

function hostileEvent(): string {
  return line("e", { message: `${HOSTILE}\nnext`, user_id: HOSTILE });
}

describe("on a terminal", () => {
  it.each(
    [
      ["export"],
      ["export", "--format", "csv"],
      ["query"],
      ["query", "--json", "--explain"],
      ["get", "e"],
      ["get", "e", "--json"],
      ["get", HOSTILE],
      ["get", "e", `--${HOSTILE}`],
      ["import", "--format", "jsonl", `nowhere${HOSTILE}`],
      ["query", "--limit", HOSTILE],
    ].map((args) => ({ args })),
  )("$args writes nothing that drives it", async ({ args }) => {
    const harness = createCliHarness({ columns: 120 });
    await harness.run(["send"], hostileEvent());

    const { stdout, stderr } = await harness.run(args);

    expect(stdout + stderr).not.toMatch(LIVE);
    expect(stdout + stderr).not.toBe("");
  });

  it("export keeps lines of JSON what they are", async () => {
    const harness = createCliHarness({ columns: 120 });
    await harness.run(["send"], hostileEvent());

    const { stdout } = await harness.run(["export"]);

    expect(JSON.parse(stdout)).toMatchObject({ message: `${HOSTILE}\nnext`, user_id: HOSTILE });
  });

  it("import and health write nothing that drives it, whatever files and servers say", async () => {
    const harness = createCliHarness({
      columns: 120,
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: async () => {
          throw new AuditStorageError("storage-unavailable", HOSTILE);
        },
        health: async () => ({ status: "degraded", [HOSTILE]: { status: HOSTILE, problems: [HOSTILE] } }),
      }),
    });
    const folder = await folderWith({ [`${HOSTILE}.jsonl`]: line("e"), [`${HOSTILE}.txt`]: "" });

    const runs = [
      await harness.run(["import", "--format", "jsonl", folder]),
      await harness.run(["import", "--format", "jsonl", "--json", folder]),
      await harness.run(["health"]),
      await harness.run(["health", "--json"]),
    ];

    for (const { stdout, stderr } of runs) {
      expect(stdout + stderr.replaceAll("\r\u001b[2K", "")).not.toMatch(LIVE);
    }
  });
});

describe("to a file or a pipe", () => {
  it("export writes the exact bytes", async () => {
    const harness = createCliHarness();
    await harness.run(["send"], hostileEvent());
    const path = join(await newFolder(), "out.csv");

    const jsonl = await harness.run(["export"]);
    const csv = await harness.run(["export", "--format", "csv"]);
    await harness.run(["export", "--format", "csv", "-o", path]);

    expect(jsonl.stdout).toContain("\u009b2J\u202e");
    expect(csv.stdout).toContain(HOSTILE);
    expect(await readFile(path, "utf8")).toBe(csv.stdout);
  });

  it("export leaves no part of a file behind where it fails", async () => {
    const harness = createCliHarness({
      wrap: (audit): AuditService => ({
        ...audit,
        exportEvents: async function* () {
          yield "{}\n";
          throw new AuditStorageError("storage-unavailable", "the disk is gone");
        },
      }),
    });
    const path = join(await newFolder(), "out.jsonl");

    const failed = await harness.run(["export", "-o", path]);

    expect(failed).toMatchObject({ code: 1, stderr: "auditlog: the disk is gone\n" });
    await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
