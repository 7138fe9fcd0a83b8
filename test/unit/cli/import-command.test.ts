// auditlog import of JSON Lines: which files, what of each line, told how; nothing is refused in silence.
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { folderWith, line, summaryOf } from "#test/support/import-fixtures.ts";

describe("auditlog import --format jsonl", () => {
  it("stores the events of files, plain and compressed, and recognises them the second time", async () => {
    const folder = await folderWith({
      "a.jsonl": line("a1") + line("a2"),
      "b.jsonl.gz": gzipSync(line("b1")),
    });
    const harness = createCliHarness();

    const first = await harness.run(["import", "--format", "jsonl", folder]);
    const second = await harness.run(["import", "--format", "jsonl", folder]);

    expect(first.code).toBe(0);
    expect(first.stdout).toContain("total of 2 files: 3 stored, 0 already stored, 0 refused");
    expect(second.code).toBe(0);
    expect(second.stdout).toContain("total of 2 files: 0 stored, 3 already stored, 0 refused");
    expect(harness.store.lines.map(({ eventId }) => eventId)).toEqual(["a1", "a2", "b1"]);
  });

  it("finds rotations in folders, below them too, oldest first, and skips the rest by name", async () => {
    const folder = await folderWith({
      "audit.jsonl": line("live"),
      "audit.1": line("r1"),
      "audit.jsonl.10": line("r10"),
      "audit.2.gz": gzipSync(line("r2")),
      "deep/er/x.jsonl": line("deep"),
      "readme.md": "hello",
      "libx.so.1": "\u007fELF binary",
    });
    const harness = createCliHarness();

    const { stdout, code } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(0);
    expect(harness.store.lines.map(({ eventId }) => eventId)).toEqual(["r10", "r2", "r1", "live", "deep"]);
    expect(summaryOf(stdout).skipped.map(({ path }) => path.slice(folder.length + 1))).toEqual([
      "readme.md",
      "libx.so.1",
    ]);
  });

  it("never touches a lock, even where it is named", async () => {
    const folder = await folderWith({ "audit-service.lock": "x", "a.jsonl": line("a") });

    const { stdout, code } = await createCliHarness().run([
      "import",
      "--format",
      "jsonl",
      join(folder, "audit-service.lock"),
      join(folder, "a.jsonl"),
    ]);

    expect(code).toBe(0);
    expect(stdout).toContain("audit-service.lock: skipped, it is a lock");
  });

  it("keeps ids and times of the original's lines, and says what it assumed", async () => {
    const harness = createCliHarness();
    const folder = await folderWith({
      "audit.jsonl": line("old", { timestamp: "2024-05-01T10:00:00.123456", level: "info", user_id: null }),
    });

    const { stdout } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(stdout).toContain("note: 1 × time without zone, taken as UTC");
    expect(JSON.parse((await harness.run(["get", "old"])).stdout)).toMatchObject({
      timestamp: "2024-05-01T10:00:00.123456Z",
      level: "INFO",
    });
  });

  it("names each line that is refused, stores the others, and ends with exit code 1", async () => {
    const path = join(
      await folderWith({
        "a.jsonl": [
          line("good"),
          "{torn\n",
          "\n",
          line("typo", { usr: "x" }),
          line("nothing", { service_name: null }),
          `"${"x".repeat(1024 * 1024)}"\n`,
          '{"event_id":"twice","event_id":"twice"}\n',
          line("last").trimEnd(),
        ].join(""),
      }),
      "a.jsonl",
    );
    const harness = createCliHarness();

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--json", path]);

    expect(code).toBe(1);
    expect(summaryOf(stdout).total).toEqual({
      stored: 2,
      already_stored: 0,
      met_twice: 0,
      refused: 5,
      conflicts: 0,
    });
    expect(new Set(summaryOf(stdout).refusals.map((refusal) => refusal.line))).toEqual(
      new Set([2, 4, 5, 6, 7]),
    );
    expect(stderr).toContain(`${path}:4: /usr is not a field of an event`);
    expect(stderr).toContain(`${path}:5: /service_name`);
    expect(harness.store.lines.map(({ eventId }) => eventId)).toEqual(["good", "last"]);
  });

  it("reports where none of a batch is accepted", async () => {
    const folder = await folderWith({ "a.jsonl": line("x", { typo: 1 }) });

    const { code, stderr, stdout } = await createCliHarness().run(["import", "--format", "jsonl", folder]);

    expect(code).toBe(1);
    expect(stderr).toContain("a.jsonl:1: /typo");
    expect(stdout).toContain("0 stored, 0 already stored, 1 refused");
  });

  it("gives lines without an id one that a second run recognises", async () => {
    const same = '{"action":"a","service_name":"s"}\n';
    const folder = await folderWith({ "a.jsonl": same + same });
    const harness = createCliHarness();

    const first = await harness.run(["import", "--format", "jsonl", folder]);
    const second = await harness.run(["import", "--format", "jsonl", folder]);

    expect(first.stdout).toContain("2 stored");
    expect(first.stdout).toContain("note: 2 × no event_id");
    expect(second.stdout).toContain("0 stored, 2 already stored");
  });

  it("refuses other content under a stored id as a conflict", async () => {
    const harness = createCliHarness();
    await harness.run(["send", "--action", "first", "--id", "e"]);
    const folder = await folderWith({ "a.jsonl": line("e") });

    const { code, stdout } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(1);
    expect(summaryOf(stdout).total).toMatchObject({ stored: 0, refused: 1, conflicts: 1 });
  });

  it("takes an export of the same log for what it is, also where the log gave the time", async () => {
    const harness = createCliHarness();
    await harness.run(["send", "--action", "a", "--id", "e"]);
    const { stdout: exported } = await harness.run(["export"]);
    const folder = await folderWith({ "a.jsonl": exported });

    const { code, stdout } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(0);
    expect(summaryOf(stdout).total).toEqual({
      stored: 0,
      already_stored: 1,
      met_twice: 0,
      refused: 0,
      conflicts: 0,
    });
    expect(summaryOf(stdout).notes).toEqual({ "service-members-dropped": 1 });
  });
});
