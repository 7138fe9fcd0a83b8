/**
 * The DynamoDB client of a process: made once, with a deadline on every call. The region, credentials and
 * `AWS_ENDPOINT_URL_DYNAMODB` are found by the SDK itself.
 */
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** Single-digit milliseconds are usual; a connection that takes longer than this is broken. */
const CONNECTION_TIMEOUT_MS = 1_000;
/** Of one attempt, and of silence within an answer; a batch of 25 large items takes a fraction of it. */
const REQUEST_TIMEOUT_MS = 3_000;
/** The first attempt and two more; callers above have their own retries and deadlines. */
const MAX_ATTEMPTS = 3;

/** What the adapters need of a client: tests put something of their own before it. */
export type DynamoSender = Pick<DynamoDBClient, "send">;

/** @param config what differs from the defaults above, such as an endpoint */
export function createDynamoClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
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
