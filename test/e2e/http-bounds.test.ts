// Bounds of time, connections and memory: slow clients, too many of them, and a server that stops.
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { LocalServer } from "#infra/local/server.ts";
import { AuditQueueError, AuditStorageError } from "#lib/errors.ts";
import { withFaults } from "#test/support/faults.ts";
import {
  ask,
  head,
  jsonPost,
  LOGIN,
  post,
  RawClient,
  startService,
  stillWorks,
} from "#test/support/http-service.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

const EVENT = JSON.stringify(LOGIN);
const IMPATIENT = { headersTimeoutMs: 100, requestTimeoutMs: 200, checkIntervalMs: 20 };

/** A connection on which far more is asked for than is ever read. */
async function fillWithUnread(service: LocalServer): Promise<RawClient> {
  const large = { message: "x".repeat(10_000), stack_trace: "x".repeat(50_000) };
  await post(service, "/events", { ...LOGIN, ...large, event_id: "large" });
  const slow = new RawClient(service.port);
  slow.socket.pause();
  return slow.send(head("GET /events/large").repeat(500));
}

describe("a slow client", () => {
  it.each([
    ["headers", "GET /events HTTP/1.1\r\nhost: local"],
    ["a body", head("POST /events", { "content-type": "application/json", "content-length": 100 }) + "{"],
    [
      "chunks",
      `${head("POST /events", { "content-type": "application/json", "transfer-encoding": "chunked" })}1\r\n{\r\n`,
    ],
  ])("of %s is answered 408", async (_, beginning) => {
    const service = await startService({ limits: IMPATIENT });

    const refused = await new RawClient(service.port).send(beginning).answer();

    expect([refused.status, refused.json.code]).toEqual([408, "request-timeout"]);
    expect(refused.headers.get("x-request-id")).toBe(refused.json.request_id);
    expect(await stillWorks(service)).toBe(true);
  });

  it("does not hold up others", async () => {
    const service = await startService();
    for (let count = 0; count < 50; count++)
      new RawClient(service.port).send("POST /events HTTP/1.1\r\nhost: l");

    expect(await stillWorks(service)).toBe(true);
  });
});

describe("an overloaded server", () => {
  it("answers 503 on connections beyond the limit, and serves again when some end", async () => {
    const service = await startService({ limits: { maxConnections: 1 } });
    const first = new RawClient(service.port).send(head("GET /events"));
    await first.answer();

    const refused = await new RawClient(service.port).send(head("GET /events")).answer();

    expect([refused.status, refused.json.code]).toEqual([503, "overloaded"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await first.send(head("GET /events")).answer()).status).toBe(200);
  });

  it("answers 503 where too many requests are under way", async () => {
    const faulty = withFaults(new MemoryStore());
    const hold = faulty.hold("get");
    const service = await startService({ store: faulty.port, limits: { maxRequests: 1 } });
    const waiting = ask(service, "/events/a");
    await hold.reached;

    const refused = await ask(service, "/events/a");
    hold.release();

    expect([refused.status, refused.json.code]).toEqual([503, "overloaded"]);
    expect((await waiting).status).toBe(404);
  });

  it("answers 503 where bodies fill the memory set aside for them, and frees it again", async () => {
    const service = await startService({ limits: { maxBufferedBytes: 1000 } });
    const large = { ...LOGIN, message: "x".repeat(1000) };

    const refused = await post(service, "/events", large);

    expect([refused.status, refused.json.code]).toEqual([503, "overloaded"]);
    for (let count = 0; count < 20; count++) expect((await post(service, "/events", LOGIN)).status).toBe(202);
  });

  it("answers pages 503 while answers that nobody reads fill the memory set aside, and still takes events", async () => {
    const service = await startService({ limits: { maxUnsentBytes: 1000 } });
    const slow = await fillWithUnread(service);
    while ((await ask(service, "/events/large")).status === 200) await pause(1);

    expect((await ask(service, "/health")).status).toBe(200);
    expect((await post(service, "/events", LOGIN)).status).toBe(202);

    slow.socket.destroy();
    while ((await ask(service, "/events/large")).status === 503) await pause(1);
    expect(await stillWorks(service)).toBe(true);
  });

  it("ends the connection of a client that leaves its answers unread for too long", async () => {
    const service = await startService({ limits: { maxUnsentBytes: 1000, unsentGraceMs: 500 } });
    const slow = await fillWithUnread(service);
    while ((await ask(service, "/events/large")).status === 200) await pause(1);

    while ((await ask(service, "/events/large")).status === 503) await pause(1);

    expect(slow.socket.destroyed).toBe(false); // nobody but the server has ended it
    expect(await stillWorks(service)).toBe(true);
  });

  it("forgets pipelined requests whose client has gone", async () => {
    const faulty = withFaults(new MemoryStore());
    const service = await startService({ store: faulty.port, limits: { maxRequests: 4 } });
    for (let count = 0; count < 5; count++) {
      const hold = faulty.hold("get");
      const client = new RawClient(service.port).send(head("GET /events/a").repeat(3));
      await hold.reached;
      client.socket.resetAndDestroy();
      await client.closed();
      hold.release();
    }

    expect(await stillWorks(service)).toBe(true);
  });

  it("passes on what the store says", async () => {
    const faulty = withFaults(new MemoryStore());
    const service = await startService({ store: faulty.port });
    faulty.fail(
      "send",
      new AuditQueueError("overloaded", "too much is waiting", { retryable: true, retryAfterS: 3 }),
    );
    faulty.fail(
      "page",
      new AuditStorageError("storage-unavailable", "the disk is full", { retryable: true }),
    );

    const busy = await post(service, "/events", LOGIN);
    const broken = await ask(service, "/events");

    expect([busy.status, busy.json.code, busy.headers.get("retry-after")]).toEqual([503, "overloaded", "3"]);
    expect([broken.status, broken.json.code, broken.headers.get("retry-after")]).toEqual([
      503,
      "storage-unavailable",
      "1",
    ]);
    expect(await stillWorks(service)).toBe(true);
  });

  it("answers 500 with the request id and nothing else where it is at fault", async () => {
    const faulty = withFaults(new MemoryStore());
    const service = await startService({ store: faulty.port });
    faulty.fail("page", new TypeError("secret"));

    const failed = await ask(service, "/events");

    expect(failed.status).toBe(500);
    expect(Object.keys(failed.json)).toEqual(["type", "title", "status", "code", "request_id"]);
    expect(failed.json.code).toBe("internal");
    expect(service.telemetry).toContainEqual(
      expect.objectContaining({ level: "error", error: "secret", request_id: failed.json.request_id }),
    );
  });
});

