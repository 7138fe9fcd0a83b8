// Sending events over HTTP and getting them back by id: statuses, bodies and headers of the contract.
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Json } from "#test/support/http-service.ts";
import { ask, LOGIN, post, startFileService, startService, stillWorks } from "#test/support/http-service.ts";

describe("POST /events", () => {
  it("answers 202 with the event as GET gives it", async () => {
    const service = await startFileService();

    const taken = await post(service, "/events", LOGIN);

    expect(taken.status).toBe(202);
    expect(taken.json).toMatchObject({
      ...LOGIN,
      level: "INFO",
      content_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(taken.headers.get("location")).toBe(`/events/${taken.json.event_id}`);
    expect((await ask(service, `/events/${taken.json.event_id}`)).text).toBe(taken.text);
  });

  it("shows no member that begins with an underscore", async () => {
    const service = await startService();

    const { text } = await post(service, "/events", LOGIN);

    expect(text).not.toContain('"_');
  });

  it("leaves the event out on Prefer: return=minimal", async () => {
    const service = await startService();

    const taken = await post(
      service,
      "/events",
      { ...LOGIN, event_id: "m" },
      { prefer: 'wait=1, return="minimal"' },
    );

    expect(Object.keys(taken.json)).toEqual(["event_id", "content_hash"]);
    expect(taken.headers.get("preference-applied")).toBe("return=minimal");
  });

  it("leads to the event of another tenant by its location", async () => {
    const service = await startService();

    const taken = await post(service, "/events", { ...LOGIN, tenant_id: "acme" });

    const location = taken.headers.get("location") ?? "";
    expect((await ask(service, location)).text).toBe(taken.text);
    expect((await ask(service, location.split("?")[0] ?? "")).status).toBe(404);
  });

  it("takes gzip", async () => {
    const service = await startService();
    const body = gzipSync(JSON.stringify(LOGIN));

    const taken = await post(service, "/events", body, { "content-encoding": "gzip" });

    expect(taken.status).toBe(202);
  });

  it("answers 413 to an event over 256 KiB", async () => {
    const service = await startService();
    const stack_trace = "\u{1F4A5}".repeat(50_000);
    const event = {
      ...LOGIN,
      stack_trace,
      message: "\u{1F4A5}".repeat(10_000),
      error_message: "\u{1F4A5}".repeat(10_000),
    };

    const refused = await post(service, "/events", event);

    expect(refused.status).toBe(413);
    expect(refused.json.code).toBe("payload-too-large");
    expect(await stillWorks(service)).toBe(true);
  });
});

describe("POST /events/batch", () => {
  it("answers 202 with one result for each event", async () => {
    const service = await startService();

    const taken = await post(service, "/events/batch", {
      events: [
        { ...LOGIN, event_id: "a" },
        { ...LOGIN, event_id: "b" },
      ],
    });

    expect(taken.status).toBe(202);
    expect(taken.json).toEqual({
      events_logged: 2,
      event_ids: ["a", "b"],
      results: [
        { index: 0, status: "accepted", event_id: "a" },
        { index: 1, status: "accepted", event_id: "b" },
      ],
    });
  });

  it("answers 207 where some are invalid, and keeps the others", async () => {
    const service = await startService();

    const taken = await post(service, "/events/batch", {
      events: [{ ...LOGIN, event_id: "a" }, { action: "x" }],
    });

    expect(taken.status).toBe(207);
    expect(taken.json).toMatchObject({ events_logged: 1, event_ids: ["a"] });
    expect(taken.json.results[1]).toMatchObject({ index: 1, status: "rejected", code: "validation-failed" });
    expect(taken.json.results[1].errors[0].path).toBe("/service_name");
    expect((await ask(service, "/events/a")).status).toBe(200);
  });

  it("answers 400 with the same members where all are invalid", async () => {
    const service = await startService();

    const refused = await post(service, "/events/batch", { events: [{}, 7] });

    expect(refused.status).toBe(400);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.json).toMatchObject({ code: "validation-failed", events_logged: 0, event_ids: [] });
    expect(refused.json.results).toHaveLength(2);
    expect(refused.json.errors[0].path).toBe("/events/0/action");
  });

  it("accepts nothing of a partly invalid batch with atomic=true", async () => {
    const service = await startService();

    const refused = await post(service, "/events/batch?atomic=true", {
      events: [{ ...LOGIN, event_id: "a" }, {}],
    });

    expect(refused.status).toBe(400);
    expect((await ask(service, "/events/a")).status).toBe(404);
  });

  it("takes 8 MiB that arrive as gzip", async () => {
    const service = await startService();
    const event = { ...LOGIN, metadata: { text: "x".repeat(49_000) } };
    const body = gzipSync(JSON.stringify({ events: Array.from({ length: 165 }, () => event) }));

    const taken = await post(service, "/events/batch", body, { "content-encoding": "gzip" });

    expect(taken.json.events_logged).toBe(165);
  });

  it.each([
    ["an array", "[]", ""],
    ["no events", "{}", "/events"],
    ["events that are no array", '{"events":{}}', "/events"],
    ["an empty list", '{"events":[]}', "/events"],
    ["another member", '{"events":[{}],"event":1}', "/event"],
    ["a member given twice", '{"events":[{}],"events":[{}]}', "/events"],
    ["1,001 events", `{"events":[${"{},".repeat(1000)}{}]}`, "/events"],
  ])("answers 400 to %s", async (_, body, path) => {
    const service = await startService();

    const refused = await post(service, "/events/batch", body);

    expect(refused.status).toBe(400);
    expect(refused.json.code).toBe("validation-failed");
    expect(refused.json.errors.map((error: Json) => error.path)).toContain(path);
  });

  it.each(["atomic=yes", "atomic=", "atomic=true&atomic=true", "atomicity=true"])(
    "refuses ?%s",
    async (query) => {
      const service = await startService();

      const refused = await post(service, `/events/batch?${query}`, { events: [LOGIN] });

      expect(refused.status).toBe(400);
      expect(refused.json.code).toBe("validation-failed");
    },
  );
});

describe("GET /events/{event_id}", () => {
  it.each(["missing", "a%20b", "%F0%9F%92%A5", "x".repeat(2000), "a%2Fb", "__proto__", "a!00"])(
    "answers 404 to %s",
    async (id) => {
      const service = await startService();

      const answer = await ask(service, `/events/${id}`);

      expect(answer.status).toBe(404);
      expect(answer.json.code).toBe("event-not-found");
    },
  );

  it("waits for the event to be stored", async () => {
    const service = await startService();
    const waiting = ask(service, "/events/late?wait=20");

    await post(service, "/events", { ...LOGIN, event_id: "late" });

    expect((await waiting).status).toBe(200);
  });

  it.each(["0", "21", "1.5", "-1", "", "abc"])("refuses ?wait=%s", async (wait) => {
    const service = await startService();

    const refused = await ask(service, `/events/a?wait=${wait}`);

    expect(refused.status).toBe(400);
    expect(refused.json.errors[0].path).toBe("/wait");
  });

  it("finds ids that are percent-encoded", async () => {
    const service = await startService();
    await post(service, "/events", { ...LOGIN, event_id: "k:0" });

    expect((await ask(service, "/events/k%3A0")).status).toBe(200);
  });
});
