/**
 * The SQS client of a process. `AWS_ENDPOINT_URL_SQS` is honoured. A send that is repeated may be delivered twice, and is
 * stored once.
 */
import type { SQSClientConfig } from "@aws-sdk/client-sqs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientSettings } from "#adapters/aws/client-settings.ts";

/** A message of 1 MiB takes a fraction of it. */
const REQUEST_TIMEOUT_MS = 5_000;

/** What the adapters need of a client: tests put something of their own before it. */
export type SqsSender = Pick<SQSClient, "send">;

/** @param config what differs from the common settings, such as an endpoint */
export function createSqsClient(config: SQSClientConfig = {}): SQSClient {
  return new SQSClient({ ...clientSettings(REQUEST_TIMEOUT_MS), ...config });
}
