// Clients give up in time also where a service begins an answer and falls silent. That of S3 does too, after 18 s.
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";

import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { startScriptedServer } from "#test/support/scripted-server.ts";

const CONFIG = {
  region: "us-east-1",
  credentials: { accessKeyId: "a", secretAccessKey: "s" },
  maxAttempts: 1,
};

it.for([
  {
    service: "DynamoDB",
    call: async (endpoint: string): Promise<unknown> =>
      createDynamoClient({ ...CONFIG, endpoint }).send(
        new GetItemCommand({ TableName: "t", Key: { pk: { S: "a" } } }),
      ),
  },
  {
    service: "SQS",
    call: async (endpoint: string): Promise<unknown> =>
      createSqsClient({ ...CONFIG, endpoint }).send(new GetQueueAttributesCommand({ QueueUrl: endpoint })),
  },
])("ends a call to $service", { timeout: 30_000, concurrent: true }, async ({ call }) => {
  await using server = await startScriptedServer((_, response) => {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0", "content-length": "100" });
    response.write("{");
  });

  await expect(call(server.url)).rejects.toMatchObject({ name: "TimeoutError" });
});
