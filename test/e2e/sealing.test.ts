// The log on one machine as people run it: keys at the first start, proofs soon after an event, everything covered at an
// orderly end, and logs of programs that open the folder for a moment.
import { chmod, mkdir, readdir, readFile, stat, truncate } from "node:fs/promises";
import { getPriority } from "node:os";
import { join } from "node:path";

import { describe, expect, it, vi } from "vitest";

import { createAuditService } from "#infra/local/library.ts";
import { getJson, postJson } from "#test/support/api.ts";
import { auditlog } from "#test/support/auditlog.ts";
import { newFolder } from "#test/support/folders.ts";
import { checkFolder, readCheckpoint } from "#test/support/sealed-folder.ts";
import { signerOf } from "#test/support/sealing-signers.ts";
import type { ServerProcess } from "#test/support/server-process.ts";
import { startServerProcess } from "#test/support/server-process.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { openLog } from "#test/support/stores.ts";
import { COSIGNATURE_V1, formatVerifierKey } from "#tlog/note.ts";

const PATIENCE = { timeout: 20_000, interval: 50 };
const EVENTS = Array.from({ length: 600 }, (_, index) => ({
  event_id: `event-${index}`,
  action: "write",
  service_name: "shop",
}));

async function stop(server: ServerProcess): Promise<void> {
  server.child.kill("SIGTERM");
  expect(await server.ended).toEqual({ code: 0, signal: null });
}

async function post(url: string, from: number, to: number): Promise<void> {
  const { status } = await postJson(url, "/events/batch", { events: EVENTS.slice(from, to) });
  expect(status).toBe(202);
}

describe("a server", () => {
  it("makes keys at its first start, shows the one to check with, and proves an event soon", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "0.05" });
    const url = await server.url;
    await post(url, 0, 10);

    const proof = await vi.waitFor(async () => {
      const response = await fetch(`${url}/events/event-7/proof`);
      expect(response.status).toBe(200);
      return response.text();
    }, PATIENCE);
    const { log } = (await getJson(url, "/health")).body;
    const vkey = (await (await fetch(`${url}/log/vkey`)).text()).trimEnd();

    expect(proof).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 7\n/);
    expect(server.stderr()).toContain(`log key  ${vkey}`);
    expect(log).toMatchObject({ status: "healthy", vkey, origin: vkey.split("+")[0] });
    for (const name of ["audit-service.log-key", "audit-service.freshness-key"])
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    await stop(server);
  });

  it("says that it seals nothing where sealing is off, and asks nobody to come back for a proof", async () => {
    const server = startServerProcess(await newFolder(), { AUDIT_SEAL_INTERVAL: "0" });
    const url = await server.url;
    await post(url, 0, 1);

    const { log } = (await getJson(url, "/health")).body;
    const answers = await Promise.all(
      ["/events/event-0/proof", "/log/checkpoint"].map((path) => fetch(`${url}${path}`)),
    );

    expect(log).toMatchObject({ status: "healthy", sealing: "off" });
    for (const answer of answers) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([404, null]);
      expect(await answer.json()).toMatchObject({
        code: "not-yet-sealed",
        detail: expect.stringContaining("sealing is off"),
      });
    }
    await stop(server);
  });

  it.runIf(process.platform === "linux")("stays as nice as it was started, and seals", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "0.05" }, ["nice", "-n", "15"]);
    const url = await server.url;
    await post(url, 0, 1);
    await vi.waitFor(async () => expect(await readCheckpoint(folder)).toMatchObject({ size: 1 }), PATIENCE);

    const { pid = 0 } = server.child;
    const threads = await readdir(`/proc/${pid}/task`);
    const niceness = threads.map((thread) => getPriority(Number(thread)));

    expect(Math.min(...niceness)).toBeGreaterThanOrEqual(15);
    expect((await getJson(url, "/health")).body.log).toMatchObject({ status: "healthy" });
    await stop(server);
  });

  it("keeps the folder to itself while it seals", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "0.01" });
    for (let at = 0; at < 600; at += 100) await post(await server.url, at, at + 100);
    await vi.waitFor(async () => expect((await readCheckpoint(folder)).size).toBe(600), PATIENCE);

    const { code, stderr } = await auditlog(["repair", "--dry-run"], { folder });

    expect(code).not.toBe(0);
    expect(stderr).toContain(`belongs to process ${server.child.pid}`);
    await stop(server);
  });

  it("has covered everything at an orderly end, whatever its interval", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "3600" });
    await post(await server.url, 0, 600);

    await stop(server);

    expect(await checkFolder(folder)).toMatchObject({ size: 600 });
  });

  it("goes on with the log of another start under the same key", async () => {
    const folder = await newFolder();
    const first = startServerProcess(folder);
    await post(await first.url, 0, 300);
    await stop(first);
    const before = await readCheckpoint(folder);
    const second = startServerProcess(folder);
    await post(await second.url, 300, 600);

    await stop(second);

    const after = await checkFolder(folder);
    expect([before.size, after.size]).toEqual([300, 600]);
    expect((await readCheckpoint(folder)).text.split("\n")[0]).toBe(before.text.split("\n")[0]);
  });

  it("seals the log of an older release from its first line on", async () => {
    const folder = await newFolder();
    const store = await openLog(folder, { maxFileBytes: 50_000, backupCount: 1 });
    for (const line of sampleLines("default", 500)) await store.send([line]);
    await store.close();
    expect(await readdir(folder)).not.toContain("log");
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "0.05" });
    await server.url;

    await stop(server);

    expect(await checkFolder(folder)).toMatchObject({ size: 500 });
  });

  it("seals nothing where it is told so, and says it", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "0" });
    await post(await server.url, 0, 10);
    const { status } = await fetch(`${await server.url}/log/checkpoint`);

    await stop(server);

    expect(status).toBe(404);
    expect(server.stderr()).toContain("AUDIT_SEAL_INTERVAL is 0");
    expect(await readdir(folder)).not.toContain("log");
  });

  it("whose log has lost lines takes events, and health names them", async () => {
    const folder = await newFolder();
    const first = startServerProcess(folder);
    await post(await first.url, 0, 20);
    await stop(first);
    const live = join(folder, "audit.jsonl");
    await truncate(live, 0);
    const second = startServerProcess(folder, { AUDIT_SEAL_INTERVAL: "0.05" });
    const url = await second.url;

    await post(url, 20, 21);
    const health = await vi.waitFor(async () => {
      const { body } = await getJson(url, "/health");
      expect(body.log.status).toBe("degraded");
      return body;
    }, PATIENCE);

    expect(health.status).toBe("degraded");
    expect(health.storage.problems.join()).toContain("lines 0 to 19 were sealed and are missing");
    await stop(second);
    expect(await readCheckpoint(folder)).toMatchObject({ size: 21 });
  });
});

