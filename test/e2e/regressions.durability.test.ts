// The faults of the original service that lost, doubled or hid events. One test each, named after the fault, over real
// HTTP, real files and real signals.
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { createAuditService } from "#infra/local/library.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { getJson, postJson, queryIds } from "#test/support/api.ts";
import { faultyFileIo, systemError } from "#test/support/faults.ts";
import { linesOnDisk, logFiles, newFolder } from "#test/support/folders.ts";
import { startService } from "#test/support/http-service.ts";
import { startServerProcess } from "#test/support/server-process.ts";
import { testLog } from "#test/support/stores.ts";

const event = (event_id: string): object => ({ event_id, action: "read", service_name: "shop" });
const manyEvents = (from: number, to: number): object[] =>
  Array.from({ length: to - from }, (_, index) => ({
    ...event(`event-${from + index}`),
    message: "x".repeat(120),
    timestamp: "2026-02-01T00:00:00Z",
  }));

describe("the service", () => {
  it("fault 2: acknowledged events are lost when the process is killed", async () => {
    const folder = await newFolder();
    const first = startServerProcess(folder);
    const url = await first.url;
    const one = await postJson(url, "/events", event("one"));
    const batch = await postJson(url, "/events/batch", { events: manyEvents(0, 99) });
    first.child.kill("SIGKILL");
    await first.ended;

    const second = startServerProcess(folder);
    const found = await queryIds(await second.url);

    expect([one.status, batch.status]).toEqual([202, 202]);
    expect(found).toHaveLength(100);
    expect(found).toContain("one");
  });

  it("fault 3: rotation deletes data", async () => {
    const folder = await newFolder();
    const limits = { AUDIT_MAX_FILE_SIZE_MB: "1", AUDIT_BACKUP_COUNT: "2" };
    const count = 40_000;
    const first = startServerProcess(folder, limits);
    const url = await first.url;
    for (let at = 0; at < count; at += 1000) {
      expect((await postJson(url, "/events/batch", { events: manyEvents(at, at + 1000) })).status).toBe(202);
    }
    const before = await queryIds(url);
    const byId = await getJson(url, "/events/event-0");
    first.child.kill("SIGTERM");
    await first.ended;

    const second = startServerProcess(folder, limits);
    const after = await queryIds(await second.url);
    second.child.kill("SIGTERM");
    await second.ended;
    await using audit = await createAuditService({ filePath: join(folder, "audit.jsonl") });
    let foundById = 0;
    for (let number = 0; number < count; number++) {
      if ((await audit.get(`event-${number}`))?.event_id === `event-${number}`) foundById++;
    }

    expect((await logFiles(folder)).length).toBeGreaterThan(10);
    expect([before.length, new Set(before).size]).toEqual([count, count]);
    expect([after.length, new Set(after).size]).toEqual([count, count]);
    expect(byId.status).toBe(200);
    expect(foundById).toBe(count);
  }, 120_000);

  it("fault 6: a torn last line swallows the next event, a line that lacks a key fails all queries", async () => {
    const folder = await newFolder();
    const path = join(folder, "audit.jsonl");
    const texts = sampleLines("default", 3).map(({ text }) => text);
    const lacking = texts[0]?.replace('"event-000000"', '"lacking"').replace(',"service_name":"shop"', "");
    await writeFile(path, `${[texts[0], lacking, ...texts.slice(1)].join("\n")}\n${texts[0]?.slice(0, 99)}`);

    const server = startServerProcess(folder);
    const url = await server.url;
    const sent = await postJson(url, "/events", { ...event("next"), timestamp: "2026-02-02T00:00:00Z" });

    expect(sent.status).toBe(202);
    expect(await queryIds(url)).toEqual(["next", "event-000002", "event-000001", "event-000000"]);
    expect((await getJson(url, "/health")).body).toMatchObject({ status: "degraded" });
    expect(await linesOnDisk(folder)).toHaveLength(5);
  });

  it("fault 7: one event id is stored twice, and what changes after the call is stored", async () => {
    const folder = await newFolder();
    const audit = await createAuditService({ filePath: join(folder, "audit.jsonl"), serviceName: "shop" });
    const metadata = { amount: 1, items: ["a"] };

    const logged = audit.log({
      ...event("once"),
      action: "pay",
      timestamp: "2026-02-01T00:00:00Z",
      metadata,
    });
    metadata.amount = 2;
    metadata.items.push("b");
    await logged;
    const again = {
      ...event("once"),
      action: "pay",
      timestamp: "2026-02-01T00:00:00Z",
      metadata: { amount: 1, items: ["a"] },
    };
    await Promise.all([audit.log(again), audit.log(again), audit.logBatch([again, again])]);
    const fresh = { ...event("fresh"), timestamp: "2026-02-01T00:00:00Z" };
    await Promise.all([audit.log(fresh), audit.log(fresh), audit.logBatch([fresh, fresh])]);

    expect(await audit.get("once")).toMatchObject({ metadata: { amount: 1, items: ["a"] } });
    expect((await audit.query()).events).toHaveLength(2);
    await audit.close();
    expect(await linesOnDisk(folder)).toHaveLength(2);
  });

  it("fault 8: while the storage is down everything is taken, kept in memory and dropped in the end", async () => {
    const folder = await newFolder();
    const io = faultyFileIo();
    const store = await testLog(folder, { io });
    const { url } = await startService({ store });
    await postJson(url, "/events", event("before"));
    io.failWrites({ error: systemError("ENOSPC"), afterBytes: 50, times: 1000 });

    const refused = await Promise.all(
      Array.from({ length: 50 }, (_, call) =>
        postJson(url, "/events/batch", { events: manyEvents(call * 10, call * 10 + 10) }),
      ),
    );
    const { details } = await store.probe();
    io.heal();
    const taken = await postJson(url, "/events/batch", { events: manyEvents(0, 500) });

    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect(refused[0]?.body).toMatchObject({ code: "storage-unavailable" });
    expect(details).toMatchObject({ waiting_events: 0, waiting_bytes: 0, events: 1 });
    expect(taken.body).toMatchObject({ events_logged: 500 });
    expect(await queryIds(url)).toHaveLength(501);
    expect(await linesOnDisk(folder)).toHaveLength(501);
  });

  it("fault 10: two processes on one file lose each other's events", async () => {
    const folder = await newFolder();
    const first = startServerProcess(folder);
    const url = await first.url;
    await postJson(url, "/events", event("before"));

    const second = startServerProcess(folder);
    const { code } = await second.ended;
    await expect(createAuditService({ filePath: join(folder, "audit.jsonl") })).rejects.toMatchObject({
      code: "folder-locked",
    });
    await postJson(url, "/events", event("after"));

    expect(code).toBe(1);
    expect(second.stderr()).toContain(`belongs to process ${first.child.pid}`);
    expect((await queryIds(url)).toSorted()).toEqual(["after", "before"]);
  });

  it("fault 10: the file of the original service is taken over and mixed", async () => {
    const folder = await newFolder();
    const path = join(folder, "audit.jsonl");
    const original = '{"event_id": "a", "timestamp": "2025-01-01T00:00:00", "level": "info"}\n';
    await writeFile(path, original);
    await appendFile(path, original);

    const server = startServerProcess(folder);

    expect((await server.ended).code).toBe(1);
    expect(server.stderr()).toContain("auditlog import --format jsonl");
    expect(await readFile(path, "utf8")).toBe(original + original);
  });
});
