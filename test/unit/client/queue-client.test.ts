// The client that writes through a queue: what it sends, what it refuses, and how it behaves where the queue is away.
import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import type { QueueClientOptions } from "#client/queue-client.ts";
import { createQueueClient } from "#client/queue-client.ts";
import type { AuditService } from "#client/audit-service.ts";
import { chunksOf, unpackMessage } from "#event/message.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { stampIntake } from "#service/intake.ts";
import { createEmbeddedService } from "#infra/local/embedded.ts";
import { MemoryStore } from "#test/support/memory-store.ts";

interface SentEvent {
  readonly event_id: string;
  readonly action: string;
}

interface Setup {
  readonly audit: AuditService;
  readonly bodies: string[];
  readonly sent: () => readonly SentEvent[];
}

function setUp(options: Partial<QueueClientOptions> = {}): Setup {
  const bodies: string[] = [];
  const audit = createQueueClient({
    sendMessage: async (body) => void bodies.push(body),
    serviceName: "shop",
    retryDelayMs: 0,
    ...options,
  });
  return { audit, bodies, sent: () => bodies.flatMap(eventsOf) };
}

function eventsOf(body: string): readonly SentEvent[] {
  const message = unpackMessage(body);
  if (message.kind !== "events") throw new Error(`the message is ${message.kind}`);
  return (JSON.parse(message.json) as { readonly events: readonly SentEvent[] }).events;
}

describe("the client through a queue", () => {
  it("sends what is logged in packed messages, with ids of its own", async () => {
    const { audit, bodies, sent } = setUp();

    const receipts = await Promise.all(
      Array.from({ length: 100 }, (_, index) => audit.log({ action: `a-${index}` })),
    );

    expect(bodies).toHaveLength(1);
    expect(sent().map(({ event_id: id }) => id)).toEqual(receipts.map(({ event_id: id }) => id));
    expect(new Set(receipts.map(({ event_id: id }) => id)).size).toBe(100);
  });

  it("sends what the consumer of the queue takes as it is", async () => {
    const { audit, bodies } = setUp();

    await audit.logBatch([audit.event().action("login").user("ada"), { action: "logout", event_id: "e-2" }]);

    const identifiers = createIdentifiers({ nowMs: () => 0, fillRandom: (bytes) => bytes.fill(1) });
    const message = { messageId: "m-1", senderId: "AROA", sentAtMs: Date.now(), body: bodies[0] ?? "" };
    expect(stampIntake(message, { tenants: {}, identifiers })).toMatchObject({
      kind: "stamped",
      lines: [
        { event: { action: "login", user_id: "ada", service_name: "shop" } },
        { event: { event_id: "e-2" } },
      ],
      refused: [],
    });
  });

  it("refuses by field what the service would put into quarantine, and sends the rest", async () => {
    const { audit, sent } = setUp();

    const single = audit.log({ action: " " });
    const batch = await audit.logBatch([{ action: "a" }, { action: "b", level: "LOUD" }]);

    await expect(single).rejects.toMatchObject({ code: "validation-failed", errors: [{ path: "/action" }] });
    expect(batch).toMatchObject({
      events_logged: 1,
      results: [{ status: "accepted" }, { index: 1, status: "rejected", errors: [{ path: "/level" }] }],
    });
    expect(sent().map(({ action }) => action)).toEqual(["a"]);
  });

  it("sends nothing of an atomic batch of which one event is not valid", async () => {
    const { audit, bodies } = setUp();

    const sending = audit.logBatch([{ action: "a" }, { action: "" }], { atomic: true });

    await expect(sending).rejects.toMatchObject({ code: "validation-failed" });
    expect(bodies).toEqual([]);
  });

  it("splits what does not fit into one message", async () => {
    const { audit, bodies, sent } = setUp();
    const drafts = Array.from({ length: 160 }, (_, at) => ({
      action: `a-${at}`,
      message: randomBytes(6750).toString("base64"),
    }));

    await audit.logBatch(drafts);

    expect(bodies.length).toBeGreaterThan(1);
    expect(Math.max(...bodies.map(chunksOf))).toBeLessThanOrEqual(16);
    expect(sent().map(({ action }) => action)).toEqual(drafts.map(({ action }) => action));
  });

  it("tries again where the queue does not answer, with the same message", async () => {
    const tried: string[] = [];
    const { audit } = setUp({
      sendMessage: async (body) => {
        tried.push(body);
        if (tried.length < 3) throw new Error("connection lost");
      },
    });

    await audit.log({ action: "a" });

    expect(tried).toHaveLength(3);
    expect(new Set(tried).size).toBe(1);
  });

  it("gives up at last and says why, and at once where a repetition cannot help", async () => {
    let tries = 0;
    const away = setUp({
      maxRetries: 2,
      sendMessage: async () => {
        tries++;
        throw new Error("connection lost");
      },
    });
    const denied = setUp({
      sendMessage: async () => {
        tries++;
        throw new AuditServiceError("forbidden", "no access");
      },
    });

    await expect(away.audit.log({ action: "a" })).rejects.toMatchObject({
      code: "unreachable",
      message: "the queue did not take the events: connection lost",
    });
    await expect(denied.audit.log({ action: "a" })).rejects.toMatchObject({ code: "forbidden" });
    expect(tries).toBe(4);
  });

  it("says how to read where it only writes, and flushes without a claim", async () => {
    const { audit } = setUp();

    await expect(audit.query()).rejects.toThrow("give the client `reads`");
    await expect(audit.get("x")).rejects.toMatchObject({ code: "invalid-configuration" });
    await expect(audit.health()).rejects.toMatchObject({ code: "invalid-configuration" });
    await expect(Array.fromAsync(audit.exportEvents())).rejects.toThrow("an export");
    await expect(audit.proof("x")).rejects.toThrow("a proof");
    await expect(audit.line("x")).rejects.toMatchObject({ code: "invalid-configuration" });
    await expect(Array.fromAsync(audit.feed())).rejects.toThrow("a feed");
    expect(await audit.flush()).toEqual({ status: "pending" });
  });

  it("reads through another client where it is given one, and closes it", async () => {
    const store = new MemoryStore();
    const reads = createEmbeddedService({
      queue: store,
      store,
      serviceName: "x",
      letGo: async () => undefined,
    });
    await reads.log({ action: "stored", event_id: "e-1" });
    const { audit } = setUp({ reads });

    const found = await audit.get("e-1");
    const page = await audit.query();
    const flushed = await audit.flush();
    const fed = await Array.fromAsync(audit.feed());
    const line = await audit.line("e-1");
    await audit.close();

    expect([found?.action, page.events.length, flushed.status]).toEqual(["stored", 1, "flushed"]);
    expect([fed, line]).toEqual([[], store.lines[0]?.text]);
    await expect(reads.query()).rejects.toMatchObject({ code: "closed" });
    await expect(audit.log({ action: "a" })).rejects.toMatchObject({ code: "closed" });
  });

  it("names every option that does not fit", () => {
    const make = (): unknown => createQueueClient({ sendMessage: 1 as never, batchSize: 0 });

    expect(make).toThrow(/sendMessage is 1; expected a function .*\n.*batchSize is 0/);
  });
});
