// Imports by the real command line: real CloudTrail logs, counted independently, and an import that is killed midway.
// The logs are not part of the project: AUDIT_TEST_DATA names the folder that holds them as `cloudtrail`.
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { auditlog, startAuditlog, startServe } from "#test/support/auditlog.ts";
import { linesOnDisk, newFolder } from "#test/support/folders.ts";

const DATA = process.env["AUDIT_TEST_DATA"];
const LOGS = join(DATA ?? "", "cloudtrail");
const REASON = DATA === undefined ? " (skipped: needs AUDIT_TEST_DATA, a folder with CloudTrail logs)" : "";
/** What the folder holds; an import that finds another number has lost or invented something. */
const RECORDS = 1667;

interface TrailRecord {
  readonly eventID: string;
  readonly eventTime: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly errorCode?: string;
  readonly userIdentity: {
    readonly arn?: string;
    readonly principalId?: string;
    readonly invokedBy?: string;
  };
}

interface Total {
  readonly stored: number;
  readonly already_stored: number;
  readonly refused: number;
}

async function readRecords(): Promise<TrailRecord[]> {
  const names = (await readdir(LOGS)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(names.map((name) => readFile(join(LOGS, name), "utf8")));
  return texts.flatMap((text) => (JSON.parse(text) as { Records: TrailRecord[] }).Records);
}

function userOf({ userIdentity }: TrailRecord): string | undefined {
  return userIdentity.arn ?? userIdentity.principalId ?? userIdentity.invokedBy;
}

function totalOf(stdout: string): Total {
  return (JSON.parse(stdout) as { total: Total }).total;
}

function idsOf(stdout: string): string[] {
  const lines = stdout.split("\n").filter(Boolean);
  return lines.map((text) => (JSON.parse(text) as { event_id: string }).event_id).toSorted();
}

const IMPORT = ["import", "--format", "cloudtrail", "--json", LOGS];

describe.skipIf(DATA === undefined)(`CloudTrail logs${REASON}`, () => {
  let records: TrailRecord[];

  beforeAll(async () => {
    records = await readRecords();
  });

  it("are stored once, also the second time", async () => {
    const folder = await newFolder();

    const first = await auditlog(IMPORT, { folder });
    const second = await auditlog(IMPORT, { folder });

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(totalOf(first.stdout)).toEqual({
      stored: RECORDS,
      already_stored: 0,
      met_twice: 0,
      refused: 0,
      conflicts: 0,
    });
    expect(totalOf(second.stdout)).toEqual({
      stored: 0,
      already_stored: RECORDS,
      met_twice: 0,
      refused: 0,
      conflicts: 0,
    });
    expect(await linesOnDisk(folder)).toHaveLength(RECORDS);
  });

  it("are stored once through a running service", async () => {
    const folder = await newFolder();
    await startServe({ folder });

    const first = await auditlog(IMPORT, { folder });
    const second = await auditlog(IMPORT, { folder });

    expect(totalOf(first.stdout)).toMatchObject({ stored: RECORDS, already_stored: 0, refused: 0 });
    expect(totalOf(second.stdout)).toMatchObject({ stored: 0, already_stored: RECORDS, refused: 0 });
  });

  it("skip the file that is none by name", async () => {
    const { stdout } = await auditlog(IMPORT, { folder: await newFolder() });

    const { skipped } = JSON.parse(stdout) as { skipped: { path: string }[] };
    expect(skipped.map(({ path }) => path)).toEqual([join(LOGS, "LICENSE.txt")]);
  });

  it("are found as an independent count over the files says", { timeout: 60_000 }, async () => {
    const folder = await newFolder();
    await auditlog(IMPORT, { folder });
    await startServe({ folder });
    const user = records.map(userOf).find((id) => id?.includes("assumed-role")) ?? "";
    const [from, to] = ["2023-07-10T12:10:00Z", "2023-07-10T12:15:00Z"];
    const message = (record: TrailRecord): string => `${record.eventName} by ${userOf(record)}`;
    const questions: [string[], (record: TrailRecord) => boolean][] = [
      [["--service", "kms.amazonaws.com"], (record) => record.eventSource === "kms.amazonaws.com"],
      [["--user", user], (record) => userOf(record) === user],
      [["--level", "ERROR"], (record) => record.errorCode !== undefined],
      [["--since", from, "--until", to], ({ eventTime }) => eventTime >= from && eventTime <= to],
      [
        ["--contains", "getbucketPOLICY"],
        (record) => message(record).toLowerCase().includes("getbucketpolicy"),
      ],
      [["--error-code", "ThrottlingException"], (record) => record.errorCode === "ThrottlingException"],
    ];

    for (const [flags, matches] of questions) {
      const { stdout } = await auditlog(["query", "--all", "--json", ...flags], { folder });

      const expected = records.filter(matches).map(({ eventID }) => eventID);
      expect(expected.length).toBeGreaterThan(0);
      expect(idsOf(stdout)).toEqual(expected.toSorted());
    }
  });
});

describe("a log of the original service", () => {
  const oldLine = (id: string): string =>
    `{"event_id": "${id}", "timestamp": "2024-05-01T10:00:00.123456+02:00", "level": "info", "category": "user_action", "action": "login", "service_name": "auth", "user_id": "alice", "session_id": null, "request_id": null, "resource_type": null, "resource_id": null, "message": "", "metadata": {}, "error_code": null, "error_message": null, "stack_trace": null, "duration_ms": null}\n`;

  it("is not touched where it lies, and moves in by the command that the refusal names", async () => {
    const folder = await newFolder();
    const old = join(folder, "audit.jsonl");
    await writeFile(old, oldLine("live"));
    await writeFile(join(folder, "audit.1"), oldLine("rotated"));

    const refused = await auditlog(["send", "--action", "a"], { folder });
    const untouched = await readFile(old, "utf8");
    await mkdir(join(folder, "old"));
    for (const name of ["audit.jsonl", "audit.1"])
      await rename(join(folder, name), join(folder, "old", name));
    const moved = await auditlog(["import", "--format", "jsonl", "--json", join(folder, "old")], { folder });
    const found = await auditlog(["query", "--json", "--user", "alice"], { folder });

    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^auditlog: .*auditlog import --format jsonl.*\n$/);
    expect(untouched).toBe(oldLine("live"));
    expect(totalOf(moved.stdout)).toMatchObject({ stored: 2, refused: 0 });
    expect(idsOf(found.stdout)).toEqual(["live", "rotated"]);
    expect(found.stdout).toContain('"timestamp":"2024-05-01T10:00:00.123456+02:00"');
  });
});

