// The client of SQS gives up in time also where an answer begins and falls silent.
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";

import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { startScriptedServer } from "#test/support/scripted-server.ts";

it("ends a call whose answer falls silent midway", async () => {
  await using server = await startScriptedServer((_, response) => {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0", "content-length": "100" });
    response.write("{");
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = createSqsClient({ region: "us-east-1", credentials, maxAttempts: 1, endpoint: server.url });

  const asking = client.send(new GetQueueAttributesCommand({ QueueUrl: server.url }));

  await expect(asking).rejects.toMatchObject({ name: "TimeoutError" });
});
