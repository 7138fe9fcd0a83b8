// The client over HTTP against a real server that is told how to answer: retries, batching, errors, closing.
import { describe, expect, it } from "vitest";
import { createAuditClient } from "#client/http-client.ts";
import { AuditAccessError, AuditQueryError, AuditQueueError, AuditValidationError } from "#lib/errors.ts";
import { acceptBatch, answerJson, startScriptedServer } from "#test/support/scripted-server.ts";

const draft = { action: "a", service_name: "s" };

function eventsOf(body: string): Record<string, unknown>[] {
  return (JSON.parse(body) as { events: Record<string, unknown>[] }).events;
}

describe("createAuditClient", () => {
  it("gives an event its id before it is first sent, and repeats it with the same id", async () => {
    await using server = await startScriptedServer((request, response, nth) => {
      if (nth < 3) response.destroy();
      else acceptBatch(request, response);
    });
    await using client = createAuditClient({ url: server.url, retryDelayMs: 1 });

    const receipt = await client.log(draft);

    const ids = server.seen.map(({ body }) => eventsOf(body)[0]?.["event_id"]);
    expect(ids).toEqual([receipt.event_id, receipt.event_id, receipt.event_id]);
  });

  it.each([429, 503, 502])("tries again after status %i", async (status) => {
    await using server = await startScriptedServer((request, response, nth) => {
      if (nth === 1) answerJson(response, status, { code: "overloaded", title: "busy" });
      else acceptBatch(request, response);
    });
    await using client = createAuditClient({ url: server.url, retryDelayMs: 1 });

    await client.logBatch([draft]);

    expect(server.seen).toHaveLength(2);
  });

  it("waits as long as Retry-After asks", async () => {
    await using server = await startScriptedServer((request, response, nth) => {
      response.setHeader("retry-after", "1");
      if (nth === 1) answerJson(response, 429, { code: "rate-limited", title: "slow down" });
      else acceptBatch(request, response);
    });
    await using client = createAuditClient({ url: server.url, retryDelayMs: 1 });
    const startedAt = performance.now();

    await client.logBatch([draft]);

    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
  });

  it("gives up after the tries it was allowed, with the service's own error", async () => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, 503, { code: "overloaded", title: "t", detail: "too much is waiting" });
    });
    await using client = createAuditClient({ url: server.url, retryDelayMs: 1, maxRetries: 2 });

    const attempt = client.log(draft);

    await expect(attempt).rejects.toBeInstanceOf(AuditQueueError);
    await expect(attempt).rejects.toMatchObject({
      code: "overloaded",
      retryable: true,
      message: "too much is waiting",
    });
    expect(server.seen).toHaveLength(3);
  });

  it("gives each try a deadline", async () => {
    await using server = await startScriptedServer(() => undefined);
    await using client = createAuditClient({
      url: server.url,
      timeoutMs: 50,
      maxRetries: 1,
      retryDelayMs: 1,
    });

    await expect(client.health()).rejects.toMatchObject({ code: "unreachable", retryable: true });
    expect(server.seen).toHaveLength(2);
  });

  it("says which address cannot be reached", async () => {
    await using client = createAuditClient({ url: "http://127.0.0.1:1", maxRetries: 0 });

    await expect(client.health()).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("http://127.0.0.1:1/"),
    });
  });

  it.each(["", "localhost:8000", "ftp://x"])("refuses the address %o", (url) => {
    expect(() => createAuditClient({ url })).toThrow(/no http or https address/);
  });

  it("does not try again what cannot succeed, and names the members", async () => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, 400, {
        code: "validation-failed",
        title: "t",
        detail: "1 of 1 events are not valid",
        errors: [{ path: "/events/0/action", message: "is missing" }],
      });
    });
    await using client = createAuditClient({ url: server.url });

    const attempt = client.log({ service_name: "s" });

    await expect(attempt).rejects.toBeInstanceOf(AuditValidationError);
    await expect(attempt).rejects.toMatchObject({
      code: "validation-failed",
      errors: [{ path: "/action", message: "is missing" }],
    });
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    [401, "unauthenticated", AuditAccessError],
    [403, "forbidden", AuditAccessError],
    [400, "invalid-cursor", AuditQueryError],
  ])("turns status %i %s into its class", async (status, code, errorClass) => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, status, { code, title: "t" });
    });
    await using client = createAuditClient({ url: server.url });

    const attempt = client.query();

    await expect(attempt).rejects.toBeInstanceOf(errorClass);
    await expect(attempt).rejects.toMatchObject({ code, retryable: false });
  });

  it("says so where something else answers", async () => {
    await using server = await startScriptedServer((_, response) => response.end("<html>hello</html>"));
    await using client = createAuditClient({ url: server.url });

    await expect(client.query()).rejects.toThrow(/is the address right/);
  });

  it("sends the key as a bearer token", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: server.url, apiKey: "secret" });

    await client.log(draft);

    expect(server.seen[0]?.headers.authorization).toBe("Bearer secret");
  });

  it("keeps a path of the base address", async () => {
    await using server = await startScriptedServer(acceptBatch);
    await using client = createAuditClient({ url: `${server.url}/prod` });

    await client.log(draft);

    expect(server.seen[0]?.url).toBe("/prod/events/batch");
  });

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

  it("answers undefined for an event that is not there, and fails for a route that is not", async () => {
    await using server = await startScriptedServer(({ url }, response) => {
      const code = url.includes("gone") ? "event-not-found" : "route-not-found";
      answerJson(response, 404, { code, title: "t" });
    });
    await using client = createAuditClient({ url: server.url });

    expect(await client.get("gone")).toBeUndefined();
    await expect(client.get("other")).rejects.toMatchObject({ code: "route-not-found" });
  });

  it("follows an export from chunk to chunk", async () => {
    await using server = await startScriptedServer((_, response, nth) => {
      if (nth === 1) response.setHeader("link", '</events/export?cursor=c2&format=jsonl>; rel="next"');
      response.end(`{"n":${nth}}\n`);
    });
    await using client = createAuditClient({ url: server.url });

    const chunks = await Array.fromAsync(client.exportEvents({ service_names: ["a,b"], levels: ["INFO"] }));

    expect(chunks).toEqual(['{"n":1}\n', '{"n":2}\n']);
    expect(server.seen.map(({ url }) => url)).toEqual([
      "/events/export?service_names=a%2Cb&service_names=a%2Cb&levels=INFO&format=jsonl",
      "/events/export?cursor=c2&format=jsonl",
    ]);
  });

  it("never follows a link to another origin", async () => {
    await using server = await startScriptedServer((_, response) => {
      response.setHeader("link", '<http://192.0.2.1/events/export>; rel="next"');
      response.end("");
    });
    await using client = createAuditClient({ url: server.url, apiKey: "secret" });

    await expect(Array.fromAsync(client.exportEvents())).rejects.toThrow(/another origin/);
  });

  it("reports an unhealthy service as a report, not as a failure", async () => {
    await using server = await startScriptedServer((_, response) => {
      answerJson(response, 503, { status: "unhealthy" });
    });
    await using client = createAuditClient({ url: server.url });

    expect(await client.health()).toMatchObject({ status: "unhealthy" });
    expect(server.seen).toHaveLength(1);
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