describe("an import that is killed", () => {
  const COUNT = 60_000;

  it.each([1, 2, 3])("and begun again stores every event exactly once (round %i)", async (round) => {
    const folder = await newFolder();
    const path = join(folder, "in.jsonl");
    await writeFile(path, Array.from({ length: COUNT }, (_, n) => line(n)).join(""));
    const env = { AUDIT_FILE_PATH: join(folder, "log", "audit.jsonl"), AUDIT_MAX_FILE_SIZE_MB: "4" };
    const args = ["import", "--format", "jsonl", "--json", path];

    const killed = startAuditlog(args, { folder, env });
    await expect
      .poll(() => bytesIn(join(folder, "log")), { interval: 5, timeout: 10_000 })
      .toBeGreaterThan(round * 1_500_000);
    killed.child.kill("SIGKILL");
    const end = await killed.end;
    const resumed = await auditlog(args, { folder, env });

    expect(end.signal).toBe("SIGKILL");
    expect([resumed.code, resumed.stderr]).toEqual([0, ""]);
    const { stored, already_stored: before, refused } = totalOf(resumed.stdout);
    expect(stored + before).toBe(COUNT);
    expect(refused).toBe(0);
    expect(before).toBeGreaterThan(0);
    expect(stored).toBeGreaterThan(0);
    const ids = (await linesOnDisk(join(folder, "log"))).map(
      (text) => (JSON.parse(text) as { event_id: string }).event_id,
    );
    expect(ids).toHaveLength(COUNT);
    expect(new Set(ids).size).toBe(COUNT);
  });
});

function line(n: number): string {
  const event = { event_id: `e-${n}`, action: "a", service_name: "s", message: "x".repeat(100) };
  return `${JSON.stringify(event)}\n`;
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names
    .filter((name) => /\.jsonl(\.gz)?$/.test(name))
    .map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}
