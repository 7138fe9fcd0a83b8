// auditlog verify: verdicts, exit codes, what it remembers, and one proof at a time.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { COSIGNATURE_V1 } from "#tlog/note.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import type { CliRun } from "#test/support/cli-harness.ts";
import { newFolder } from "#test/support/folders.ts";
import {
  flip,
  newKey,
  put,
  read,
  rewrite,
  testLine,
  testLines,
  writeLog,
} from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";
import { hex } from "#verify/finding.ts";
import { sha256 } from "#verify/native-hash.ts";

const LINES = testLines(600);
const NOW_MS = Date.parse("2026-03-01T12:00:10Z");

const made = (): Promise<MadeLog> => madeLog({ lines: LINES, form: "local" });

async function run(args: readonly string[], stateFolder = "/nonexistent"): Promise<CliRun> {
  return createCliHarness({ stateFolder, nowMs: () => NOW_MS }).run(args);
}

async function verify({ folder, key }: MadeLog, ...args: readonly string[]): Promise<CliRun> {
  return run(["verify", folder, "--key", key.vkey, "--no-state", ...args]);
}

describe("auditlog verify", () => {
  it("says that a log is verified, and of what", async () => {
    const { code, stdout, stderr } = await verify(await made());

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^verified: log\.test\/1, 600 leaves\n {2}root {9}\S{44}\n {2}signed by {4}log\.test\/1\n/,
    );
    expect(stdout).toContain("  lines        600 checked (0.2 MB)\n");
  });

  it("says the first difference, and ends with 1", async () => {
    const log = await made();
    await flip(log.folder, "log/tile/1/000.p/2", 33);

    const { code, stdout } = await verify(log);

    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^NOT VERIFIED: log\.test\/1, 600 leaves\n {2}first difference: log\/tile\/1\/000\.p\/2, byte 32, leaves 256 to 511\n/,
    );
  });

  it("says nothing of a verified log where it is asked to be quiet", async () => {
    expect(await verify(await made(), "--quiet")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("says that lines were erased, however quiet it is to be", async () => {
    const log = await made();
    const entry = hex(sha256(Buffer.from(LINES[3] ?? "")));
    const erased = `{"_erased":"${entry}","event_id":"x","tenant_id":"y"}`;
    await rewrite(log.folder, "audit-0000000000000000.jsonl", (lines) => lines.with(3, erased));

    const { code, stdout } = await verify(log, "--quiet");

    expect(code).toBe(0);
    expect(stdout).toContain("erased       1 more");
    expect(stdout).toContain("leaf 3, line 4 of audit-0000000000000000.jsonl");
  });

  it("ends with 3 where a file cannot be read, which proves nothing", async () => {
    const log = await made();
    await rm(join(log.folder, "audit-0000000000000100.jsonl"));
    await mkdir(join(log.folder, "audit-0000000000000100.jsonl"));

    const { code, stderr } = await verify(log);

    expect(code).toBe(3);
    expect(stderr).toContain("undecided: ");
  });

  it("shows what it cannot decide without doing anything to a terminal", async () => {
    const log = await made();
    const file = "audit\u001b[2J";
    await put(log.folder, `${file}.jsonl`, "");

    const { code, stderr } = await verify(log);

    expect(code).toBe(3);
    expect(stderr).not.toContain("\u001b");
  });

  it("gives the verdict as JSON", async () => {
    const log = await made();
    await rewrite(log.folder, "audit.jsonl", (lines) => lines.with(3, testLine(9)));

    const { code, stdout } = await verify(log, "--json");

    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      verified: false,
      finding_count: 1,
      findings: [{ kind: "line", object: "audit.jsonl", line: 4, leaf: 503 }],
      checkpoint: { origin: "log.test/1", size: 600 },
      lines: { checked: 599, unsealed: 0 },
    });
  });

  it("takes the key from a file, also one of several keys", async () => {
    const log = await made();
    const freshness = newKey("log.test/1/freshness", COSIGNATURE_V1);
    await put(log.folder, "keys.txt", `# keys\n${log.key.vkey}\n${freshness.vkey}\n`);

    const { code } = await run(["verify", log.folder, "--key", join(log.folder, "keys.txt"), "--no-state"]);

    expect(code).toBe(0);
  });

  it.each([
    [["verify", "."], /give the verifier key of the log with --key/, 2],
    [["verify", ".", "--key", "nothing"], /undecided: nothing is neither a verifier key nor a file/, 3],
    [["verify", ".", "--key", "log+00000000+AAAA"], /undecided: a key cannot be read: /, 3],
    [
      ["verify", "/no/such/place", "--key", newKey("a").vkey],
      /undecided: \/no\/such\/place is no folder, live file or address/,
      3,
    ],
    [
      ["verify", "http://127.0.0.1:1", "--key", newKey("a").vkey, "--no-state"],
      /undecided: http:\/\/127\.0\.0\.1:1\/log\/checkpoint does not answer/,
      3,
    ],
  ])("refuses %j", async (args, reason, expected) => {
    const { code, stderr } = await run(args);

    expect(stderr).toMatch(reason);
    expect(code).toBe(expected);
  });

  it("is undecided where a folder holds several logs, until one is named", async () => {
    const log = await made();
    await put(log.folder, "other.jsonl", "");

    const { code, stderr } = await verify(log);
    const named = await run(["verify", join(log.folder, "audit.jsonl"), "--key", log.key.vkey, "--no-state"]);

    expect([code, named.code]).toEqual([3, 0]);
    expect(stderr).toMatch(
      /^auditlog: undecided: .* holds several logs \(.*other\.jsonl.*\); name the live file of one\n$/,
    );
  });
});

