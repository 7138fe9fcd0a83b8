// The library and the client keep one interface: the same suite runs on files in this process and over real HTTP.
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AuditService } from "audit-service";
import {
  AuditEventBuilder,
  AuditValidationError,
  createAuditClient,
  createAuditService,
  errorEvent,
} from "audit-service";
import { newFolder } from "#test/support/folders.ts";
import { startService } from "#test/support/http-service.ts";
import { testLog } from "#test/support/stores.ts";

async function openEmbedded(): Promise<AuditService> {
  const filePath = join(await newFolder(), "audit.jsonl");
  const audit = await createAuditService({ filePath, serviceName: "shop" });
  onTestFinished(() => audit.close());
  return audit;
}

async function openClient(): Promise<AuditService> {
  const { url } = await startService({ store: await testLog(await newFolder()) });
  const audit = createAuditClient({ url, serviceName: "shop" });
  onTestFinished(() => audit.close());
  return audit;
}

describe.each([
  ["in this process", openEmbedded],
  ["over HTTP", openClient],
])("AuditService %s", (_, open) => {
  it("logs an event so that it is found at once", async () => {
    const audit = await open();

    const { event_id } = await audit.log(audit.event().action("user_login").user("alice").metadata({ n: 1 }));

    const stored = await audit.get(event_id);
    expect(stored).toMatchObject({
      event_id,
      action: "user_login",
      service_name: "shop",
      user_id: "alice",
      tenant_id: "default",
      level: "INFO",
      category: "SYSTEM_EVENT",
      metadata: { n: 1 },
      content_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      received_at: expect.stringMatching(/Z$/),
    });
    expect((await audit.query({ user_ids: ["alice"] })).events).toEqual([stored]);
  });

  it("takes drafts, builders of other origin and shorthands, each with the default service", async () => {
    const audit = await open();

    await audit.log({ action: "a", level: "warning", user_id: null });
    await audit.log(new AuditEventBuilder().action("b"));
    await audit.log(errorEvent("c", new RangeError("too far")));
    await audit.log({ action: "d", service_name: "other" });

    const { events } = await audit.query({ order_desc: false });
    expect(events.map(({ action, service_name, level }) => [action, service_name, level])).toEqual([
      ["a", "shop", "WARN"],
      ["b", "shop", "INFO"],
      ["c", "shop", "ERROR"],
      ["d", "other", "INFO"],
    ]);
  });

  it("takes an event's content at the call", async () => {
    const audit = await open();
    const metadata = { n: 1 };

    const logged = audit.log({ action: "a", metadata });
    metadata.n = 2;

    expect((await audit.get((await logged).event_id))?.metadata).toEqual({ n: 1 });
  });

  it("stores an event once, however often it is sent", async () => {
    const audit = await open();
    const event = { event_id: "once", action: "a" };

    await Promise.all([audit.log(event), audit.log(event), audit.log(event)]);
    await audit.log(event);

    expect((await audit.query()).events).toHaveLength(1);
  });

  it("refuses other content under the same id", async () => {
    const audit = await open();
    await audit.log({ event_id: "e", action: "a" });

    const attempt = audit.log({ event_id: "e", action: "b" });

    await expect(attempt).rejects.toBeInstanceOf(AuditValidationError);
    await expect(attempt).rejects.toMatchObject({ code: "event-id-conflict" });
  });

  it.each([
    [{ action: "a", typo: 1 }, "/typo"],
    [{ action: " " }, "/action"],
    [{ action: "a", metadata: { at: new Date(0) } }, "/metadata/at"],
    [{ action: "a", message: "\ud800" }, "/message"],
    [{ action: "a", duration_ms: Number.NaN }, "/duration_ms"],
  ])("refuses %o by path", async (event, path) => {
    const audit = await open();

    const attempt = audit.log(event);

    await expect(attempt).rejects.toBeInstanceOf(AuditValidationError);
    await expect(attempt).rejects.toMatchObject({ code: "validation-failed", errors: [{ path }] });
  });

  it("logs the valid events of a batch and names the others", async () => {
    const audit = await open();
    await audit.log({ event_id: "known", action: "a" });

    const receipt = await audit.logBatch([
      { event_id: "new", action: "a" },
      { event_id: "bad", action: "a", level: "LOUD" },
      { event_id: "known", action: "a" },
      { event_id: "known", action: "other" },
      new AuditEventBuilder().service("s"),
    ]);

    expect(receipt).toMatchObject({ events_logged: 2, event_ids: ["new", "known"], duplicates: 1 });
    expect(receipt.results.map(({ index, status, code }) => [index, status, code])).toEqual([
      [0, "accepted", undefined],
      [1, "rejected", "validation-failed"],
      [2, "accepted", undefined],
      [3, "rejected", "event-id-conflict"],
      [4, "rejected", "validation-failed"],
    ]);
    expect(receipt.results[4]?.errors?.[0]?.path).toBe("/action");
  });

  it("answers a batch of conflicts as any other that was looked at", async () => {
    const audit = await open();
    await audit.log({ event_id: "e", action: "a" });

    const receipt = await audit.logBatch([{ event_id: "e", action: "b" }]);

    expect(receipt).toMatchObject({ events_logged: 0, event_ids: [], duplicates: 0 });
    expect(receipt.results).toMatchObject([{ index: 0, status: "rejected", code: "event-id-conflict" }]);
  });

  it("accepts nothing of an atomic batch with an invalid event, or of one without a valid one", async () => {
    const audit = await open();
    const events = [{ action: "a" }, { action: "a", level: "LOUD" }];

    const atomic = audit.logBatch(events, { atomic: true });
    await expect(atomic).rejects.toBeInstanceOf(AuditValidationError);
    await expect(atomic).rejects.toMatchObject({ errors: [{ path: "/events/1/level" }] });
    const hopeless = audit.logBatch(events.slice(1));
    await expect(hopeless).rejects.toMatchObject({
      details: { results: [{ index: 0, status: "rejected" }] },
    });
    await expect(audit.logBatch([])).rejects.toMatchObject({ errors: [{ path: "/events" }] });

    expect((await audit.query()).events).toEqual([]);
  });

  it("pages without repeating or skipping, while events arrive", async () => {
    const audit = await open();
    const batch = Array.from({ length: 25 }, (__, n) => ({ event_id: `e-${n}`, action: "a" }));
    await audit.logBatch(batch);

    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof audit.query>> = await audit.query({ cursor, limit: 10 });
      ids.push(...page.events.map(({ event_id }) => event_id));
      cursor = page.next_cursor;
      await audit.log({ action: "later" });
    } while (cursor !== null);

    expect(new Set(ids)).toEqual(new Set(batch.map(({ event_id }) => event_id)));
    expect(ids).toHaveLength(25);
  });

  it("refuses a wrong query by path, and a cursor of another query", async () => {
    const audit = await open();
    await audit.logBatch([{ action: "a" }, { action: "a" }]);
    const { next_cursor: cursor } = await audit.query({ limit: 1 });

    await expect(audit.query({ limit: 0 })).rejects.toMatchObject({
      code: "validation-failed",
      errors: [{ path: "/limit" }],
    });
    await expect(audit.query({ cursor, user_ids: ["x"] })).rejects.toMatchObject({ code: "invalid-cursor" });
  });

  it("knows that an event is not there, and keeps tenants apart", async () => {
    const audit = await open();
    await audit.log({ event_id: "e", action: "a", tenant_id: "acme" });

    expect(await audit.get("e")).toBeUndefined();
    expect(await audit.get("e", { tenantId: "acme" })).toMatchObject({ tenant_id: "acme" });
    expect((await audit.query()).events).toEqual([]);
    expect((await audit.query({ tenant_id: "acme" })).events).toHaveLength(1);
  });

  it("exports everything that matches, as one file in chunks", async () => {
    const audit = await open();
    await audit
      .logBatch(
        Array.from({ length: 500 }, (__, n) => ({
          event_id: `e-${n}`,
          action: n % 2 === 0 ? "even" : "odd, with a comma",
          stack_trace: "x".repeat(20_000),
        })),
      )
      .catch(async () => undefined);
    const stored = (await audit.query({ include_total: true })).total_count;

    const chunks = await Array.fromAsync(audit.exportEvents({ actions: ["odd, with a comma"] }));
    const csv = (await Array.fromAsync(audit.exportEvents({ actions: ["even"] }, "csv"))).join("");

    expect(stored).toBe(500);
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.join("").split("\n").filter(Boolean)).toHaveLength(250);
    expect(csv.match(/^event_id,/gm)).toHaveLength(1);
    expect(csv.match(/^e-\d+,/gm)).toHaveLength(250);
  });

  it("flushes and reports its health", async () => {
    const audit = await open();
    await audit.log({ action: "a" });

    expect(await audit.flush()).toMatchObject({ status: "flushed" });
    expect(await audit.health()).toMatchObject({
      status: "healthy",
      service: { status: "healthy" },
      storage: { status: "healthy" },
      unaccounted_events: 0,
    });
  });

  it("finishes what is under way when it is closed, and refuses what comes after", async () => {
    const audit = await open();

    const logged = Array.from({ length: 20 }, () => audit.log({ action: "a" }));
    await Promise.all([audit.close(), audit.close()]);

    expect(await Promise.all(logged)).toHaveLength(20);
    for (const late of [
      audit.log({ action: "b" }),
      audit.query(),
      audit.get("x"),
      audit.flush(),
      audit.health(),
    ]) {
      await expect(late).rejects.toMatchObject({ code: "closed" });
    }
    await expect(Array.fromAsync(audit.exportEvents())).rejects.toMatchObject({ code: "closed" });
  });
});
