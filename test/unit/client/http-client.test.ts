// The client over HTTP against a real server that is told how to answer: retries, deadlines, errors, reading.
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
    expect(() => createAuditClient({ url })).toThrow(/expected an http or https address/);
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
});
