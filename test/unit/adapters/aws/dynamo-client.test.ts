// The client of DynamoDB gives up in time also where an answer begins and falls silent.
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";

import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { startScriptedServer } from "#test/support/scripted-server.ts";

it("ends a call whose answer falls silent midway", async () => {
  await using server = await startScriptedServer((_, response) => {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0", "content-length": "100" });
    response.write("{");
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = createDynamoClient({
    region: "us-east-1",
    credentials,
    maxAttempts: 1,
    endpoint: server.url,
  });

  const asking = client.send(new GetItemCommand({ TableName: "t", Key: { pk: { S: "a" } } }));

  await expect(asking).rejects.toMatchObject({ name: "TimeoutError" });
});
