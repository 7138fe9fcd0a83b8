// How the client sends: batches, what waits, what is refused before it is sent, and closing.
import { describe, expect, it } from "vitest";
import { createAuditClient } from "#client/http-client.ts";
import { acceptBatch, answerJson, startScriptedServer } from "#test/support/scripted-server.ts";

const draft = { action: "a", service_name: "s" };

function eventsOf(body: string): Record<string, unknown>[] {
  return (JSON.parse(body) as { events: Record<string, unknown>[] }).events;
}

describe("createAuditClient", () => {
  it("sends events that are logged together in batches", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url, batchSize: 10 });

    const receipts = await Promise.all(
      Array.from({ length: 25 }, (_, n) => client.log({ ...draft, event_id: `e-${n}` })),
    );

    expect(receipts.map(({ event_id }) => event_id)).toEqual(Array.from({ length: 25 }, (_, n) => `e-${n}`));
    expect(server.seen.map(({ body }) => eventsOf(body).length)).toEqual([10, 10, 5]);
  });

  it("settles each event of a batch by what became of it", async () => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, 207, {
        events_logged: 1,
        event_ids: ["one"],
        results: [
          { index: 0, status: "accepted", event_id: "one" },
          {
            index: 1,
            status: "rejected",
            code: "event-id-conflict",
            errors: [{ path: "/event_id", message: "is taken" }],
          },
        ],
      });
    });
    await using client = createAuditClient({ url: server.url });

    const [first, second] = await Promise.allSettled([client.log(draft), client.log(draft)]);

    expect(first).toMatchObject({ status: "fulfilled", value: { event_id: "one" } });
    expect(second).toMatchObject({ reason: { code: "event-id-conflict", message: "is taken" } });
  });

  it("bounds what waits", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url, maxPending: 2 });

    const attempts = await Promise.allSettled([client.log(draft), client.log(draft), client.log(draft)]);

    expect(attempts.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(attempts[2]).toMatchObject({ reason: { code: "overloaded", retryable: true } });
  });

  it("takes an event's content at the call", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url });
    const metadata = { n: 1 };

    const logged = client.log({ ...draft, metadata });
    metadata.n = 2;
    await logged;

    expect(eventsOf(server.seen[0]?.body ?? "")[0]).toMatchObject({ metadata: { n: 1 } });
  });

  it("refuses what JSON would silently change, and sends the rest of the batch", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url });

    const receipt = await client.logBatch([
      { ...draft, metadata: { at: new Date(0) } },
      { ...draft, event_id: "good" },
      { ...draft, message: "\ud800" },
      client.event().action("unnamed service"),
    ]);

    expect(receipt).toMatchObject({ events_logged: 1, event_ids: ["good"], duplicates: 0 });
    expect(receipt.results.map(({ status, errors }) => [status, errors?.[0]?.path])).toEqual([
      ["rejected", "/metadata/at"],
      ["accepted", undefined],
      ["rejected", "/message"],
      ["rejected", "/service_name"],
    ]);
    expect(eventsOf(server.seen[0]?.body ?? "")).toHaveLength(1);
  });

  it.each([0, 1001])("refuses a batch of %i events", async (length) => {
    await using client = createAuditClient({ url: "http://127.0.0.1:1" });

    await expect(client.logBatch(Array.from({ length }, () => draft))).rejects.toMatchObject({
      errors: [{ path: "/events" }],
    });
  });

  it("sends nothing of an atomic batch with an event that cannot be sent", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url });

    const attempt = client.logBatch([draft, { ...draft, duration_ms: Number.NaN }], { atomic: true });

    await expect(attempt).rejects.toMatchObject({ details: { results: [{ index: 1 }] } });
    expect(server.seen).toHaveLength(0);
  });

  it("compresses a body over the wire's limit", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url });
    const event = { ...draft, stack_trace: "x".repeat(40_000) };

    await client.logBatch(Array.from({ length: 100 }, () => event));

    expect(server.seen[0]?.headers["content-encoding"]).toBe("gzip");
    expect(eventsOf(server.seen[0]?.body ?? "")).toHaveLength(100);
  });

  it("fills in the default service", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url, serviceName: "shop" });

    await client.logBatch([client.event().action("a"), { action: "b" }, { ...draft, action: "c" }]);

    const services = eventsOf(server.seen[0]?.body ?? "").map((event) => event["service_name"]);
    expect(services).toEqual(["shop", "shop", "s"]);
  });

  it("close waits for what was logged, and refuses what comes after", async () => {
    await using server = await startScriptedServer(acceptBatch);
    const client = createAuditClient({ url: server.url, batchSize: 1, flushIntervalMs: 60_000 });

    const logged = Array.from({ length: 10 }, () => client.log(draft));
    await client.close();

    expect(server.seen).toHaveLength(10);
    expect(await Promise.all(logged)).toHaveLength(10);
    await expect(client.log(draft)).rejects.toMatchObject({ code: "closed" });
    await expect(client.query()).rejects.toMatchObject({ code: "closed" });
    await client.close();
  });

  it("holds events while a batch is under way, until the flush interval has passed", async () => {
    const held: (() => void)[] = [];
    await using server = await startScriptedServer((request, response, nth) => {
      if (nth === 1) held.push(() => acceptBatch(request, response));
      else acceptBatch(request, response);
    });
    await using client = createAuditClient({ url: server.url, flushIntervalMs: 50 });

    const first = client.log(draft);
    await expect.poll(() => server.seen.length).toBe(1);
    await Promise.all([client.log(draft), client.log(draft)]);
    held[0]?.();
    await first;

    expect(server.seen.map(({ body }) => eventsOf(body).length)).toEqual([1, 2]);
  });
});
