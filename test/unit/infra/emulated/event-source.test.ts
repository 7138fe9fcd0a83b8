// A queue that feeds a function: what the function names as failed stays, everything else is deleted.
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { clientOptions } from "#infra/emulated/config.ts";
import type { EventSourceOptions } from "#infra/emulated/event-source.ts";
import { startEventSource } from "#infra/emulated/event-source.ts";
import type { SqsStandIn } from "#infra/emulated/stand-ins.ts";
import { startSqs } from "#infra/emulated/stand-ins.ts";

interface QueueRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly eventSourceARN: string;
}

/** What the function is asked to do with the messages it gets. */
type Handler = (records: readonly QueueRecord[]) => unknown;

let sqs: SqsStandIn;
let client: SQSClient;
let queues = 0;

beforeAll(async () => {
  sqs = await startSqs();
  client = new SQSClient(clientOptions(sqs.url));
});

afterAll(async () => {
  client.destroy();
  await sqs.stop();
});

async function newQueue(visibilitySeconds = 30): Promise<string> {
  queues++;
  const Attributes = { VisibilityTimeout: String(visibilitySeconds) };
  const { QueueUrl = "" } = await client.send(
    new CreateQueueCommand({ QueueName: `queue-${queues}`, Attributes }),
  );
  return QueueUrl;
}

async function send(QueueUrl: string, count: number, body = "message"): Promise<void> {
  for (let at = 0; at < count; at += 10) {
    const Entries = Array.from({ length: Math.min(10, count - at) }, (_, index) => ({
      Id: String(index),
      MessageBody: `${body} ${at + index}`,
    }));
    await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

async function depths(
  QueueUrl: string,
): Promise<readonly [ready: string | undefined, hidden: string | undefined]> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  return [Attributes?.ApproximateNumberOfMessages, Attributes?.ApproximateNumberOfMessagesNotVisible];
}

/** Starts a source; answers the batches that the function has been given. */
function feed(
  queueUrl: string,
  handler: Handler,
  options: Partial<EventSourceOptions> = {},
): QueueRecord[][] {
  const batches: QueueRecord[][] = [];
  const source = startEventSource({
    client,
    queueUrl,
    queueArn: "arn:aws:sqs:us-east-1:000000000000:tested",
    target: {
      name: "tested",
      arn: "arn",
      invoke: async (event) => {
        const { Records } = event as { readonly Records: QueueRecord[] };
        batches.push(Records);
        return handler(Records);
      },
      killBusy: async () => 0,
      stop: async () => undefined,
    },
    maxMessages: 100,
    windowMs: 0,
    maxConcurrency: 2,
    takesPartialFailures: true,
    onProblem: () => undefined,
    ...options,
  });
  onTestFinished(() => source.stop());
  return batches;
}

describe("an event source", () => {
  it("hands messages over in one batch, as Lambda shows them, and deletes them", async () => {
    const queue = await newQueue();
    await send(queue, 25);

    const batches = feed(queue, () => undefined);

    await vi.waitFor(async () => expect(await depths(queue)).toEqual(["0", "0"]), 5000);
    expect(batches.flat().map(({ body }) => body)).toHaveLength(25);
    expect(batches).toHaveLength(1);
    expect(batches[0]?.[0]).toMatchObject({
      body: "message 0",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:tested",
      attributes: { ApproximateReceiveCount: "1", SentTimestamp: expect.stringMatching(/^\d{13}$/) },
    });
  });

  it("never hands over more than its batch size", async () => {
    const queue = await newQueue();
    await send(queue, 25);

    const batches = feed(queue, () => undefined, { maxMessages: 12 });

    await vi.waitFor(async () => expect(await depths(queue)).toEqual(["0", "0"]), 5000);
    expect(batches.map((batch) => batch.length)).toEqual([12, 12, 1]);
  });

  it("never hands over more than Lambda takes in one invocation", async () => {
    const queue = await newQueue();
    for (let count = 0; count < 8; count++) await send(queue, 1, "x".repeat(1_000_000));

    const batches = feed(queue, () => undefined);

    await vi.waitFor(async () => expect(await depths(queue)).toEqual(["0", "0"]), 5000);
    expect(batches.map((batch) => batch.length)).toEqual([3, 3, 2]);
  });

  it("leaves what the function names as failed, and hands it over again when its time has come", async () => {
    const queue = await newQueue(1);
    await send(queue, 3);
    let failures = 1;

    const batches = feed(queue, (records) => {
      const failed = failures-- > 0 ? records.slice(0, 1) : [];
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });

    await vi.waitFor(async () => expect(await depths(queue)).toEqual(["0", "0"]), 5000);
    expect(batches.map((batch) => batch.length)).toEqual([3, 1]);
    expect(batches[1]?.[0]?.attributes["ApproximateReceiveCount"]).toBe("2");
  });

  it.each<[string, Handler]>([
    ["throws", () => Promise.reject(new Error("down"))],
    ["names a message that it was not given", () => ({ batchItemFailures: [{ itemIdentifier: "other" }] })],
    ["answers nonsense", () => ({ batchItemFailures: "all" })],
  ])("deletes nothing where the function %s", async (_, handler) => {
    const queue = await newQueue();
    await send(queue, 3);

    const batches = feed(queue, handler);

    await vi.waitFor(() => expect(batches).toHaveLength(1), 5000);
    expect(await depths(queue)).toEqual(["0", "3"]);
  });

  it("runs no more batches at once than it may", async () => {
    const queue = await newQueue();
    await send(queue, 5);
    const release = Promise.withResolvers<undefined>();

    const batches = feed(queue, () => release.promise, { maxMessages: 1, maxConcurrency: 2 });

    await vi.waitFor(() => expect(batches).toHaveLength(2), 5000);
    expect(await depths(queue)).toEqual(["3", "2"]);
    release.resolve(undefined);
    await vi.waitFor(async () => expect(await depths(queue)).toEqual(["0", "0"]), 5000);
  });
});