describe("one connection", () => {
  it("answers pipelined requests in order", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    client.send(jsonPost("/events", EVENT) + head("GET /nope") + head("HEAD /events") + head("GET /events"));

    expect((await client.answer()).status).toBe(202);
    expect((await client.answer()).status).toBe(404);
    expect(await client.headAlone()).toContain("200 OK");
    expect((await client.answer()).json.events).toHaveLength(1);
  });

  it("answers what came whole before it answers what is broken", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    client.send(`${jsonPost("/events", EVENT)}garbage\r\n\r\n`);

    expect((await client.answer()).status).toBe(202);
    expect((await client.answer()).status).toBe(400);
    expect(await client.closed()).toBe("");
  });

  it("gets its answer where the client ends its side once it has asked", async () => {
    const faulty = withFaults(new MemoryStore());
    const hold = faulty.hold("send");
    const service = await startService({ store: faulty.port });
    const client = new RawClient(service.port).send(jsonPost("/events", EVENT));
    client.socket.end();
    await hold.reached;
    await ask(service, "/health");

    hold.release();

    expect((await client.answer()).status).toBe(202);
    expect(await client.closed()).toBe("");
  });

  it("serves many requests one after another", async () => {
    const service = await startService();
    const client = new RawClient(service.port);

    for (let count = 0; count < 100; count++) {
      expect((await client.send(jsonPost("/events", EVENT)).answer()).status).toBe(202);
    }
  });
});

describe("a server that stops", () => {
  it("finishes what is under way, takes nothing new and closes", async () => {
    const faulty = withFaults(new MemoryStore());
    const hold = faulty.hold("send");
    const service = await startService({ store: faulty.port });
    const client = new RawClient(service.port).send(jsonPost("/events", EVENT));
    await hold.reached;

    const stopped = service.stop();
    await expect(ask(service, "/health")).rejects.toThrow("fetch failed");
    hold.release();

    const answer = await client.answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([202, "close"]);
    await stopped;
  });

  it("ends waits early", async () => {
    const faulty = withFaults(new MemoryStore());
    const service = await startService({ store: faulty.port });
    const waiting = ask(service, "/events/never?wait=20");
    while (faulty.calls("get") === 0) await pause(1);

    await service.stop();

    const ended = await waiting;
    expect([ended.status, ended.json.code]).toEqual([503, "overloaded"]);
  });

  it("gives up on requests that do not end", async () => {
    const service = await startService();
    const client = new RawClient(service.port).send(head("POST /events", { "content-length": 10 }));
    await ask(service, "/health");

    await service.stop(20);

    expect(await client.closed()).toBe("");
  });
});
