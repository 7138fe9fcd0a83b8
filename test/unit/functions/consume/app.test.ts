// The consume function: what it stores, what it refuses for ever, what fails and comes back; over memory ports with the
// real protocol behind it.
import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { packEvents, packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { freshTenant, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import { LEAST } from "#test/support/event-fixtures.ts";
import { memoryConsumer } from "#test/support/memory-consumer.ts";
import { INTAKE_ARN, sqsRecord } from "#test/support/sqs-events.ts";

const DOWN = new AuditStorageError("storage-unavailable", "made to fail", { retryable: true });

function packed(lines: readonly PreparedLine[]): string {
  const bodies = packLines(lines.map(({ text }) => text));
  if (bodies.length !== 1) throw new Error(`${bodies.length} messages`);
  return bodies[0] ?? "";
}

function bodyOf(texts: readonly string[]): string {
  return packLines(texts)[0] ?? "";
}

const texts = (lines: readonly PreparedLine[]): readonly string[] => lines.map(({ text }) => text);

describe("messages of both queues", () => {
  it("are stored together in one batch", async () => {
    const consumer = memoryConsumer();
    const lines = sampleLines("t", 5);
    const records = [
      sqsRecord(packed(lines.slice(0, 3))),
      sqsRecord(packed(lines.slice(3))),
      sqsRecord(JSON.stringify(LEAST), { queueArn: INTAKE_ARN, messageId: "m-1" }),
      sqsRecord(packEvents(JSON.stringify({ events: [LEAST, LEAST] })), {
        queueArn: INTAKE_ARN,
        messageId: "m-2",
      }),
    ];

    const failures = await consumer.failuresOf({ Records: records });

    expect(failures).toEqual([]);
    expect(consumer.ledger.rows.size).toBe(1);
    expect((await consumer.storedTexts()).slice(0, 5)).toEqual(texts(lines));
    expect([...consumer.table.items.keys()].slice(5)).toEqual([
      "default#sqs:m-1",
      "default#sqs:m-2:0",
      "default#sqs:m-2:1",
    ]);
  });

  it("are told in one metric line", async () => {
    const consumer = memoryConsumer();
    const line = sampleLine({ tenant_id: "t", event_id: "e" });
    const other = sampleLine({ tenant_id: "t", event_id: "e", message: "other" });
    await consumer.consume({ Records: [sqsRecord(packed([line]))] });
    const nowMs = consumer.time.clock.nowMs();

    await consumer.consume({
      Records: [
        sqsRecord(packed([line, other, sampleLine({ tenant_id: "t", event_id: "f" })]), {
          sentAtMs: nowMs - 1500,
        }),
        sqsRecord("no lines", { sentAtMs: nowMs - 10 }),
        sqsRecord("L2z.AAAA", { sentAtMs: nowMs }),
      ],
    });

    expect(consumer.lastMetrics()).toMatchObject({
      EventsStored: 1,
      EventsDuplicate: 1,
      EventsConflicting: 1,
      EventsQuarantined: 1,
      EventsUnindexed: 0,
      MessagesReceived: 3,
      MessagesFailed: 1,
      BatchesCompleted: 0,
      ArchiveBytes: expect.any(Number) as number,
      QueueAgeMs: 1500,
    });
  });

  it("store nothing and fail nothing where there are none", async () => {
    const consumer = memoryConsumer();

    expect(await consumer.failuresOf({ Records: [] })).toEqual([]);
    expect(await consumer.failuresOf({ Records: [sqsRecord(bodyOf([""]))] })).toEqual([]);
    expect(consumer.ledger.rows.size).toBe(0);
  });

  it("that hold more lines than a batch takes are stored in several", async () => {
    const consumer = memoryConsumer();
    const lines = sampleLines("t", 6_000);

    const failures = await consumer.failuresOf({ Records: [sqsRecord(packed(lines))] });

    expect(failures).toEqual([]);
    expect([...consumer.ledger.rows.values()].map(({ lineCount }) => lineCount)).toEqual([5000, 1000]);
    expect(await consumer.storedTexts()).toEqual(texts(lines));
  });
});

describe("messages that unpack to much", () => {
  it("are never in memory all at once", async () => {
    const sizes: number[] = [];
    const consumer = memoryConsumer({
      override: ({ persist }) => ({
        persist: (lines) => {
          sizes.push(lines.reduce((bytes, { text }) => bytes + text.length, 0));
          return persist([]);
        },
      }),
    });
    const events = Array.from({ length: 100 }, () => ({ ...LEAST, stack_trace: "x".repeat(50_000) }));
    const body = packEvents(JSON.stringify({ events }));

    await consumer.consume({
      Records: Array.from({ length: 10 }, () => sqsRecord(body, { queueArn: INTAKE_ARN })),
    });

    expect(body.length).toBeLessThan(10_000);
    expect(sizes).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(32 * 1024 * 1024);
  });
});

describe("an event that is delivered again", () => {
  it("is stored once, in whatever groups it comes", async () => {
    const consumer = memoryConsumer();
    const lines = sampleLines("t", 30);
    const groupings = [[30], [7, 7, 16], [1, 28, 1], [10, 10, 10]];

    for (const sizes of groupings) {
      let from = 0;
      const records = sizes.map((size) => sqsRecord(packed(lines.slice(from, (from += size)))));
      expect(await consumer.failuresOf({ Records: records.toReversed() })).toEqual([]);
    }

    expect((await consumer.storedTexts()).toSorted()).toEqual(texts(lines).toSorted());
  });

  it("over intake is stored once, with the salt of the first delivery", async () => {
    const consumer = memoryConsumer();
    const record = sqsRecord(JSON.stringify({ events: [LEAST, { ...LEAST, event_id: "own" }] }), {
      queueArn: INTAKE_ARN,
      messageId: "m-1",
    });
    await consumer.consume({ Records: [record] });
    const first = await consumer.storedTexts();

    await consumer.consume({ Records: [record] });

    expect(await consumer.storedTexts()).toEqual(first);
    expect(first).toHaveLength(2);
  });

  it("is stored once by two consumers that have it at the same time", async () => {
    const shared = memoryConsumer();
    const [one, two] = [memoryConsumer({ shared }), memoryConsumer({ shared })];
    const tenantId = freshTenant();
    const lines = sampleLines(tenantId, 50);

    const failures = await Promise.all([
      one.failuresOf({ Records: [sqsRecord(packed(lines))] }),
      two.failuresOf({
        Records: [sqsRecord(packed(lines.slice(25))), sqsRecord(packed(lines.slice(0, 25)))],
      }),
    ]);

    expect(failures.flat()).toEqual([]);
    expect((await shared.storedTexts()).toSorted()).toEqual(texts(lines).toSorted());
  });
});

describe("what can never be stored", () => {
  it("goes to quarantine alone: 99 good lines beside one bad one are stored", async () => {
    const consumer = memoryConsumer();
    const lines = sampleLines("t", 99);
    const bad = '{"_defaulted":[],"_salt":"","_v":1,"action":"x"}';
    const body = bodyOf([...texts(lines.slice(0, 40)), bad, ...texts(lines.slice(40))]);
    const record = sqsRecord(body, { messageId: "m-1" });

    const failures = await consumer.failuresOf({ Records: [record] });

    expect(failures).toEqual([]);
    expect(await consumer.storedTexts()).toEqual(texts(lines));
    const key = "quarantine/dt=2026-03-01/hh=12/m-1-40.json";
    expect([...consumer.quarantined().keys()]).toEqual([key]);
    expect(consumer.quarantined().get(key)).toMatchObject({
      reason: "damaged-line",
      source: "lines",
      text: bad,
    });
  });

  it.each([
    ["of the queue lines that holds events", packEvents('{"events":[]}')],
    ["of the queue lines that is plain", "hello"],
    ["that is damaged", "L1z.AAAA"],
    [
      "that unpacks to 256 MiB",
      `L1z.${zstdCompressSync(Buffer.alloc(256 * 1024 ** 2, 0x20)).toString("base64")}`,
    ],
  ])("such as a message %s goes there whole", async (_, body) => {
    const consumer = memoryConsumer();

    const failures = await consumer.failuresOf({ Records: [sqsRecord(body, { messageId: "m-1" })] });

    expect(failures).toEqual([]);
    expect([...consumer.quarantined().values()]).toMatchObject([{ reason: "damaged-message", text: body }]);
  });

  it("is told of intake by its code, and once however often it comes", async () => {
    const consumer = memoryConsumer();
    const body = JSON.stringify({ events: [LEAST, { action: 1 }, 7] });
    const record = sqsRecord(body, { queueArn: INTAKE_ARN, messageId: "m-1" });

    await consumer.consume({ Records: [record] });
    await consumer.consume({ Records: [record] });

    expect([...consumer.quarantined().values()]).toMatchObject([
      { reason: "validation-failed", source: "intake", text: '{"action":1}' },
      { reason: "validation-failed", source: "intake", text: "7" },
    ]);
    expect(consumer.table.items.size).toBe(1);
  });

  it("includes stored lines that come over intake: only the service may send them", async () => {
    const consumer = memoryConsumer();
    const record = sqsRecord(packed(sampleLines("t", 3)), { queueArn: INTAKE_ARN });

    await consumer.consume({ Records: [record] });

    expect(consumer.table.items.size).toBe(0);
    expect(consumer.quarantined().size).toBe(1);
  });

  it("keeps its message in the queue until the quarantine has it", async () => {
    const consumer = memoryConsumer({
      override: () => ({
        quarantine: async () => {
          throw DOWN;
        },
      }),
    });

    expect(await consumer.failuresOf({ Records: [sqsRecord("hello", { messageId: "m-1" })] })).toEqual([
      "m-1",
    ]);
  });
});

describe("a message of a newer release", () => {
  it.each([
    ["format", "L2z.AAAA"],
    ["line version", bodyOf([sampleLine({}).text, sampleLine({}).text.replace('"_v":1', '"_v":2')])],
  ])("known by its %s fails alone, loudly, and nothing of it is stored", async (_, body) => {
    const consumer = memoryConsumer();
    const good = sampleLine({ tenant_id: "t" });
    const records = [sqsRecord(body, { messageId: "newer" }), sqsRecord(packed([good]))];

    const failures = await consumer.failuresOf({ Records: records });

    expect(failures).toEqual(["newer"]);
    expect(await consumer.storedTexts()).toEqual([good.text]);
    expect(consumer.quarantined().size).toBe(0);
    expect(consumer.logs).toMatchObject([{ level: "error", message_id: "newer" }]);
  });
});

describe("what is logged", () => {
  it("holds nothing of an event", async () => {
    const secret = hash("sha256", "a secret").slice(0, 20);
    const consumer = memoryConsumer({
      override: () => ({
        persist: async (lines) => {
          throw new TypeError(`cannot read ${lines[0]?.text ?? ""}`);
        },
      }),
    });
    const records = [
      sqsRecord(packed([sampleLine({ user_id: secret })])),
      sqsRecord(`{"action":"${secret}`, { queueArn: INTAKE_ARN }),
      sqsRecord(JSON.stringify({ ...LEAST, message: secret }), { queueArn: INTAKE_ARN }),
    ];

    await consumer.consume({ Records: records });

    const said = JSON.stringify([consumer.logs, consumer.lastMetrics()]);
    expect(consumer.logs).toHaveLength(1);
    expect(said).toContain("TypeError");
    expect(said).not.toContain(secret);
  });
});
