// auditlog import: which files, what of each, told how; idempotent, and nothing refused in silence.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { AuditService } from "#client/audit-service.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";

function line(id: string, members: Record<string, unknown> = {}): string {
  return `${JSON.stringify({ event_id: id, action: "a", service_name: "s", ...members })}\n`;
}

function trail(...ids: string[]): string {
  const Records = ids.map((eventID) => ({
    eventID,
    eventTime: "2023-07-10T12:00:00Z",
    eventSource: "s3.amazonaws.com",
    eventName: "GetObject",
    readOnly: true,
    userIdentity: { arn: "arn:aws:iam::111122223333:user/alice" },
  }));
  return JSON.stringify({ Records });
}

async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await newFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

interface Summary {
  readonly total: Record<string, number>;
  readonly files: { path: string; stored: number; failure: string | null }[];
  readonly skipped: { path: string; reason: string }[];
  readonly notes: Record<string, number>;
  readonly refusals: { path: string; line?: number; record?: number; errors: { path: string }[] }[];
  readonly interrupted: boolean;
  readonly failure: string | null;
  readonly knows_duplicates: boolean;
}

function summaryOf(stdout: string): Summary {
  return JSON.parse(stdout) as Summary;
}

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
    expect(summaryOf(stdout).total).toEqual({ stored: 2, already_stored: 0, refused: 5, conflicts: 0 });
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
    expect(summaryOf(stdout).total).toEqual({ stored: 0, already_stored: 1, refused: 0, conflicts: 0 });
    expect(summaryOf(stdout).notes).toEqual({ "service-members-dropped": 1 });
  });

  it("sends batches that keep the limits of a request", async () => {
    const sizes: [number, number][] = [];
    const harness = createCliHarness({
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: (events, options) => {
          sizes.push([events.length, JSON.stringify(events).length]);
          return audit.logBatch(events, options);
        },
      }),
    });
    const small = Array.from({ length: 2500 }, (_, n) => line(`s${n}`)).join("");
    const large = Array.from({ length: 100 }, (_, n) =>
      line(`l${n}`, { stack_trace: "x".repeat(49_000) }),
    ).join("");
    const folder = await folderWith({ "a.jsonl": small, "b.jsonl": large });

    const { code } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(code).toBe(0);
    expect(harness.store.lines).toHaveLength(2600);
    expect(Math.max(...sizes.map(([count]) => count))).toBe(1000);
    expect(Math.max(...sizes.map(([, bytes]) => bytes))).toBeLessThanOrEqual(2.5 * 1024 * 1024);
  });

  it("checks everything and sends nothing in a dry run", async () => {
    const harness = createCliHarness({
      wrap: () => {
        throw new Error("the log was opened");
      },
    });
    const folder = await folderWith({ "a.jsonl": line("a") + line("b", { level: "LOUD" }) });

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--dry-run", folder]);

    expect(code).toBe(1);
    expect(stdout).toContain("1 would be sent, 1 refused");
    expect(stderr).toContain("a.jsonl:2: /level");
  });

  it("says where a compressed file ends before its end, and keeps what came before", async () => {
    const whole = gzipSync(Array.from({ length: 20_000 }, (_, n) => line(`e${n * 7919}`)).join(""));
    const folder = await folderWith({ "a.jsonl.gz": whole.subarray(0, whole.length / 2) });
    const harness = createCliHarness();

    const { code, stdout } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(1);
    expect(summaryOf(stdout).files[0]?.failure).toContain("not read to its end");
    expect(summaryOf(stdout).total["stored"]).toBeGreaterThan(0);
    expect(harness.store.lines).toHaveLength(summaryOf(stdout).total["stored"] ?? -1);
  });

  it("stops at a failure of the log, with a summary of what was stored", async () => {
    let batches = 0;
    const harness = createCliHarness({
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: (events, options) => {
          if (++batches > 1) throw new AuditStorageError("storage-unavailable", "the disk is full");
          return audit.logBatch(events, options);
        },
      }),
    });
    const folder = await folderWith({
      "a.jsonl": Array.from({ length: 20_000 }, (_, n) => line(`e${n}`)).join(""),
    });

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(1);
    expect(summaryOf(stdout)).toMatchObject({ failure: "the disk is full", total: { stored: 1000 } });
    expect(stderr).toContain("auditlog: the disk is full\n");
  });

  it("finishes what is under way when it is stopped, and goes on from there the next time", async () => {
    const stop = new AbortController();
    const harness = createCliHarness({
      stop: stop.signal,
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: (events, options) => {
          stop.abort();
          return audit.logBatch(events, options);
        },
      }),
    });
    const folder = await folderWith({
      "a.jsonl": Array.from({ length: 5000 }, (_, n) => line(`e${n}`)).join(""),
    });

    const { code, stdout, stderr } = await harness.run(["import", "--format", "jsonl", "--json", folder]);

    expect(code).toBe(130);
    expect(summaryOf(stdout)).toMatchObject({ interrupted: true });
    expect(harness.store.lines).toHaveLength(summaryOf(stdout).total["stored"] ?? -1);
    expect(stderr).toContain("the same command again goes on from here");
  });

  it("says so where the service does not know what it had before", async () => {
    const harness = createCliHarness({
      wrap: (audit): AuditService => ({
        ...audit,
        logBatch: async (events, options) => {
          const { duplicates: _, ...receipt } = await audit.logBatch(events, options);
          return receipt;
        },
      }),
    });
    const folder = await folderWith({ "a.jsonl": line("a") });

    const { stdout } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(stdout).toContain("note: the service does not say");
  });

  it("fails with exit code 2 for a path that is not there, and 1 where nothing was found", async () => {
    const folder = await folderWith({ "readme.md": "x" });
    const harness = createCliHarness();

    const missing = await harness.run(["import", "--format", "jsonl", join(folder, "nope")]);
    const empty = await harness.run(["import", "--format", "jsonl", folder]);

    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("no such file or folder") });
    expect(empty).toMatchObject({ code: 1, stderr: "auditlog: no jsonl file was found\n" });
  });

  it("draws a bar on a terminal and takes it away", async () => {
    let nowMs = 0;
    const harness = createCliHarness({ columns: 80, nowMs: () => (nowMs += 200) });
    const folder = await folderWith({ "a.jsonl": line("a") + line("b", { typo: 1 }) });

    const { stderr } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(stderr).toMatch(/\[#+-*\] \d+ %, \d+ events/);
    expect(stderr.endsWith("\r\u001b[2K") || stderr.endsWith("\n")).toBe(true);
  });

  it("writes a plain line now and then elsewhere", async () => {
    let nowMs = 0;
    const harness = createCliHarness({ nowMs: () => (nowMs += 3000) });
    const folder = await folderWith({ "a.jsonl": line("a"), "b.jsonl": line("b"), "c.jsonl": line("c") });

    const { stderr } = await harness.run(["import", "--format", "jsonl", folder]);

    expect(stderr).toMatch(/^\d+ %, \d+ events, \d+\/s\n/);
  });
});

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
    expect(summaryOf(first.stdout).total).toEqual({ stored: 3, already_stored: 1, refused: 0, conflicts: 0 });
    expect(summaryOf(second.stdout).total).toEqual({
      stored: 0,
      already_stored: 4,
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
