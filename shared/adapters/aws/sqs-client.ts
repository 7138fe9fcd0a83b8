/**
 * The SQS client of a process: made once, with a deadline on every call. The region, credentials and
 * `AWS_ENDPOINT_URL_SQS` are found by the SDK itself.
 */
import type { SQSClientConfig } from "@aws-sdk/client-sqs";
import { SQSClient } from "@aws-sdk/client-sqs";

/** Single-digit milliseconds are usual; a connection that takes longer than this is broken. */
const CONNECTION_TIMEOUT_MS = 1_000;
/** Of one attempt, and of silence within an answer; a message of 1 MiB takes a fraction of it. */
const REQUEST_TIMEOUT_MS = 5_000;
/** The first attempt and two more. A send that is repeated may be delivered twice, and is stored once. */
const MAX_ATTEMPTS = 3;

/** What the adapters need of a client: tests put something of their own before it. */
export type SqsSender = Pick<SQSClient, "send">;

/** @param config what differs from the defaults above, such as an endpoint */
export function createSqsClient(config: SQSClientConfig = {}): SQSClient {
  return new SQSClient({
    maxAttempts: MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...config,
  });
}
