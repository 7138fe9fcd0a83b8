/**
 * Dead letters of one queue, over SQS. A message that was moved to its dead-letter queue keeps its id, its sender and the
 * time it was first sent, which is what its events are stamped from.
 */
import type { Message } from "@aws-sdk/client-sqs";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { SqsSender } from "#adapters/aws/sqs-client.ts";
import type { DeadLetter, DeadLetters, LetterQueue } from "#service/dead-letters.ts";

export interface SqsDeadLettersOptions {
  readonly client: SqsSender;
  /** Of the dead-letter queue. */
  readonly queueUrl: string;
  /** The queue whose dead letters they are. */
  readonly queue: LetterQueue;
}

/** Longer than bringing ten letters back takes; after a cut they are seen again that much later. */
const HIDDEN_S = 300;
/** A long poll asks all servers of the queue. */
const WAIT_S = 1;

export function createSqsDeadLetters({ client, queueUrl, queue }: SqsDeadLettersOptions): DeadLetters {
  return {
    queue,
    count: async () => {
      try {
        const { Attributes: found = {} } = await client.send(
          new GetQueueAttributesCommand({
            QueueUrl: queueUrl,
            AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
          }),
        );
        return {
          waiting: Number(found["ApproximateNumberOfMessages"] ?? 0),
          taken: Number(found["ApproximateNumberOfMessagesNotVisible"] ?? 0),
        };
      } catch (cause) {
        throw storageError(`the count of dead letters of ${queue}`, cause);
      }
    },
    take: async (max) => {
      try {
        const { Messages: messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: max,
            VisibilityTimeout: HIDDEN_S,
            WaitTimeSeconds: WAIT_S,
            MessageSystemAttributeNames: ["SenderId", "SentTimestamp", "ApproximateReceiveCount"],
          }),
        );
        return messages.map(toLetter);
      } catch (cause) {
        throw storageError(`the receipt of dead letters of ${queue}`, cause);
      }
    },
    remove: async (letters) => {
      const entries = letters.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
      const what = `the removal of ${letters.length} dead letters of ${queue}`;
      try {
        const { Failed: failed = [] } = await client.send(
          new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }),
        );
        if (failed.length > 0) throw storageError(what, { name: failed[0]?.Code ?? "a failed entry" });
      } catch (cause) {
        throw storageError(what, cause);
      }
    },
    putBack: async (letters) => {
      if (letters.length === 0) return;
      const entries = letters.map(({ receipt }, index) => ({
        Id: String(index),
        ReceiptHandle: receipt,
        VisibilityTimeout: 0,
      }));
      try {
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
      } catch (cause) {
        throw storageError(`putting back ${letters.length} dead letters of ${queue}`, cause);
      }
    },
  };
}

function toLetter({
  MessageId: messageId,
  ReceiptHandle: receipt,
  Body: body,
  Attributes: said = {},
}: Message): DeadLetter {
  return {
    messageId: messageId ?? "",
    receipt: receipt ?? "",
    body: body ?? "",
    senderId: said.SenderId ?? "",
    sentAtMs: Number(said.SentTimestamp ?? Number.NaN),
    receiveCount: Number(said.ApproximateReceiveCount ?? 0),
  };
}
