// auditlog repair: what it asks for, and how it tells what was found and done.
import { describe, expect, it } from "vitest";
import type { RepairReport, RepairRequest } from "#cli/repair-report.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { CliRun } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";

const PLACE = {
  path: "/log/audit.jsonl",
  offset: 310,
  line: 21,
  lines: 1,
  bytes: 1234,
  reason: "is not a JSON object",
  movedTo: "/log/audit-0000000000000020.damaged-at-310",
};
const GAP = { path: "/log/audit-0000000000000010.jsonl", offset: 0, reason: "lines before it are missing" };
const REPAIRED: RepairReport = {
  places: [PLACE],
  unrepaired: [],
  tornPath: undefined,
  sealedLines: 0,
  isSound: true,
};

async function run(report: RepairReport, ...args: readonly string[]): Promise<CliRun & { asked: unknown }> {
  let asked: RepairRequest | undefined;
  const harness = createCliHarness({
    repair: async (request) => {
      asked = request;
      return report;
    },
  });
  return { ...(await harness.run(["repair", ...args])), asked };
}

describe("auditlog repair", () => {
  it("tells each place and where it went", async () => {
    const { code, stdout, asked } = await run(REPAIRED, "--file", "/log/audit.jsonl");

    expect(asked).toEqual({ file: "/log/audit.jsonl", isDryRun: false });
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "/log/audit.jsonl, byte 310, line 21: is not a JSON object (1,234 bytes)",
        "  moved to /log/audit-0000000000000020.damaged-at-310",
        "The log is sound again; nothing was deleted.",
        "",
      ].join("\n"),
    );
  });

  it("tells in a dry run what would be moved, and fails", async () => {
    const place = { ...PLACE, lines: 5, movedTo: undefined };
    const { code, stdout, asked } = await run({ ...REPAIRED, places: [place], isSound: false }, "--dry-run");

    expect(asked).toEqual({ file: undefined, isDryRun: true });
    expect(code).toBe(1);
    expect(stdout).toBe(
      [
        "/log/audit.jsonl, byte 310, line 21 to 25: is not a JSON object (1,234 bytes)",
        "Nothing was changed: 1 place would be moved.",
        "",
      ].join("\n"),
    );
  });

  it.each([
    [1, "1 damaged line was sealed: verify names it unless its bytes are those that were sealed."],
    [1200, "1,200 damaged lines were sealed: verify names those whose bytes are not those that were sealed."],
  ])("tells that %i of them were sealed", async (sealedLines, told) => {
    const { code, stdout } = await run({ ...REPAIRED, sealedLines });

    expect(code).toBe(0);
    expect(stdout).toContain(`${told}\nThe log is sound again`);
  });

  it("tells what cannot be repaired, and fails", async () => {
    const { code, stdout } = await run({
      places: [PLACE, PLACE],
      unrepaired: [GAP],
      tornPath: "/log/audit-0000000000000024.torn-at-1",
      sealedLines: 0,
      isSound: false,
    });

    expect(code).toBe(1);
    expect(stdout).toContain(
      [
        "/log/audit-0000000000000010.jsonl, byte 0: lines before it are missing",
        "  cannot be repaired",
        "a last line that a crash had cut",
        "  moved to /log/audit-0000000000000024.torn-at-1",
        "The log is not sound: 2 places moved; 1 place cannot be repaired.",
        "",
      ].join("\n"),
    );
  });

  it("says that a log was sound", async () => {
    const { code, stdout } = await run({ ...REPAIRED, places: [] });

    expect([code, stdout]).toEqual([0, "The log is sound.\n"]);
  });

  it("prints JSON for machines", async () => {
    const { stdout } = await run({ ...REPAIRED, unrepaired: [GAP], isSound: false }, "--json");

    expect(JSON.parse(stdout)).toEqual({
      dry_run: false,
      sound: false,
      places: [
        {
          path: "/log/audit.jsonl",
          byte: 310,
          line: 21,
          lines: 1,
          bytes: 1234,
          reason: "is not a JSON object",
          moved_to: "/log/audit-0000000000000020.damaged-at-310",
        },
      ],
      unrepaired: [{ path: GAP.path, byte: 0, reason: GAP.reason }],
      torn_line_moved_to: null,
      sealed_lines: 0,
    });
  });

  it("lets nothing that a damaged line says reach the terminal as it is", async () => {
    const { stdout } = await run({ ...REPAIRED, places: [{ ...PLACE, reason: "has \u001b[2J" }] });

    expect(stdout).not.toContain("\u001b");
  });

  it("says on one line why the folder cannot be had", async () => {
    const harness = createCliHarness({
      repair: async () => {
        throw new AuditStorageError("folder-locked", "the folder belongs to process 7");
      },
    });

    expect(await harness.run(["repair"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "auditlog: the folder belongs to process 7\n",
    });
  });

  it("shows examples, and refuses an address: it works on a folder", async () => {
    const help = await run(REPAIRED, "--help");
    const address = await run(REPAIRED, "--url", "http://127.0.0.1:8000");

    expect(help.stdout).toContain("auditlog repair --dry-run");
    expect(address).toMatchObject({ code: 2, asked: undefined });
  });
});
