/**
 * Puts messages that failed off, each for as long as it is told. Without it they come back when the queue's visibility
 * timeout ends, so nothing depends on its success.
 */
import { ChangeMessageVisibilityBatchCommand } from "@aws-sdk/client-sqs";
import { storageError } from "#adapters/aws/aws-errors.ts";
import { chunksOf, inParallel } from "#adapters/aws/parallel.ts";
import type { SqsSender } from "#adapters/aws/sqs-client.ts";

export interface PostponedMessage {
  readonly receiptHandle: string;
  readonly delayS: number;
}

export interface SqsVisibilityOptions {
  readonly client: SqsSender;
  readonly queueUrl: string;
}

/** Entries of one call (SQS quotas, 2026). */
const MAX_ENTRIES = 10;
/** An invocation can fail with 10,000 messages, and has to answer before its time is over. */
const MAX_PARALLEL = 16;

/**
 * For the messages of one queue. The function throws AuditStorageError `storage-unavailable` where some could not be
 * put off; the others were.
 */
export function createPostpone({
  client,
  queueUrl,
}: SqsVisibilityOptions): (messages: readonly PostponedMessage[]) => Promise<void> {
  return async (messages) => {
    let failure: unknown;
    let failed = 0;
    await inParallel(chunksOf(messages, MAX_ENTRIES), MAX_PARALLEL, async (group) => {
      try {
        const left = await postponeGroup(client, queueUrl, group);
        failed += left;
      } catch (cause) {
        failure = cause;
        failed += group.length;
      }
    });
    if (failed > 0) throw storageError(`putting off ${failed} of ${messages.length} messages`, failure);
  };
}

async function postponeGroup(
  client: SqsSender,
  queueUrl: string,
  messages: readonly PostponedMessage[],
): Promise<number> {
  const { Failed: failed = [] } = await client.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl: queueUrl,
      Entries: messages.map(({ receiptHandle, delayS }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: delayS,
      })),
    }),
  );
  return failed.length;
}
