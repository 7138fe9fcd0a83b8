// Accepting events: what is sent to the queue, and what the answer says of each.
import { describe, expect, it } from "vitest";
import { AuditStorageError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { Accept } from "#service/accept.ts";
import { createAccept } from "#service/accept.ts";
import { LEAST } from "#test/support/event-fixtures.ts";
import { withFaults } from "#test/support/faults.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const NO_KEYS = { caller: { tenantId: undefined } };
const ACME = { caller: { tenantId: "acme" } };

describe("one", () => {
  it("stamps the event with the service's clock and an id of its own", async () => {
    const { accept, store } = fixture();

    const taken = await accept.one(LEAST, NO_KEYS);

    const event = JSON.parse(taken.json);
    expect(event).toMatchObject({ ...LEAST, received_at: "2026-03-01T12:00:00.000Z", tenant_id: "default" });
    expect(event.timestamp).toBe(event.received_at);
    expect(event.event_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(taken).toMatchObject({
      eventId: event.event_id,
      contentHash: event.content_hash,
      isDuplicate: false,
    });
    expect(store.lines).toHaveLength(1);
  });

  it("answers the stored event, not the one that was sent again later", async () => {
    const { accept, pass } = fixture();
    const event = { ...LEAST, event_id: "a" };
    const first = await accept.one(event, NO_KEYS);
    pass(1000);

    const second = await accept.one(event, NO_KEYS);

    expect(second).toEqual({ ...first, isDuplicate: true });
  });

  it("takes the tenant of the key, and refuses another one in the body", async () => {
    const { accept } = fixture();

    expect(JSON.parse((await accept.one(LEAST, ACME)).json).tenant_id).toBe("acme");
    await expect(accept.one({ ...LEAST, tenant_id: "other" }, ACME)).rejects.toMatchObject({
      code: "validation-failed",
      errors: [{ path: "/tenant_id" }],
    });
  });

  it("sends nothing where the JSON reader found what the value does not show", async () => {
    const { accept, store } = fixture();
    const problems = [{ path: "/metadata/a", message: "is given twice" }];

    await expect(accept.one(LEAST, { ...NO_KEYS, problems })).rejects.toMatchObject({ errors: problems });
    expect(store.lines).toEqual([]);
  });

  it("passes on what the queue throws", async () => {
    const { accept, faulty } = fixture();
    faulty.fail(
      "send",
      new AuditStorageError("storage-unavailable", "the disk is full", { retryable: true }),
    );

    await expect(accept.one(LEAST, NO_KEYS)).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
  });
});

describe("batch", () => {
  it("sends the valid events in one call and says what is wrong with the others", async () => {
    const { accept, faulty } = fixture();
    const events = [{ ...LEAST, event_id: "a" }, { action: "x" }, { ...LEAST, event_id: "b" }];

    const { results, eventIds } = await accept.batch({ events }, NO_KEYS);

    expect(eventIds).toEqual(["a", "b"]);
    expect(results).toEqual([
      { index: 0, status: "accepted", event_id: "a" },
      {
        index: 1,
        status: "rejected",
        code: "validation-failed",
        errors: [expect.objectContaining({ path: "/service_name" })],
      },
      { index: 2, status: "accepted", event_id: "b" },
    ]);
    expect(faulty.calls("send")).toBe(1);
  });

  it("reads a body as text, and gives what its value does not show to the event it is about", async () => {
    const { accept } = fixture();
    const text = `{"events":[{"action":"a","service_name":"s","event_id":"a"},{"action":"a","action":"b","service_name":"s"}]}`;

    const { results } = await accept.batch({ text }, NO_KEYS);

    expect(results[0]?.status).toBe("accepted");
    expect(results[1]).toMatchObject({ status: "rejected", errors: [{ path: "/action" }] });
  });

  it("rejects what the queue finds in conflict, and counts duplicates", async () => {
    const { accept } = fixture();
    const event = { ...LEAST, event_id: "a" };
    await accept.one(event, NO_KEYS);

    const { results, eventIds, duplicateCount } = await accept.batch(
      { events: [event, { ...event, action: "other" }] },
      NO_KEYS,
    );

    expect([eventIds, duplicateCount]).toEqual([["a"], 1]);
    expect(results[1]).toMatchObject({ status: "rejected", event_id: "a", code: "event-id-conflict" });
  });

  it("refuses as a whole, with the results, where none is valid", async () => {
    const { accept, store } = fixture();

    await expect(accept.batch({ events: [{}, 7] }, NO_KEYS)).rejects.toMatchObject({
      code: "validation-failed",
      details: { events_logged: 0, event_ids: [], results: [{ index: 0 }, { index: 1 }] },
      errors: expect.arrayContaining([
        expect.objectContaining({ path: "/events/0/action" }),
        expect.objectContaining({ path: "/events/1" }),
      ]),
    });
    expect(store.lines).toEqual([]);
  });

  it("sends nothing of a batch that is atomic and not wholly valid", async () => {
    const { accept, store } = fixture();

    const refused = accept.batch({ events: [LEAST, {}] }, { ...NO_KEYS, isAtomic: true });

    await expect(refused).rejects.toMatchObject({
      code: "validation-failed",
      details: { results: [{ index: 1 }] },
    });
    expect(store.lines).toEqual([]);
  });

  it.each([0, 1001])("refuses %i events", async (count) => {
    const { accept } = fixture();
    const events = Array.from({ length: count }, () => LEAST);

    await expect(accept.batch({ events }, NO_KEYS)).rejects.toMatchObject({ errors: [{ path: "/events" }] });
  });

  it("takes 1,000 events, with ids that keep their order", async () => {
    const { accept } = fixture();
    const events = Array.from({ length: 1000 }, () => LEAST);

    const { eventIds } = await accept.batch({ events }, NO_KEYS);

    expect(new Set(eventIds).size).toBe(1000);
    expect(eventIds.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(eventIds);
  });
});

describe("an idempotency key", () => {
  it("is the id of the event that has none, and with its index in a batch", async () => {
    const { accept } = fixture();
    const options = { ...NO_KEYS, idempotencyKey: '"k"' };

    expect((await accept.one(LEAST, options)).eventId).toBe("k");
    expect((await accept.one({ ...LEAST, event_id: "own" }, options)).eventId).toBe("own");
    expect((await accept.batch({ events: [LEAST, LEAST] }, options)).eventIds).toEqual(["k:0", "k:1"]);
  });

  it.each(["", '"', '""', "a b", "..", "export", "k".repeat(121)])(
    "is refused where it is %j",
    async (idempotencyKey) => {
      const { accept } = fixture();

      await expect(accept.one(LEAST, { ...NO_KEYS, idempotencyKey })).rejects.toMatchObject({
        code: "validation-failed",
      });
    },
  );

  it("may have 120 characters", async () => {
    const { accept } = fixture();
    const idempotencyKey = "k".repeat(120);

    expect((await accept.batch({ events: [LEAST] }, { ...NO_KEYS, idempotencyKey })).eventIds).toEqual([
      `${idempotencyKey}:0`,
    ]);
  });
});

interface Fixture {
  readonly accept: Accept;
  readonly store: MemoryStore;
  readonly faulty: ReturnType<typeof withFaults<MemoryStore>>;
  readonly pass: (ms: number) => void;
}

function fixture(): Fixture {
  const store = new MemoryStore();
  const faulty = withFaults(store);
  const { clock, pass } = virtualTime();
  const identifiers = createIdentifiers({ ...clock, fillRandom: (bytes) => bytes.fill(7) });
  return { accept: createAccept({ queue: faulty.port, clock, identifiers }), store, faulty, pass };
}
