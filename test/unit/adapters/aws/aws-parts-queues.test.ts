// Putting off failed messages: each goes back to the queue that it came from, and one queue's trouble is not the other's.
import type { SQSClient } from "@aws-sdk/client-sqs";
import { ChangeMessageVisibilityBatchCommand } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { createRetryLater } from "#adapters/aws/aws-parts-queues.ts";

const LINES = { queueArn: "arn:lines", receiptHandle: "l1", delayS: 10 };
const INTAKE = { queueArn: "arn:intake", receiptHandle: "i1", delayS: 20 };

it("puts each message off in its own queue", async () => {
  const { retryLater, calls } = retrying();

  await retryLater([LINES, INTAKE, { ...LINES, receiptHandle: "l2" }]);

  expect(calls).toEqual([
    ["lines", "l1", 10],
    ["lines", "l2", 10],
    ["intake", "i1", 20],
  ]);
});

it("tries both queues, and rejects where one could not", async () => {
  const { retryLater, calls } = retrying("lines");

  await expect(retryLater([LINES, INTAKE])).rejects.toMatchObject({ code: "storage-unavailable" });

  expect(calls).toEqual([["intake", "i1", 20]]);
});

interface Retrying {
  readonly retryLater: ReturnType<typeof createRetryLater>;
  readonly calls: unknown[][];
}

/** @param brokenUrl queue whose calls fail */
function retrying(brokenUrl?: string): Retrying {
  const calls: unknown[][] = [];
  const send = async (command: unknown): Promise<object> => {
    if (!(command instanceof ChangeMessageVisibilityBatchCommand)) throw new Error("is not expected");
    const { QueueUrl: url, Entries: entries = [] } = command.input;
    if (url === brokenUrl) throw new Error("no");
    calls.push(
      ...entries.map(({ ReceiptHandle, VisibilityTimeout }) => [url, ReceiptHandle, VisibilityTimeout]),
    );
    return {};
  };
  const client = { send } as unknown as SQSClient;
  const retryLater = createRetryLater({
    client,
    queueArn: "arn:lines",
    queueUrl: "lines",
    intakeUrl: "intake",
  });
  return { retryLater, calls };
}
