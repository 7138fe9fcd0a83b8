/**
 * How many messages queues hold. SQS calls its counts approximate: they may lag by a minute behind what was sent or
 * deleted, so they serve alarms, never a decision about one event.
 */
import type { QueueAttributeName } from "@aws-sdk/client-sqs";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { SqsSender } from "#adapters/aws/sqs-client.ts";

export interface QueueDepthOptions {
  readonly client: SqsSender;
  readonly queueUrls: readonly string[];
}

const COUNTS: QueueAttributeName[] = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
];

/**
 * Messages of all queues together: waiting, delayed, or with a consumer.
 * The function throws AuditStorageError `storage-unavailable` (retryable).
 */
export function createMessageCount({ client, queueUrls }: QueueDepthOptions): () => Promise<number> {
  return async () => {
    const counts = await Promise.all(queueUrls.map((queueUrl) => countMessages(client, queueUrl)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
}

async function countMessages(client: SqsSender, queueUrl: string): Promise<number> {
  try {
    const { Attributes: found = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: COUNTS }),
    );
    return COUNTS.reduce((sum, name) => sum + Number(found[name] ?? 0), 0);
  } catch (cause) {
    throw storageError("the count of messages", cause);
  }
}