describe("a start is refused", () => {
  it("where others can read the key, with what to do", async () => {
    const folder = await newFolder();
    const first = startServerProcess(folder);
    await first.url;
    await stop(first);
    const key = join(folder, "audit-service.log-key");
    await chmod(key, 0o644);

    const second = startServerProcess(folder);

    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toContain(`run: chmod 600 ${key}`);
    await chmod(key, 0o600);
    const third = startServerProcess(folder);
    await third.url;
    await stop(third);
  });

  it("where the log has another name, with the reason", async () => {
    const folder = await newFolder();
    const first = startServerProcess(folder, { AUDIT_LOG_ORIGIN: "log.example/one" });
    await first.url;
    await stop(first);

    const second = startServerProcess(folder, { AUDIT_LOG_ORIGIN: "log.example/two" });

    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toContain(`AUDIT_LOG_ORIGIN is log.example/two, but the log in ${folder} is`);
  });
});

describe("a witness", () => {
  it.each([
    ["address", "http://127.0.0.1:9/?a=b", "witness.example+c59e6b84+BAAA"],
    ["key", "http://127.0.0.1:9", "witness.example+c59e6b84+BAAA"],
  ])("whose %s does not do refuses the start", async (_, url, vkey) => {
    const server = startServerProcess(await newFolder(), {
      AUDIT_WITNESSES: JSON.stringify([{ url, vkey }]),
    });

    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.stderr()).toMatch(/is not (?:the http address of a witness|a verifier key)/);
  });
});

describe("a program that opens the folder itself", () => {
  it("leaves what it wrote sealed: one command is enough", async () => {
    const folder = await newFolder();

    for (let sent = 0; sent < 3; sent++) {
      const { code, stderr } = await auditlog(["send", "--action", "login", "--service", "shop"], { folder });
      expect([code, stderr]).toEqual([0, ""]);
    }

    expect(await checkFolder(folder)).toMatchObject({ size: 3 });
  });

  it("leaves the keys of the witnesses that a server asks", async () => {
    const folder = await newFolder();
    const witness = { ...signerOf("witness.example"), algorithm: COSIGNATURE_V1 };
    const asked = [{ url: "http://127.0.0.1:9", vkey: formatVerifierKey(witness) }];
    const server = startServerProcess(folder, { AUDIT_WITNESSES: JSON.stringify(asked) });
    await server.url;
    await stop(server);

    await auditlog(["send", "--action", "login", "--service", "shop"], { folder });

    expect(await readCheckpoint(folder)).toMatchObject({ size: 1 });
    expect((await readFile(join(folder, "log/vkeys"), "utf8")).split("\n").at(-2)).toBe(asked[0]?.vkey);
  });

  it("seals nothing where it wrote nothing", async () => {
    const folder = await newFolder();

    await auditlog(["query"], { folder });

    expect((await readdir(folder)).filter((name) => /^log$|staging|key|head/.test(name))).toEqual([]);
  });

  it("keeps its events where they cannot be sealed, and warns", async () => {
    const folder = await newFolder();
    await mkdir(join(folder, "audit-service.log-key"));

    const { code, stderr } = await auditlog(["send", "--action", "login", "--service", "shop"], { folder });

    expect(code).toBe(0);
    expect(stderr).toContain("the events are stored, but not sealed yet");
  });

  it("as a library leaves what it wrote sealed when it is closed", async () => {
    const folder = await newFolder();
    const audit = await createAuditService({ filePath: join(folder, "audit.jsonl"), serviceName: "shop" });
    await audit.logBatch(EVENTS);

    await audit.close();

    expect(await checkFolder(folder)).toMatchObject({ size: 600 });
  });
});
