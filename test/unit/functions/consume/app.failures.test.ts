// Failures of the consume function: which messages come back, how late, and that one bad message stands alone in the end.
import type { SQSRecord } from "aws-lambda";
import { describe, expect, it } from "vitest";

import { packLines } from "#event/message.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { Persist } from "#service/persist.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import type { MemoryConsumer } from "#test/support/memory-consumer.ts";
import { memoryConsumer } from "#test/support/memory-consumer.ts";
import { INTAKE_ARN, LINES_ARN, sqsRecord } from "#test/support/sqs-events.ts";

const DOWN = new AuditStorageError("storage-unavailable", "made to fail", { retryable: true });

/** A message of one line whose event is called as the message is. */
function message(messageId: string, receiveCount = 1): SQSRecord {
  const [body = ""] = packLines([sampleLine({ tenant_id: "t", event_id: messageId }).text]);
  return sqsRecord(body, { messageId, receiveCount });
}

/** A consumer whose protocol fails as `failure` says of the ids that it is given. */
function consumerFailing(failure: (ids: readonly string[]) => Error | undefined): MemoryConsumer {
  return memoryConsumer({
    override: ({ persist }): { readonly persist: Persist } => ({
      persist: async (lines) => {
        const error = failure(lines.map(({ event }) => event.event_id));
        if (error !== undefined) throw error;
        return persist(lines);
      },
    }),
  });
}

const idsIn = ({ table }: MemoryConsumer): readonly string[] =>
  [...table.items.values()].map(({ eventId }) => eventId).toSorted();

describe("when the store is down", () => {
  it("every message fails, none is lost, and all are stored once when it is back", async () => {
    let isDown = true;
    const consumer = consumerFailing(() => (isDown ? DOWN : undefined));
    const records = Array.from({ length: 40 }, (_, index) => message(`m-${index}`));

    const failures = await consumer.failuresOf({ Records: records });
    isDown = false;
    const again = await consumer.failuresOf({ Records: records });

    expect(failures).toEqual(records.map(({ messageId }) => messageId));
    expect(again).toEqual([]);
    expect(consumer.table.items.size).toBe(40);
  });

  it("the failure is a warning, for it heals itself", async () => {
    const consumer = consumerFailing(() => DOWN);

    await consumer.consume({ Records: [message("a"), message("b")] });

    expect(consumer.logs).toEqual([
      {
        level: "warn",
        message: "messages will be tried again",
        messages: 2,
        first_message_id: "a",
        error: "made to fail",
        code: "storage-unavailable",
      },
    ]);
  });

  it.each([
    [1, 8],
    [2, 15],
    [5, 120],
    [8, 675],
    [60, 675],
  ])("a message that was received %i times comes back in %i s", async (receiveCount, delayS) => {
    const consumer = consumerFailing(() => DOWN);

    await consumer.consume({ Records: [message("a", receiveCount)] });

    expect(consumer.retried).toEqual([{ queueArn: LINES_ARN, receiptHandle: "receipt of a", delayS }]);
  });

  it.each([
    [0, 450],
    [1, 900],
  ])("a message is never put off for longer than 15 minutes, chance %i", async (chance, delayS) => {
    const consumer = memoryConsumer({
      override: () => ({
        random: () => chance,
        persist: async () => {
          throw DOWN;
        },
      }),
    });

    await consumer.consume({ Records: [message("a", 12)] });

    expect(consumer.retried).toMatchObject([{ delayS }]);
  });

  it("messages fail all the same where they cannot be put off", async () => {
    const consumer = memoryConsumer({
      override: () => ({
        persist: async () => {
          throw DOWN;
        },
        retryLater: async () => {
          throw DOWN;
        },
      }),
    });

    expect(await consumer.failuresOf({ Records: [message("a")] })).toEqual(["a"]);
    expect(consumer.logs.map(({ message: said }) => said)).toContain(
      "messages come back when their visibility ends",
    );
  });
});

