// auditlog repair as a process of its own: on a damaged folder, beside a service that owns it, and under kill -9.
import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { auditlog, startAuditlog, startServe } from "#test/support/auditlog.ts";
import { linesOnDisk, newFolder, rewrite, untilFiles } from "#test/support/folders.ts";

const COUNT = 20;

/** A log of `count` events whose first line has rotted and whose last is garbage. */
async function damagedFolder(count = COUNT): Promise<string> {
  const folder = await newFolder();
  const lines = Array.from({ length: count }, (_, n) =>
    JSON.stringify({ event_id: `e-${n}`, action: "a", service_name: "s" }),
  );
  await auditlog(["send"], { folder, input: `${lines.join("\n")}\n` });
  await rewrite(join(folder, "audit.jsonl"), (bytes) => void bytes.write("\0\0\0", 20));
  await appendFile(join(folder, "audit.jsonl"), "garbage\n");
  return folder;
}

function movedAmong(names: readonly string[]): readonly string[] {
  return names.filter((name) => /\.damaged-at-\d+$/.test(name));
}

async function healthOf(folder: string): Promise<{ status: string; storage: Record<string, unknown> }> {
  const { stdout } = await auditlog(["health", "--json"], { folder });
  return JSON.parse(stdout) as { status: string; storage: Record<string, unknown> };
}

describe("auditlog repair", () => {
  it("makes a degraded log healthy, and every sound event is still there", async () => {
    const folder = await damagedFolder();
    const before = await healthOf(folder);

    const dry = await auditlog(["repair", "--dry-run"], { folder });
    const repaired = await auditlog(["repair"], { folder });
    const again = await auditlog(["repair", "--json"], { folder });
    const found = await auditlog(["query", "--all", "--json"], { folder });

    expect(before.status).toBe("degraded");
    expect([dry.code, repaired.code, again.code]).toEqual([1, 0, 0]);
    expect(dry.stdout).toContain("Nothing was changed: 2 places would be moved.");
    expect(repaired.stdout.match(/moved to .*\.damaged-at-\d+/g)).toHaveLength(2);
    expect(JSON.parse(again.stdout)).toMatchObject({ sound: true, places: [], unrepaired: [] });
    expect(found.stdout.split("\n").filter(Boolean)).toHaveLength(COUNT - 1);
    expect(await healthOf(folder)).toMatchObject({
      status: "healthy",
      storage: { damaged_places: 0, quarantined_lines: 2 },
    });
  });

  it("is refused beside a service, which it names, and works once that is stopped", async () => {
    const folder = await damagedFolder();
    const service = await startServe({ folder });

    const refused = await auditlog(["repair"], { folder });
    service.child.kill("SIGTERM");
    await service.end;
    const repaired = await auditlog(["repair"], { folder });

    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      new RegExp(
        `^auditlog: .*process ${service.child.pid}, which serves ${service.url}.*: stop it first.*\n$`,
      ),
    );
    expect(repaired.code).toBe(0);
  });

  it("is finished by the next one after kill -9", async () => {
    const folder = await damagedFolder(2000);
    // As of a log that was never sealed: of one that was, the first line would be missed.
    const sealed = [
      "log",
      "staging",
      ...["log-head", "log-key", "freshness-key"].map((end) => `audit-service.${end}`),
    ];
    for (const name of sealed) await rm(join(folder, name), { recursive: true });
    const path = join(folder, "audit.jsonl");
    const sound = (await readFile(path, "utf8")).split("\n").slice(1, -2);
    await writeFile(path, sound.map((line, at) => (at % 20 === 7 ? "garbage\n" : `${line}\n`)).join(""));

    for (const count of [1, 30]) {
      const program = startAuditlog(["repair"], { folder });
      await untilFiles(folder, (names) => movedAmong(names).length >= count);
      program.child.kill("SIGKILL");
      expect((await program.end).signal).toBe("SIGKILL");
    }
    const repaired = await auditlog(["repair"], { folder });

    expect(repaired.code).toBe(0);
    expect(movedAmong(await readdir(folder))).toHaveLength(100);
    const lines = await linesOnDisk(folder);
    expect(lines.filter((_, at) => at % 20 !== 7)).toEqual(sound.filter((_, at) => at % 20 !== 7));
    expect((await healthOf(folder)).storage).toMatchObject({ quarantined_lines: 100, events: 1899 });
  });

  it("says that there is no log where there is none", async () => {
    const { code, stderr } = await auditlog(["repair", "--file", "none/audit.jsonl"], {
      folder: await newFolder(),
    });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: there is no log at .*none\/audit\.jsonl\n$/);
  });
});
