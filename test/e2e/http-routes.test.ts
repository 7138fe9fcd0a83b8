// What holds for all routes, and the small ones: flush, health, the OpenAPI document, and what is not there.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withFaults } from "#test/support/faults.ts";
import { newFolder } from "#test/support/folders.ts";
import {
  ask,
  head,
  itLocally,
  LOGIN,
  post,
  RawClient,
  startService,
  stillWorks,
} from "#test/support/http-service.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { testLog } from "#test/support/stores.ts";

const OPENAPI = join(import.meta.dirname, "../../docs/openapi.json");

describe("every answer", () => {
  it.each([
    ["GET", "/events", 200],
    ["GET", "/health", 200],
    ["GET", "/openapi.json", 200],
    ["GET", "/events/export", 200],
    ["GET", "/nope", 404],
    ["DELETE", "/events", 405],
    ["GET", "/events?limit=0", 400],
    ["GET", "/events/feed", 200],
    ["GET", "/events/missing/line", 404],
    ["GET", "/events/missing/proof", 404],
    ["GET", "/log/tile/0/000", 404],
  ])("to %s %s carries a request id and forbids guessing and caching", async (method, path, status) => {
    const service = await startService();

    const answer = await ask(service, path, { method });

    expect(answer.status).toBe(status);
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("has a request id of its own", async () => {
    const service = await startService();

    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await ask(service, "/health")).headers.get("x-request-id")),
    );

    expect(new Set(ids).size).toBe(3);
  });
});

describe("a route that does not exist", () => {
  it.each([
    "/",
    "/docs",
    "/nope",
    "/events/",
    "/events/a/b",
    "/events/a/line/",
    "/log",
    "/log/tile",
    "/log/",
    "/log/vkey/",
    "//events",
  ])("%s is answered 404", async (path) => {
    const service = await startService();

    const answer = await new RawClient(service.port).send(head(`GET ${path}`)).answer();

    expect([answer.status, answer.json.code]).toEqual([404, "route-not-found"]);
  });
});

describe("a method that a route does not have", () => {
  it.each([
    ["DELETE", "/events/a", "GET, HEAD"],
    ["PUT", "/events", "POST, GET, HEAD"],
    ["GET", "/events/batch", "POST"],
    ["GET", "/flush", "POST"],
    ["POST", "/health", "GET, HEAD"],
    ["OPTIONS", "/events", "POST, GET, HEAD"],
    ["PATCH", "/openapi.json", "GET, HEAD"],
    ["POST", "/events/feed", "GET, HEAD"],
    ["DELETE", "/events/a/line", "GET, HEAD"],
    ["PUT", "/log/checkpoint", "GET, HEAD"],
    ["DELETE", "/log/tile/0/000", "GET, HEAD"],
  ])("%s %s is answered 405 with Allow", async (method, path, allow) => {
    const service = await startService();

    const answer = await ask(service, path, { method });

    expect([answer.status, answer.json.code]).toEqual([405, "method-not-allowed"]);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(await stillWorks(service)).toBe(true);
  });
});

describe("HEAD", () => {
  it.each([
    "/events",
    "/health",
    "/openapi.json",
    "/events/export",
    "/events/missing",
    "/events/feed",
    "/log/tile/0/000",
  ])("%s answers as GET does, without the body", async (path) => {
    const service = await startService();

    const [got, headed] = [await ask(service, path), await ask(service, path, { method: "HEAD" })];

    expect(headed.status).toBe(got.status);
    expect(headed.headers.get("content-type")).toBe(got.headers.get("content-type"));
    expect(headed.text).toBe("");
  });
});

describe("a host that is not this machine", () => {
  it("is answered 403: a web page must not reach the log under a name of its own", async () => {
    const service = await startService();
    const request = "GET /events HTTP/1.1\r\nHost: evil.example\r\n\r\n";

    const refused = await new RawClient(service.port).send(request).answer();

    expect([refused.status, refused.json.code]).toEqual([403, "forbidden"]);
  });

  it.each(["localhost", "127.0.0.1:1", "[::1]:8000"])("is not %s", async (host) => {
    const service = await startService();

    const answer = await new RawClient(service.port).send(head("GET /health", { host })).answer();

    expect(answer.status).toBe(200);
  });
});

describe("POST /flush", () => {
  it.each([undefined, "", "{}", '{"event_ids":[]}'])("with the body %j answers flushed", async (body) => {
    const service = await startService();
    const headers = { "content-type": "application/json" };

    const answer = await ask(service, "/flush", {
      method: "POST",
      headers,
      ...(body === undefined ? {} : { body }),
    });

    expect([answer.status, answer.text]).toEqual([200, '{"status":"flushed"}']);
  });

  it("waits for the events named", async () => {
    const service = await startService();
    const flushing = post(service, "/flush", { event_ids: ["late"] });

    await post(service, "/events", { ...LOGIN, event_id: "late" });

    expect((await flushing).json).toEqual({ status: "flushed" });
  });

  it.each([
    ["101 ids", { event_ids: Array.from({ length: 101 }, (_, index) => `e${index}`) }, "/event_ids"],
    ["an id that is no text", { event_ids: [1] }, "/event_ids/0"],
    ["an id that no event can have", { event_ids: ["a", "a b"] }, "/event_ids/1"],
    ["another member", { ids: [] }, "/ids"],
  ])("refuses %s", async (_, body, path) => {
    const service = await startService();

    const refused = await post(service, "/flush", body);

    expect(refused.json).toMatchObject({ code: "validation-failed", errors: [{ path }] });
  });
});

describe("GET /health", () => {
  itLocally("shows the parts of the contract", async () => {
    const service = await startService({ store: await testLog(await newFolder()), serviceName: "shop" });

    const { json } = await ask(service, "/health");

    expect(Object.keys(json)).toEqual([
      "status",
      "timestamp",
      "service",
      "storage",
      "queue",
      "archive",
      "log",
      "unaccounted_events",
    ]);
    expect(json).toMatchObject({ status: "healthy", service: { name: "shop" }, unaccounted_events: 0 });
  });

  itLocally("answers 503 with the same members where the store takes no events", async () => {
    const store = new MemoryStore();
    store.health = { status: "unhealthy", problems: ["the disk is full"], details: {} };
    const service = await startService({ store });

    const { status, json, headers } = await ask(service, "/health");

    expect(status).toBe(503);
    expect(headers.get("content-type")).toBe("application/json");
    expect(json).toMatchObject({ status: "unhealthy", storage: { problems: ["the disk is full"] } });
  });

  itLocally("answers 200 degraded where a human must act", async () => {
    const store = new MemoryStore();
    store.health = { status: "degraded", problems: ["a line cannot be read"], details: {} };
    const service = await startService({ store });

    const { status, json } = await ask(service, "/health");

    expect([status, json.status]).toEqual([200, "degraded"]);
  });

  itLocally("probes once for all who ask", async () => {
    const faulty = withFaults(new MemoryStore());
    const service = await startService({ store: faulty.port });

    await Promise.all([1, 2, 3].map(async () => ask(service, "/health")));

    expect(faulty.calls("probe")).toBe(1);
  });

  it("refuses parameters, as every route does", async () => {
    expect((await ask(await startService(), "/health?verbose=1")).status).toBe(400);
  });
});

describe("GET /openapi.json", () => {
  it("is the document in docs", async () => {
    const service = await startService();

    expect((await ask(service, "/openapi.json")).json).toEqual(JSON.parse(await readFile(OPENAPI, "utf8")));
  });
});
