/**
 * Probes of the parts that fail apart on AWS, for health: whether queues and archive really answer, and what the queues
 * hold. They never reject; the caller sets the deadline.
 */
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { BucketHead } from "#adapters/aws/aws-parts-bucket.ts";
import type { SqsSender } from "#adapters/aws/sqs-client.ts";
import type { StoreHealth } from "#service/ports.ts";

export interface ProbedQueue {
  /** As `/health` shows it. */
  readonly name: string;
  readonly url: string;
  /** Whether a message in it waits for a person. */
  readonly isDeadLetters: boolean;
}

/** Probes all queues at once; dead letters make it `degraded`. */
export function createQueueProbe(
  client: SqsSender,
  queues: readonly ProbedQueue[],
): () => Promise<StoreHealth> {
  return async () => {
    try {
      const counts = await Promise.all(queues.map(({ url }) => countVisible(client, url)));
      const problems = queues.flatMap(({ name, isDeadLetters }, index) => {
        const count = counts[index] ?? 0;
        return isDeadLetters && count > 0
          ? [`${name} holds ${count} messages that have failed for good`]
          : [];
      });
      const details = Object.fromEntries(queues.map(({ name }, index) => [name, counts[index] ?? 0]));
      return { status: problems.length > 0 ? "degraded" : "healthy", problems, details };
    } catch (cause) {
      return {
        status: "unhealthy",
        problems: [storageError("the queues' probe", cause).message],
        details: {},
      };
    }
  };
}

/** @param head asks the bucket for nothing but itself; resolves to the HTTP status */
export function createArchiveProbe(head: BucketHead): () => Promise<StoreHealth> {
  return async () => {
    try {
      const status = await head();
      if (status === 200) return { status: "healthy", problems: [], details: {} };
      return { status: "unhealthy", problems: [`the bucket answered ${status}`], details: {} };
    } catch (cause) {
      return {
        status: "unhealthy",
        problems: [storageError("the bucket's probe", cause).message],
        details: {},
      };
    }
  };
}

async function countVisible(client: SqsSender, queueUrl: string): Promise<number> {
  const { Attributes: found = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
  );
  return Number(found["ApproximateNumberOfMessages"] ?? 0);
}
