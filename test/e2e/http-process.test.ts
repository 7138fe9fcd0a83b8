// The server as its own process: how it starts, says why it cannot, and ends on real signals.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { newFolder } from "#test/support/folders.ts";
import { head, jsonPost, LOGIN, RawClient } from "#test/support/http-service.ts";
import { startServerProcess } from "#test/support/server-process.ts";
import type { ServerProcess } from "#test/support/server-process.ts";

describe("a start", () => {
  it("tells people where it listens, what it is and how many events it has", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder);
    await postEvent(await server.url);
    await stop(server);

    const again = startServerProcess(folder);

    const url = await again.url;
    expect(again.stderr()).toContain(`url      ${url}`);
    expect(again.stderr()).toContain(`process  ${again.child.pid}`);
    expect(again.stderr()).toContain(`folder   ${folder}`);
    expect(again.stderr()).toContain("events   1");
    expect(again.stderr()).toContain("no keys configured: listening on loopback only");
  });

  it.each([
    ["AUDIT_API_HOST", "0.0.0.0", "no keys are configured"],
    ["AUDIT_STORAGE_TYPE", "dynamodb", "a server on one machine stores in files"],
    ["AUDIT_API_PORT", "many", 'is "many"; expected a port from 0 to 65535'],
  ])("with %s=%s ends with one clear message", async (name, value, message) => {
    const server = startServerProcess(await newFolder(), { [name]: value });

    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.stderr()).toContain(`${name} is`);
    expect(server.stderr()).toContain(message);
    expectNoStack(server);
  });

  it("names every problem of the configuration at once", async () => {
    const server = startServerProcess(await newFolder(), {
      AUDIT_API_PORT: "-1",
      AUDIT_BACKUP_COUNT: "x",
      AUDIT_API_HOST: "0.0.0.0",
    });

    await server.ended;

    expect(server.stderr().match(/AUDIT_\w+ is/g)).toEqual([
      "AUDIT_BACKUP_COUNT is",
      "AUDIT_API_PORT is",
      "AUDIT_API_HOST is",
    ]);
  });

  it("on a port that is taken ends with one clear message, and frees the folder", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => {
      other.close();
    });
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const folder = await newFolder();

    const server = startServerProcess(folder, { AUDIT_API_PORT: String(port) });

    expect((await server.ended).code).toBe(1);
    expect(server.stderr()).toContain(
      `cannot listen on 127.0.0.1 port ${port}: another program listens there`,
    );
    expectNoStack(server);
    await expect(startServerProcess(folder).url).resolves.toMatch(/^http/);
  });

  it("in a folder that another server owns ends with one clear message", async () => {
    const folder = await newFolder();
    const owner = startServerProcess(folder);
    await owner.url;

    const server = startServerProcess(folder);

    expect((await server.ended).code).toBe(1);
    expect(server.stderr()).toContain(folder);
    expectNoStack(server);
    await expect(postEvent(await owner.url)).resolves.toBe(202);
  });

  it("on a log that is foreign ends with one clear message, and touches nothing", async () => {
    const folder = await newFolder();
    const path = join(folder, "audit.jsonl");
    await writeFile(path, '{"event_id":"1","level":"info"}\n');

    const server = startServerProcess(folder);

    expect((await server.ended).code).toBe(1);
    expect(server.stderr()).toContain("auditlog import");
    expectNoStack(server);
  });
});

describe("an end", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "on %s is orderly and keeps every accepted event",
    async (signal) => {
      const folder = await newFolder();
      const server = startServerProcess(folder);
      const url = await server.url;
      const statuses = Promise.all(Array.from({ length: 20 }, () => postEvent(url)));
      await statuses;

      server.child.kill(signal);

      expect(await server.ended).toEqual({ code: 0, signal: null });
      expect(server.stdout()).toContain('"stopped"');
      const again = startServerProcess(folder);
      await again.url;
      expect(again.stderr()).toContain("events   20");
    },
  );

  it("comes at once at the second signal", async () => {
    const server = startServerProcess(await newFolder());
    const url = new URL(await server.url);
    new RawClient(Number(url.port)).send(
      head("POST /events", { "content-length": 10, "content-type": "application/json" }),
    );
    await postEvent(url.href);
    server.child.kill("SIGINT");
    await pause(1100);

    server.child.kill("SIGINT");

    expect((await server.ended).code).toBe(130);
  });

  it("does not come from a reader of its output that goes away", async () => {
    const server = startServerProcess(await newFolder(), { AUDIT_API_LOG_LEVEL: "debug" });
    const url = await server.url;
    server.child.stdout?.destroy();
    server.child.stderr?.destroy();

    for (let count = 0; count < 5; count++) expect(await postEvent(url)).toBe(202);
  });
});

async function postEvent(url: string): Promise<number> {
  const client = new RawClient(Number(new URL(url).port));
  const { status } = await client.send(jsonPost("/events", JSON.stringify(LOGIN))).answer();
  client.socket.end();
  return status;
}

async function stop(server: ServerProcess): Promise<void> {
  server.child.kill("SIGTERM");
  await server.ended;
}

function expectNoStack(server: ServerProcess): void {
  expect(server.stderr()).not.toMatch(/^ +at /m);
}
