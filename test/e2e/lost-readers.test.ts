// What the real command line does where nobody reads its output any more: what writes events goes on, what reads stops.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Program } from "#test/support/auditlog.ts";
import { auditlog, startAuditlog, startServe } from "#test/support/auditlog.ts";
import { linesOnDisk, newFolder } from "#test/support/folders.ts";

const COUNT = 10_000;

function lines(): string {
  const event = { action: "a", service_name: "s", message: "x".repeat(100) };
  return Array.from(
    { length: COUNT },
    (_, n) => `${JSON.stringify({ event_id: `e-${n}`, ...event })}\n`,
  ).join("");
}

/** As `head -1` does. */
function leaveAfterFirstOutput({ child }: Program): void {
  child.stdout?.once("data", () => child.stdout?.destroy());
}

describe("without a reader", () => {
  it("send stores all that it is given", async () => {
    const folder = await newFolder();

    const program = startAuditlog(["send"], { folder, input: lines() });
    leaveAfterFirstOutput(program);
    const { code, stderr } = await program.end;

    expect([code, stderr]).toEqual([0, ""]);
    expect(await linesOnDisk(folder)).toHaveLength(COUNT);
  });

  it("send still says by its exit code that an event was refused", async () => {
    const folder = await newFolder();

    const program = startAuditlog(["send"], { folder, input: `${lines()}{"action":"a","typo":1}\n` });
    leaveAfterFirstOutput(program);
    program.child.stderr?.destroy();
    const { code } = await program.end;

    expect(code).toBe(1);
    expect(await linesOnDisk(folder)).toHaveLength(COUNT);
  });

  it("import stores all that it is given", async () => {
    const folder = await newFolder();
    const path = join(folder, "in.jsonl");
    await writeFile(path, `{"torn\n${lines()}`);
    const env = { AUDIT_FILE_PATH: join(folder, "log", "audit.jsonl") };

    const program = startAuditlog(["import", "--format", "jsonl", path], { folder, env });
    program.child.stdout?.destroy();
    program.child.stderr?.destroy();
    const { code } = await program.end;

    expect(code).toBe(1);
    expect(await linesOnDisk(join(folder, "log"))).toHaveLength(COUNT);
  });

  it("a service goes on serving", async () => {
    const folder = await newFolder();
    const service = await startServe({ folder, env: { AUDIT_API_LOG_LEVEL: "debug" } });

    service.child.stdout?.destroy();
    for (let n = 0; n < 5; n++) await fetch(new URL("/health", service.url));
    const sent = await auditlog(["send", "--action", "a", "--url", service.url], { folder });

    expect(sent).toMatchObject({ code: 0, stderr: "" });
    service.child.kill("SIGTERM");
    expect(await service.end).toMatchObject({ code: 0 });
  });

  it("export ends early and quietly, in good order", async () => {
    const folder = await newFolder();
    await auditlog(["send"], { folder, input: lines() });

    const program = startAuditlog(["export"], { folder });
    leaveAfterFirstOutput(program);
    const { code, stderr } = await program.end;

    expect([code, stderr]).toEqual([0, ""]);
  });

  it("a full disk under the output is an error, not a reader that has left", async () => {
    const folder = await newFolder();
    await auditlog(["send", "--action", "a", "--id", "e"], { folder });
    const bin = join(import.meta.dirname, "..", "..", "infra", "local", "bin.js");
    const env = { PATH: process.env["PATH"], AUDIT_FILE_PATH: join(folder, "audit.jsonl") };

    const get = promisify(execFile)("sh", ["-c", '"$0" "$1" get e > /dev/full', process.execPath, bin], {
      env,
    });

    await expect(get).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^auditlog: the output cannot be written: ENOSPC.*\n$/),
    });
  });
});
