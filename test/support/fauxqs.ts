/**
 * The stand-in for SQS, started for a test file on this machine alone. Its own start function would listen on every
 * interface, so its application is started here instead.
 */
import type { SQSClient } from "@aws-sdk/client-sqs";
import { CreateQueueCommand } from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";

import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { STAND_IN_CREDENTIALS } from "#test/support/s3-stand-in.ts";

export interface StandInQueue {
  readonly url: string;
  readonly arn: string;
}

export interface SqsStandIn {
  /** For `AWS_ENDPOINT_URL_SQS`. */
  readonly url: string;
  readonly client: SQSClient;
  /** Attributes as CreateQueue takes them. */
  readonly createQueue: (
    name: string,
    attributes?: Readonly<Record<string, string>>,
  ) => Promise<StandInQueue>;
  readonly close: () => Promise<void>;
}

/** What it calls the account; every message says that it was sent by it. */
const STAND_IN_ACCOUNT = "000000000000";

export async function startSqsStandIn(): Promise<SqsStandIn> {
  const app = buildApp({ logger: false });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const client = createSqsClient({ region: "us-east-1", endpoint: url, credentials: STAND_IN_CREDENTIALS });
  return {
    url,
    client,
    createQueue: async (name, attributes = {}) => {
      const { QueueUrl: queueUrl = "" } = await client.send(
        new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
      );
      return { url: queueUrl, arn: `arn:aws:sqs:us-east-1:${STAND_IN_ACCOUNT}:${name}` };
    },
    close: async () => {
      client.destroy();
      await app.close();
    },
  };
}
