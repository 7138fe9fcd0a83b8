/** The DynamoDB client of a process. `AWS_ENDPOINT_URL_DYNAMODB` is honoured. */
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { clientSettings } from "#adapters/aws/client-settings.ts";

/** A batch of 25 large items takes a fraction of it. */
const REQUEST_TIMEOUT_MS = 3_000;

/** What the adapters need of a client: tests put something of their own before it. */
export type DynamoSender = Pick<DynamoDBClient, "send">;

/** @param config what differs from the common settings, such as an endpoint */
export function createDynamoClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({ ...clientSettings(REQUEST_TIMEOUT_MS), ...config });
}