describe("what auditlog verify remembers", () => {
  it("is the checkpoint that was verified last, so that a rollback is noticed", async () => {
    const state = await newFolder();
    const log = await made();
    const older = await madeLog({ lines: LINES.slice(0, 500), form: "local", key: log.key });
    await run(["verify", log.folder, "--key", log.key.vkey], state);

    const { code, stdout } = await run(["verify", older.folder, "--key", log.key.vkey], state);

    expect(code).toBe(1);
    expect(stdout).toContain(
      "the log was rolled back: it was signed with 600 leaves before, and has 500 now",
    );
    const [name = ""] = await readdir(state);
    expect(name).toMatch(/^log\.test_1\+[0-9a-f]{8}\.checkpoint$/);
    expect(await read(state, name)).toEqual(await read(log.folder, "log/checkpoint"));
  });

  it("moves on with a log that grows, and is not moved by one that is not verified", async () => {
    const state = join(await newFolder(), "kept");
    const log = await madeLog({ lines: LINES.slice(0, 500), form: "local" });
    const verifyIt = (): Promise<CliRun> =>
      run(["verify", log.folder, "--key", log.key.vkey, "--state", state]);
    await verifyIt();
    await writeLog(log.folder, { lines: LINES, form: "local", key: log.key });
    const grown = await verifyIt();
    await writeLog(log.folder, { lines: testLines(700), form: "local", key: log.key });
    await flip(log.folder, "log/tile/0/000", 0);
    const damaged = await verifyIt();

    expect([grown.code, damaged.code]).toEqual([0, 1]);
    expect(grown.stdout).toContain(`grew from    500 leaves, as ${state} says`);
    expect((await readFile(state)).toString()).toMatch(/^log\.test\/1\n600\n/);
  });

  it("can be a checkpoint from elsewhere", async () => {
    const log = await made();
    const forged = await madeLog({ lines: LINES.with(3, testLine(1000)), form: "local", key: log.key });
    const kept = join(log.folder, "log", "checkpoint");

    const { code, stdout } = await verify(forged, "--against", kept);

    expect(code).toBe(1);
    expect(stdout).toContain(
      "the log was rewritten: its first 600 leaves are not those that were signed before",
    );
  });
});

describe("auditlog verify with witnesses", () => {
  it("asks for all of them, or as many as are named", async () => {
    const [first, second] = [newKey("w.test/1", COSIGNATURE_V1), newKey("w.test/2", COSIGNATURE_V1)];
    const cosigners = [{ key: first, timeS: NOW_MS / 1000 - 60 }];
    const log = await madeLog({ lines: LINES, form: "local", cosigners });
    const both = ["--witness", first.vkey, "--witness", second.vkey];

    const all = await verify(log, ...both);
    const one = await verify(log, ...both, "--witnesses-required", "1");

    expect([all.code, one.code]).toEqual([1, 0]);
    expect(all.stdout).toContain("it is not cosigned by w.test/2");
    expect(one.stdout).toContain("cosigned by  w.test/1, 60 s ago (2026-03-01T11:59:10.000Z)");
  });
});

describe("auditlog verify with keys that come from whoever runs the log", () => {
  const [witness, own] = [newKey("w.test/1", COSIGNATURE_V1), newKey("own.test/1", COSIGNATURE_V1)];

  it("takes no cosigner among them for the witness that is asked for", async () => {
    const cosigners = [{ key: own, timeS: NOW_MS / 1000 }];
    const log = await madeLog({ lines: LINES, form: "local", cosigners });

    const { code, stdout } = await verify(log, "--key", own.vkey, "--witness", witness.vkey);

    expect(code).toBe(1);
    expect(stdout).toContain("it is not cosigned by w.test/1");
    expect(stdout).toContain(
      "cosigned by  own.test/1, 0 s ago (2026-03-01T12:00:10.000Z), not named by --witness",
    );
  });

  it("takes a witness for one that stands among them too", async () => {
    const cosigners = [{ key: witness, timeS: NOW_MS / 1000 }];
    const log = await madeLog({ lines: LINES, form: "local", cosigners });
    const twice = ["--witness", witness.vkey, "--witness", witness.vkey];

    expect(await verify(log, "--key", witness.vkey, ...twice)).toMatchObject({ code: 0 });
  });

  it("asks for every witness of a file", async () => {
    const cosigners = [{ key: witness, timeS: NOW_MS / 1000 }];
    const log = await madeLog({ lines: LINES, form: "local", cosigners });
    await put(log.folder, "witnesses", `${witness.vkey}\n${own.vkey}\n`);

    const { code, stdout } = await verify(log, "--witness", join(log.folder, "witnesses"));

    expect(code).toBe(1);
    expect(stdout).toContain("it is not cosigned by own.test/1");
  });
});

describe("auditlog verify of text from a log", () => {
  it("does nothing to a terminal", async () => {
    const log = await made();
    await writeFile(join(log.folder, "log", "checkpoint"), "\u001b[2J\n1\n\n");

    const { stdout } = await verify(log);

    expect(stdout).not.toContain("\u001b");
  });
});
