/** Putting off messages of two queues at once: the consumer is fed by both and gives back what failed. */
import type { SqsSender } from "#adapters/aws/sqs-client.ts";
import type { PostponedMessage } from "#adapters/aws/sqs-visibility.ts";
import { createPostpone } from "#adapters/aws/sqs-visibility.ts";

export interface FailedMessage extends PostponedMessage {
  /** Of the queue that it came from. */
  readonly queueArn: string;
}

export interface RetryLaterOptions {
  readonly client: SqsSender;
  /** The queue `lines`; whatever came from another queue came from `intake`. */
  readonly queueArn: string;
  readonly queueUrl: string;
  readonly intakeUrl: string;
}

/** The function throws AuditStorageError `storage-unavailable` where some could not be put off; the others were. */
export function createRetryLater({
  client,
  queueArn,
  queueUrl,
  intakeUrl,
}: RetryLaterOptions): (messages: readonly FailedMessage[]) => Promise<void> {
  const putOffLines = createPostpone({ client, queueUrl });
  const putOffIntake = createPostpone({ client, queueUrl: intakeUrl });
  return async (messages) => {
    const lines = messages.filter((message) => message.queueArn === queueArn);
    const intake = messages.filter((message) => message.queueArn !== queueArn);
    const outcomes = await Promise.allSettled([putOffLines(lines), putOffIntake(intake)]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  };
}