describe("a message that trips a fault", () => {
  const bug = (ids: readonly string[]): Error | undefined =>
    ids.includes("bad") ? new TypeError("x is undefined") : undefined;

  it("drags its group with it at first, as an error that a human must see", async () => {
    const consumer = consumerFailing(bug);

    const failures = await consumer.failuresOf({ Records: [message("a"), message("bad")] });

    expect(failures).toEqual(["a", "bad"]);
    expect(consumer.logs).toMatchObject([{ level: "error", error: "TypeError" }]);
  });

  it("fails alone from the third delivery on", async () => {
    const consumer = consumerFailing(bug);
    const records = ["a", "b", "bad", "c", "d"].map((messageId) => message(messageId, 3));

    const failures = await consumer.failuresOf({ Records: [...records, message("fresh")] });

    expect(failures).toEqual(["bad"]);
    expect(idsIn(consumer)).toEqual(["a", "b", "c", "d", "fresh"]);
    expect(consumer.retried).toHaveLength(1);
  });

  it("fails alone also where its fault looks like one that time heals", async () => {
    const consumer = consumerFailing((ids) => (ids.includes("bad") ? DOWN : undefined));
    const records = ["bad", "a", "b"].map((messageId) => message(messageId, 4));

    expect(await consumer.failuresOf({ Records: records })).toEqual(["bad"]);
    expect(idsIn(consumer)).toEqual(["a", "b"]);
  });

  it("fails alone where it is its content that cannot be worked on", async () => {
    const consumer = memoryConsumer({
      override: ({ identifiers }) => {
        let calls = 0;
        const newSalt = (): string => {
          if (++calls === 2) throw new TypeError("x is undefined");
          return identifiers.newSalt();
        };
        return { identifiers: { ...identifiers, newSalt } };
      },
    });
    const records = ["a", "bad", "b"].map((messageId) =>
      sqsRecord('{"action":"x","service_name":"s"}', { messageId, queueArn: INTAKE_ARN }),
    );

    expect(await consumer.failuresOf({ Records: records })).toEqual(["bad"]);
    expect(idsIn(consumer)).toEqual(["sqs:a", "sqs:b"]);
    expect(consumer.logs).toMatchObject([{ level: "error", error: "TypeError", first_message_id: "bad" }]);
  });
});

describe("more than there is time for", () => {
  it("is stored as far as time goes and acknowledged so far; the rest comes back, unread", async () => {
    const consumer = memoryConsumer({
      override: ({ persist }) => ({
        persist: async (lines) => {
          consumer.time.pass(25_000);
          return persist(lines);
        },
      }),
    });
    const texts = Array.from({ length: 3000 }, (_, at) => sampleLine({ event_id: `e-${at}` }).text);
    const [body = ""] = packLines(texts);
    const records = ["a", "b", "c", "d", "e"].map((messageId) => sqsRecord(body, { messageId }));

    const failures = await consumer.failuresOf({ Records: records });

    expect(failures).toEqual(["d", "e"]);
    expect(consumer.retried).toHaveLength(2);
    expect(consumer.logs).toMatchObject([
      { level: "warn", messages: 1 },
      { level: "warn", messages: 1 },
    ]);
  });
});

describe("lines of many bytes in few characters", () => {
  it("are counted in bytes, so that no batch is larger than an object may be", async () => {
    const batches: number[] = [];
    const consumer = memoryConsumer({
      override: ({ persist }) => ({
        persist: async (lines) => {
          batches.push(lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0));
          return persist(lines);
        },
      }),
    });
    const records = Array.from({ length: 12 }, (_, at) => {
      const texts = Array.from(
        { length: 200 },
        (__, n) => sampleLine({ event_id: `e-${at}-${n}`, message: "語".repeat(10_000) }).text,
      );
      const [body = ""] = packLines(texts);
      return sqsRecord(body, { messageId: `m-${at}` });
    });

    expect(await consumer.failuresOf({ Records: records })).toEqual([]);
    expect(batches).toHaveLength(3);
    expect(Math.max(...batches)).toBeLessThanOrEqual(32 * 1024 * 1024);
  });
});
