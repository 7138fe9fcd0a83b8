// auditlog import of CloudTrail logs: each record once; what does not fit is named, never cut.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, summaryOf, trail } from "#test/support/import-fixtures.ts";

describe("auditlog import --format cloudtrail", () => {
  it("stores each record once, and skips by name what is no CloudTrail log", async () => {
    const folder = await folderWith({
      "AWSLogs/1/a.json": trail("t1", "t2"),
      "AWSLogs/1/b.json.gz": gzipSync(trail("t3", "t1")),
      "AWSLogs/digest.json": '{"awsAccountId":"1","digestS3Bucket":"b"}',
      "LICENSE.txt": "MIT",
      "empty.json": '{"Records":[]}',
    });
    const harness = createCliHarness();

    const first = await harness.run(["import", "--format", "cloudtrail", "--json", folder]);
    const second = await harness.run(["import", "--format", "cloudtrail", "--json", folder]);

    expect(first.code).toBe(0);
    expect(summaryOf(first.stdout).total).toEqual({
      stored: 3,
      already_stored: 1,
      met_twice: 0,
      refused: 0,
      conflicts: 0,
    });
    expect(summaryOf(second.stdout).total).toEqual({
      stored: 0,
      already_stored: 4,
      met_twice: 0,
      refused: 0,
      conflicts: 0,
    });
    const skipped = summaryOf(first.stdout).skipped.map(({ path }) => path.slice(folder.length + 1));
    expect(skipped.toSorted()).toEqual(["AWSLogs/digest.json", "LICENSE.txt"]);
  });

  it("skips a named file that is none, as a shell's * names it", async () => {
    const folder = await folderWith({ "a.json": trail("t1"), "LICENSE.txt": "MIT" });
    const paths = ["LICENSE.txt", "a.json"].map((name) => join(folder, name));

    const { code, stdout } = await createCliHarness().run(["import", "--format", "cloudtrail", ...paths]);

    expect(code).toBe(0);
    expect(stdout).toContain("LICENSE.txt: skipped, it is no CloudTrail log");
  });

  it("refuses records by number and damaged files by name, and stores the rest", async () => {
    const records = trail("t1", "t2", "t3").replace('"eventName":"GetObject"', '"eventName":5');
    const duplicate = records.replace('"eventID":"t3"', '"eventID":"t3","eventID":"t3"');
    const folder = await folderWith({ "a.json": duplicate, "torn.json": trail("t4").slice(0, -3) });
    const harness = createCliHarness();

    const { code, stderr, stdout } = await harness.run([
      "import",
      "--format",
      "cloudtrail",
      "--json",
      folder,
    ]);

    expect(code).toBe(1);
    expect(stderr).toContain("a.json: record 1: /eventName");
    expect(stderr).toContain("a.json: record 3: /eventID is given twice");
    expect(stderr).toMatch(/torn\.json: the file is not JSON/);
    expect(new Set(summaryOf(stdout).refusals.map(({ record }) => record))).toEqual(new Set([0, 1, 3]));
    expect(harness.store.lines.map(({ eventId }) => eventId)).toEqual(["t2"]);
  });

  it("never cuts: a record over the limits is refused", async () => {
    const folder = await folderWith({ "a.json": trail("t1").replace("GetObject", "x".repeat(300)) });

    const { code, stderr } = await createCliHarness().run(["import", "--format", "cloudtrail", folder]);

    expect(code).toBe(1);
    expect(stderr).toContain("a.json: record 1: /action is 300 bytes; the limit is 256");
  });

  it("leaves the files as they are", async () => {
    const folder = await folderWith({ "a.json": trail("t1") });

    await createCliHarness().run(["import", "--format", "cloudtrail", folder]);

    expect(await readFile(join(folder, "a.json"), "utf8")).toBe(trail("t1"));
  });
});
