// The queue over SQS keeps the contract of EventQueue together with the consume function, which stores what it brings:
// the suite looks at what became of the lines, so every look first consumes all that waits.
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createPostpone } from "#adapters/aws/sqs-visibility.ts";
import type { SqsSender } from "#adapters/aws/sqs-client.ts";
import { createSqsEventQueue } from "#adapters/aws/sqs-event-queue.ts";
import { eventQueueContract } from "#test/contract/event-queue.ts";
import { sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import type { SqsStandIn, StandInQueue } from "#test/support/fauxqs.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import { withFaults } from "#test/support/faults.ts";
import { memoryConsumer } from "#test/support/memory-consumer.ts";
import { LINES_ARN, receiveEvent, settle } from "#test/support/sqs-events.ts";

const MANY_CALLS = 1000;

/** An error as the SDK throws it. */
function vendorError(name: string): Error {
  return Object.assign(new Error("made to fail"), { name, $metadata: { httpStatusCode: 503 } });
}

eventQueueContract("the queue over SQS", async () => {
  const standIn = await startSqsStandIn();
  const queue = await standIn.createQueue("lines");
  const consumer = memoryConsumer();
  const { port: client, fail, heal } = withFaults<SqsSender>(standIn.client);
  const consumeAll = async (): Promise<void> => {
    const event = await receiveEvent(standIn.client, queue);
    await settle(standIn.client, queue, { event, response: await consumer.consume(event) });
  };
  const open = () => createSqsEventQueue({ client, queueUrl: queue.url });
  let opened = open();
  return {
    queue: { send: (lines) => opened.send(lines) },
    stored: async ({ tenantId, eventId }) => {
      await consumeAll();
      return consumer.table.items.get(`${tenantId}#${eventId}`)?.text;
    },
    storedOf: async (tenantId) => {
      await consumeAll();
      return (await consumer.storedTexts()).filter((text) => text.includes(`"tenant_id":"${tenantId}"`));
    },
    knowsAtOnce: false,
    crash: async () => {
      opened = open();
    },
    breakStorage: () => {
      fail("send", vendorError("ServiceUnavailable"), MANY_CALLS);
      return heal;
    },
    close: () => standIn.close(),
  };
});

describe("the queue over SQS", () => {
  let standIn: SqsStandIn;
  let lines: StandInQueue;

  beforeAll(async () => {
    standIn = await startSqsStandIn();
    lines = await standIn.createQueue("lines");
  });

  afterAll(async () => {
    await standIn.close();
  });

  it("sends a batch of 100 events as one message", async () => {
    const queue = createSqsEventQueue({ client: standIn.client, queueUrl: lines.url });

    await queue.send(sampleLines("t", 100));

    const { Records: records } = await receiveEvent(standIn.client, lines);
    expect(records.map(({ eventSourceARN }) => eventSourceARN)).toEqual([LINES_ARN]);
  });

  it.each([
    ["RequestThrottled", { code: "overloaded", retryable: true, retryAfterS: 1 }],
    ["ServiceUnavailable", { code: "storage-unavailable", retryable: true }],
    ["QueueDoesNotExist", { code: "storage-unavailable" }],
  ])("rejects when SQS answers %s", async (name, error) => {
    const { port: client, fail } = withFaults<SqsSender>(standIn.client);
    fail("send", vendorError(name));
    const queue = createSqsEventQueue({ client, queueUrl: lines.url });

    const sending = queue.send([sampleLine({})]);

    await expect(sending).rejects.toMatchObject(error);
  });

  it("does not say that nothing was taken when a later message is refused", async () => {
    const client: SqsSender = refusingAfterFirst(standIn.client);
    const queue = createSqsEventQueue({ client, queueUrl: lines.url });
    const large = Array.from({ length: 200 }, (_, index) =>
      sampleLine({
        event_id: `e-${index}`,
        metadata: { x: "漢".repeat(10_000) },
        stack_trace: "y".repeat(50_000),
      }),
    );

    const sending = queue.send(large);

    await expect(sending).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
  });

  it("puts failed messages off, more than one call can name", async () => {
    const queue = await standIn.createQueue("postponed", { VisibilityTimeout: "600" });
    for (let index = 0; index < 12; index++)
      await standIn.client.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: `m ${index}` }));
    const { Records: records } = await receiveEvent(standIn.client, queue);
    const hidden = await receiveEvent(standIn.client, queue);

    const postpone = createPostpone({ client: standIn.client, queueUrl: queue.url });
    await postpone(records.map(({ receiptHandle }) => ({ receiptHandle, delayS: 0 })));

    expect([records.length, hidden.Records.length]).toEqual([12, 0]);
    const again = await receiveEvent(standIn.client, queue);
    expect(again.Records.map(({ attributes }) => attributes.ApproximateReceiveCount)).toEqual(
      records.map(() => "2"),
    );
  });

  it("says that messages could not be put off", async () => {
    const postpone = createPostpone({ client: standIn.client, queueUrl: lines.url });

    const putting = postpone([{ receiptHandle: "unknown", delayS: 5 }]);

    await expect(putting).rejects.toMatchObject({ code: "storage-unavailable" });
  });
});

function refusingAfterFirst(client: SqsSender): SqsSender {
  const { port, fail } = withFaults<SqsSender>(client);
  const send = async (...args: Parameters<SqsSender["send"]>): Promise<unknown> => {
    const answer: unknown = await (port.send as (...given: unknown[]) => Promise<unknown>)(...args);
    fail("send", vendorError("RequestThrottled"), MANY_CALLS);
    return answer;
  };
  return { send } as SqsSender;
}
