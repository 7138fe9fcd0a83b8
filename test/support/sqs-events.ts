/** Messages as Lambda's event source gives them: made up, or received from a queue and settled by the answer. */
import type { SQSClient } from "@aws-sdk/client-sqs";
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { randomUUID } from "node:crypto";

import type { StandInQueue } from "#test/support/fauxqs.ts";

export const LINES_ARN = "arn:aws:sqs:us-east-1:000000000000:lines";
export const INTAKE_ARN = "arn:aws:sqs:us-east-1:000000000000:intake";
const SENT_AT_MS = Date.parse("2026-03-01T12:00:00.000Z");
/** Messages of one call (SQS quotas, 2026). */
const MAX_RECEIVED = 10;

export interface MessageParts {
  readonly messageId?: string;
  readonly queueArn?: string;
  readonly sentAtMs?: number;
  readonly senderId?: string;
  readonly receiveCount?: number;
}

export function sqsRecord(body: string, parts: MessageParts = {}): SQSRecord {
  const messageId = parts.messageId ?? randomUUID();
  return {
    messageId,
    receiptHandle: `receipt of ${messageId}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(parts.receiveCount ?? 1),
      SentTimestamp: String(parts.sentAtMs ?? SENT_AT_MS),
      SenderId: parts.senderId ?? "AROAEXAMPLE:function",
      ApproximateFirstReceiveTimestamp: String(parts.sentAtMs ?? SENT_AT_MS),
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: parts.queueArn ?? LINES_ARN,
    awsRegion: "us-east-1",
  };
}

/** Everything that a queue holds and shows, at most `maxMessages`. */
export async function receiveEvent(
  client: SQSClient,
  queue: StandInQueue,
  maxMessages = 10_000,
): Promise<SQSEvent> {
  const records: SQSRecord[] = [];
  while (records.length < maxMessages) {
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queue.url,
        MaxNumberOfMessages: Math.min(MAX_RECEIVED, maxMessages - records.length),
        MessageSystemAttributeNames: ["All"],
      }),
    );
    if (messages.length === 0) break;
    for (const { MessageId, ReceiptHandle, Body, Attributes } of messages) {
      const record = sqsRecord(Body ?? "", {
        messageId: MessageId ?? "",
        queueArn: queue.arn,
        sentAtMs: Number(Attributes?.SentTimestamp),
        senderId: Attributes?.SenderId ?? "",
        receiveCount: Number(Attributes?.ApproximateReceiveCount),
      });
      records.push({ ...record, receiptHandle: ReceiptHandle ?? "" });
    }
  }
  return { Records: records };
}

/** Deletes what did not fail, as the event source does after an answer. */
export async function settle(
  client: SQSClient,
  queue: StandInQueue,
  { event, response }: { readonly event: SQSEvent; readonly response: SQSBatchResponse },
): Promise<void> {
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const done = event.Records.filter(({ messageId }) => !failed.has(messageId));
  for (let from = 0; from < done.length; from += MAX_RECEIVED) {
    const entries = done
      .slice(from, from + MAX_RECEIVED)
      .map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queue.url, Entries: entries }));
  }
}
