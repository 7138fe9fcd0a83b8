// The faults of the original service that its API showed. One test each, named after the fault, over real HTTP.
import { describe, expect, it } from "vitest";

import { getJson, postJson, queryIds } from "#test/support/api.ts";
import { faultyFileIo, systemError } from "#test/support/faults.ts";
import { newFolder } from "#test/support/folders.ts";
import {
  ask,
  itLocally,
  post,
  soundStorage,
  startFileService,
  startService,
} from "#test/support/http-service.ts";
import { startServerProcess } from "#test/support/server-process.ts";
import { testLog } from "#test/support/stores.ts";

const event = (event_id: string) => ({ event_id, action: "read", service_name: "shop" });

/** `count` events, a second apart, the newest last. */
const eventsInTime = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...event(`event-${String(index).padStart(4, "0")}`),
    timestamp: new Date(Date.parse("2026-02-01T00:00:00Z") + index * 1000).toISOString(),
  }));

/** For what is seen in the store itself. */
async function startOnFiles(options: Parameters<typeof testLog>[1] = {}) {
  const store = await testLog(await newFolder(), options);
  const { url } = await startService({ store });
  return { url, store };
}

describe("the service", () => {
  itLocally("fault 1: a valid event and every batch are answered 500", async () => {
    const server = startServerProcess(await newFolder());
    const url = await server.url;

    const one = await postJson(url, "/events", {
      action: "user_login",
      service_name: "auth",
      user_id: "ann",
    });
    const batch = await postJson(url, "/events/batch", { events: eventsInTime(3) });

    expect(one).toMatchObject({ status: 202, body: { action: "user_login", user_id: "ann" } });
    expect(batch).toMatchObject({ status: 202, body: { events_logged: 3 } });
    expect(await queryIds(url)).toHaveLength(4);
  });

  it("fault 4: the newest page is the oldest, and page 2 is empty while there are more", async () => {
    const service = await startFileService();
    const { url } = service;
    await post(service, "/events/batch", { events: eventsInTime(25) });

    const first = (await getJson(url, "/events?limit=10")).body;
    const second = (await getJson(url, `/events?limit=10&cursor=${first.next_cursor}`)).body;
    const third = (await getJson(url, `/events?limit=10&cursor=${second.next_cursor}`)).body;

    const ids = [first, second, third].map(({ events }) =>
      events.map((found: { readonly event_id: string }) => found.event_id),
    );
    expect(ids[0]?.[0]).toBe("event-0024");
    expect(ids.map((page) => page.length)).toEqual([10, 10, 5]);
    expect(ids.flat()).toEqual(
      eventsInTime(25)
        .map((sent) => sent.event_id)
        .toReversed(),
    );
    expect([first, second, third].map((page) => page.has_more)).toEqual([true, true, false]);
    expect(third.next_cursor).toBeNull();
  });

  it("fault 5: one lone surrogate fails all later work and doubles its neighbours", async () => {
    const service = await startFileService();
    const { url } = service;
    const bad = '{"event_id":"bad","action":"read","service_name":"shop","message":"\\ud800"}';

    const one = await postJson(url, "/events", bad);
    const batch = await post(
      service,
      "/events/batch",
      `{"events":[${JSON.stringify(event("left"))},${bad},${JSON.stringify(event("right"))}]}`,
    );
    const flush = await postJson(url, "/flush", {});

    expect(one).toMatchObject({
      status: 400,
      body: { code: "validation-failed", errors: [{ path: "/message" }] },
    });
    expect(batch).toMatchObject({ status: 207, json: { event_ids: ["left", "right"] } });
    expect(flush).toMatchObject({ status: 200, body: { status: "flushed" } });
    expect((await queryIds(url)).toSorted()).toEqual(["left", "right"]);
    expect((await ask(service, "/health")).json).toMatchObject({ storage: soundStorage(2) });
  });

  itLocally(
    "fault 9: a query scans everything, and writers stand still meanwhile",
    async () => {
      const { url, store } = await startOnFiles();
      const count = 30_000;
      for (let at = 0; at < count; at += 1000) {
        const events = Array.from({ length: 1000 }, (_, index) => ({
          ...event(`e${at + index}`),
          message: "m".repeat(200),
        }));
        await postJson(url, "/events/batch", { events });
      }
      const plan = async (query: string): Promise<Record<string, number>> =>
        (await getJson(url, `/events?explain=true&${query}`)).body.plan;

      const newest = await plan("limit=50");
      const absent = await plan("message_contains=absent");
      let pages = 0;
      const writing = new AbortController();
      const readers = Array.from({ length: 4 }, async () => {
        while (!writing.signal.aborted) {
          await getJson(url, "/events?message_contains=absent");
          pages++;
        }
      });
      const seen: number[] = [];
      for (let number = 0; number < 20; number++) {
        expect((await postJson(url, "/events", event(`late-${number}`))).status).toBe(202);
        seen.push(pages);
      }
      writing.abort();
      await Promise.all(readers);

      expect(newest["lines_read"]).toBeLessThanOrEqual(100);
      expect(newest["entries_read"]).toBeLessThanOrEqual(100);
      expect(absent["lines_read"]).toBeLessThanOrEqual(20_000 + 256);
      expect(pages).toBeGreaterThan(0);
      expect(seen.at(-1)).toBeGreaterThan(seen[0] ?? 0); // both made progress, side by side
      expect((await store.probe()).details).toMatchObject({ events: count + 20 });
    },
    60_000,
  );

  it("fault 11: bad input is answered 500, differently by method, or not at all", async () => {
    const { url } = await startFileService();
    const start = "2026-01-01T00:00:00";

    const answers = [
      await getJson(url, `/events?start_time=${start}`),
      await postJson(url, "/events/query", { start_time: start }),
      await postJson(url, "/events", { ...event("e"), timestamp: start }),
      await getJson(url, "/events?levels=LOUD"),
      await postJson(url, "/events/query", { levels: ["LOUD"] }),
      await postJson(url, "/events", { ...event("e"), level: "LOUD" }),
      await getJson(url, "/events?order_by=user_id"),
      await postJson(url, "/events/query", { order_by: "user_id" }),
      await getJson(url, "/events?colour=red"),
    ];

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      answers.map(() => [400, "validation-failed"]),
    );
    expect(answers.map(({ body }) => body.errors[0].path)).toEqual([
      "/start_time",
      "/start_time",
      "/timestamp",
      "/levels/0",
      "/levels/0",
      "/level",
      "/order_by",
      "/order_by",
      "/colour",
    ]);
  });

  itLocally("fault 11: health is 200 while nothing can be stored", async () => {
    const io = faultyFileIo();
    const { url } = await startOnFiles({ io });
    io.fail("sync", systemError("EIO"));

    const refused = await postJson(url, "/events", event("one"));
    const health = await getJson(url, "/health");

    expect(refused.status).toBe(503);
    expect(health).toMatchObject({ status: 503, body: { status: "unhealthy" } });
  });

  it("fault 12: fields have no limit, and a 12 MB event is taken", async () => {
    const { url } = await startFileService();
    const huge = { ...event("huge"), message: "x".repeat(12 * 1024 * 1024) };
    const long = {
      event_id: "i".repeat(129),
      action: "a".repeat(257),
      service_name: "s".repeat(257),
      user_id: "u".repeat(257),
      session_id: "s".repeat(257),
      request_id: "r".repeat(257),
      resource_type: "t".repeat(257),
      resource_id: "r".repeat(1025),
      message: "m".repeat(10_001),
      metadata: { m: "m".repeat(50_000) },
      error_code: "e".repeat(257),
      error_message: "e".repeat(10_001),
      stack_trace: "s".repeat(50_001),
      source_ip: "1".repeat(65),
      user_agent: "u".repeat(513),
    };

    expect((await postJson(url, "/events", huge)).status).toBe(413);
    for (const [member, value] of Object.entries(long)) {
      const { status, body } = await postJson(url, "/events", { ...event("long"), [member]: value });
      expect([status, body.errors[0].path]).toEqual([400, `/${member}`]);
    }
    expect(await queryIds(url)).toEqual([]);
  });

  itLocally("fault 12: everybody on the network may read and write", async () => {
    const folder = await newFolder();
    const server = startServerProcess(folder);
    const url = await server.url;
    const open = startServerProcess(await newFolder(), { AUDIT_API_HOST: "0.0.0.0" });

    expect(new URL(url).hostname).toBe("127.0.0.1");
    expect((await open.ended).code).toBe(1);
    expect(open.stderr()).toMatch(/AUDIT_API_HOST.*0\.0\.0\.0/);
  });
});
