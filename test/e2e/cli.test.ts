// The real command line in processes of its own, on a folder, against a service, and beside one that owns the folder.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { auditlog, startAuditlog, startServe } from "#test/support/auditlog.ts";
import { newFolder } from "#test/support/folders.ts";

function lines(count: number, prefix = "e"): string {
  return Array.from(
    { length: count },
    (_, n) =>
      `${JSON.stringify({ event_id: `${prefix}-${n}`, action: "a", service_name: "s", message: "x".repeat(200) })}\n`,
  ).join("");
}

function idsOf(stdout: string): string[] {
  const printed = stdout.split("\n").filter(Boolean);
  return printed.map((line) => (JSON.parse(line) as { event_id: string }).event_id);
}

describe("auditlog", () => {
  it("keeps in a folder what one process sends, for the next to find", async () => {
    const folder = await newFolder();

    const sent = await auditlog(["send", "--service", "shop", "--action", "user_login"], { folder });
    const found = await auditlog(["query", "--json", "--service", "shop"], { folder });

    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(idsOf(found.stdout)).toEqual([sent.stdout.trim()]);
  });

  it("goes through the service that owns the folder", async () => {
    const folder = await newFolder();
    const service = await startServe({ folder });

    const sent = await auditlog(["send"], { folder, input: lines(250) });
    const [found, health, exported] = await Promise.all([
      auditlog(["query", "--all", "--json"], { folder }),
      auditlog(["health", "--json"], { folder }),
      auditlog(["export"], { folder }),
    ]);
    const page = await fetch(new URL("/events?limit=1000", service.url));

    expect(sent.stderr).toBe("");
    expect(sent.stdout.split("\n").filter(Boolean)).toHaveLength(250);
    expect(idsOf(found.stdout)).toHaveLength(250);
    expect(idsOf(exported.stdout)).toHaveLength(250);
    expect(JSON.parse(health.stdout)).toMatchObject({
      status: "healthy",
      service: { name: "audit_service" },
    });
    expect(((await page.json()) as { events: unknown[] }).events).toHaveLength(250);
  });

  it("reaches a service by --url and by AUDIT_URL, from any folder", async () => {
    const service = await startServe({ folder: await newFolder() });
    const folder = await newFolder();

    await auditlog(["send", "--action", "a", "--id", "one", "--url", service.url], { folder });
    const found = await auditlog(["get", "one", "--json"], { folder, env: { AUDIT_URL: service.url } });
    const local = await auditlog(["get", "one"], { folder });

    expect(JSON.parse(found.stdout)).toMatchObject({ event_id: "one", service_name: "audit_service" });
    expect(local.code).toBe(1);
  });

  it("lets a service be started and stopped by signals", async () => {
    const folder = await newFolder();
    const service = await startServe({ folder });

    service.child.kill("SIGINT");

    expect(await service.end).toMatchObject({ code: 0 });
    expect(await auditlog(["health"], { folder })).toMatchObject({ code: 0 });
  });

  it("is not misled by the address that a killed service left behind", async () => {
    const folder = await newFolder();
    const service = await startServe({ folder });
    service.child.kill("SIGKILL");
    await service.end;
    const holder = startAuditlog(["send"], { folder, input: null });
    const isHolding = once(holder.child.stdout ?? holder.child, "data");
    holder.child.stdin?.write('{"action":"a","service_name":"s","event_id":"one"}\n');
    await isHolding;

    const waiting = startAuditlog(["get", "one", "--json"], { folder });
    const early = await Promise.race([waiting.end, delay(1000, "waits")]);
    holder.child.stdin?.end();

    expect(early).toBe("waits");
    expect(await waiting.end).toMatchObject({ code: 0, stderr: "" });
  });

  it("waits its turn where commands run at the same time", async () => {
    const folder = await newFolder();

    const sends = await Promise.all(
      ["a", "b", "c"].map((id) => auditlog(["send", "--action", "x", "--id", id], { folder })),
    );
    const found = await auditlog(["query", "--json"], { folder });

    expect(sends.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    expect(idsOf(found.stdout).toSorted()).toEqual(["a", "b", "c"]);
  });

  it("ends quietly where its reader has seen enough", async () => {
    const folder = await newFolder();
    await auditlog(["send"], { folder, input: lines(2000) });
    const bin = join(import.meta.dirname, "..", "..", "infra", "local", "bin.js");

    const { stdout, stderr } = await promisify(execFile)(
      "sh",
      ["-c", `"$0" "$1" export | head -n 1`, process.execPath, bin],
      { env: { PATH: process.env["PATH"], AUDIT_FILE_PATH: join(folder, "audit.jsonl") } },
    );

    expect(stdout.split("\n")).toHaveLength(2);
    expect(stderr).toBe("");
  });

  it("names every problem of the configuration on one line", async () => {
    const folder = await newFolder();

    const { code, stderr } = await auditlog(["health"], {
      folder,
      env: { AUDIT_BACKUP_COUNT: "-1", AUDIT_BATCH_SIZE: "0" },
    });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: .*AUDIT_BACKUP_COUNT.*AUDIT_BATCH_SIZE.*\n$/);
  });

  it("says which address does not answer", async () => {
    const folder = await newFolder();
    const service = await startServe({ folder });
    service.child.kill("SIGTERM");
    await service.end;

    const { code, stderr } = await auditlog(["health", "--url", service.url], { folder });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: http:\/\/127\.0\.0\.1:\d+\/ cannot be reached: .*ECONNREFUSED.*\n$/);
  });

  it("says plainly that an old Node is too old", async () => {
    const folder = await newFolder();
    const pretend = 'Object.defineProperty(process, "versions", { value: { node: "20.20.0" } });';

    const { code, stderr } = await auditlog(["--version"], {
      folder,
      node: ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`],
    });

    expect(code).toBe(1);
    expect(stderr).toMatch(/^auditlog: Node 24 or later is needed; this is /);
  });

  it("finishes what is under way at Ctrl-C, says how far it came, and goes on the next time", async () => {
    const folder = await newFolder();
    const path = join(folder, "in.jsonl");
    await writeFile(path, lines(60_000));
    const log = { folder, env: { AUDIT_FILE_PATH: join(folder, "log", "audit.jsonl") } };

    const program = startAuditlog(["import", "--format", "jsonl", "--json", path], log);
    await expect
      .poll(() => sizeOf(join(folder, "log", "audit.jsonl")), { interval: 5, timeout: 10_000 })
      .toBeGreaterThan(0);
    program.child.kill("SIGINT");
    const stopped = await program.end;
    const rest = await auditlog(["import", "--format", "jsonl", "--json", path], log);

    const [first, second] = [stopped, rest].map(({ stdout }) => totalOf(stdout));
    expect([stopped.code, rest.code]).toEqual([130, 0]);
    expect(stopped.stderr).toContain("the same command again goes on from here");
    expect(first?.["stored"]).toBeLessThan(60_000);
    expect(second).toEqual({
      stored: 60_000 - (first?.["stored"] ?? 0),
      already_stored: first?.["stored"],
      met_twice: 0,
      refused: 0,
      conflicts: 0,
    });
  });
});

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function totalOf(stdout: string): Record<string, number> {
  return (JSON.parse(stdout) as { total: Record<string, number> }).total;
}
