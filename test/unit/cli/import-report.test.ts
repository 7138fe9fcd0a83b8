// The summary of an import into a service that answers before it stores: it claims no more than the service has said.
import { describe, expect, it } from "vitest";

import type { AuditService } from "#client/audit-service.ts";
import type { CliHarness } from "#test/support/cli-harness.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, line, summaryOf } from "#test/support/import-fixtures.ts";

/** Says of a batch what was accepted, and not what was stored before. */
function acceptingOnly(audit: AuditService): AuditService {
  const logBatch: AuditService["logBatch"] = async (...batch) => {
    const { duplicates: _duplicates, ...receipt } = await audit.logBatch(...batch);
    return receipt;
  };
  return { ...audit, logBatch };
}

const importInto = async (harness: CliHarness, ...options: string[]) => {
  const folder = await folderWith({ "a.jsonl": line("a1") + line("a2"), "b.jsonl": line("b1") + "{\n" });
  return harness.run(["import", "--format", "jsonl", ...options, folder]);
};

describe("the summary where the service only accepts", () => {
  it("says accepted, also of events that were there, and where conflicts show", async () => {
    const harness = createCliHarness({ wrap: acceptingOnly });

    const first = await importInto(harness);
    const second = await importInto(harness);

    expect(first.stdout).toContain("a.jsonl: 2 accepted, 0 refused\n");
    expect(first.stdout).toContain("total of 2 files: 3 accepted, 1 refused, in ");
    expect(second.stdout).toContain("total of 2 files: 3 accepted, 1 refused, in ");
    expect(second.stdout).toMatch(/^note: .*what was there already is stored once.*conflicts/m);
    expect(second.stdout).not.toMatch(/\d (already )?stored/);
  });

  it("has accepted as a member of its own, and null for what is not known", async () => {
    const harness = createCliHarness({ wrap: acceptingOnly });

    const { stdout } = await importInto(harness, "--json");

    const unknown = { stored: null, already_stored: null, conflicts: null };
    const summary = summaryOf(stdout);
    expect(summary.total).toEqual({ accepted: 3, ...unknown, met_twice: 0, refused: 1 });
    expect(summary.files).toMatchObject([
      { accepted: 2, ...unknown, refused: 0 },
      { accepted: 1, ...unknown, refused: 1 },
    ]);
    expect(summary.knows_duplicates).toBe(false);
  });

  it("counts what would be sent in a dry run, and knows nothing to be null", async () => {
    const harness = createCliHarness({ wrap: acceptingOnly });

    const text = await importInto(harness, "--dry-run");
    const json = await importInto(harness, "--dry-run", "--json");

    expect(text.stdout).toContain("total of 2 files: 3 would be sent, 1 refused");
    expect(summaryOf(json.stdout).total).toMatchObject({ stored: 3, already_stored: 0, conflicts: 0 });
  });
});

describe("the help of an import", () => {
  it("tells what exit code 0 means for a service that only accepts", async () => {
    const { stdout } = await createCliHarness().run(["import", "--help"]);

    expect(stdout).toMatch(/Exit code: 0 all of it is in the log, or was accepted/);
  });
});
