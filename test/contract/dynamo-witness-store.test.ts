// The witness's checkpoints in DynamoDB keep their contract, and what DynamoDB throws becomes our error.
import { randomUUID } from "node:crypto";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, describe, expect, it } from "vitest";

import { createDynamoWitnessStore, WITNESS_TABLE } from "#adapters/aws/dynamo-witness-store.ts";
import type { WitnessStore } from "#service/witness-ports.ts";
import { witnessStoreContract } from "#test/contract/witness-store.ts";
import { intercept, vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

describeDynamo("DynamoDB", (dynamo) => {
  const tableName = `witness-${randomUUID()}`;
  let store: WitnessStore;

  beforeAll(async () => {
    const { name, type } = WITNESS_TABLE.partitionKey;
    const request = new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: name, AttributeType: type }],
      KeySchema: [{ AttributeName: name, KeyType: "HASH" }],
    });
    await dynamo().client.send(request);
    store = createDynamoWitnessStore({ client: dynamo().client, tableName });
  });

  witnessStoreContract("the witness's table", () => store);

  describe("what DynamoDB throws", () => {
    it("is a failure that may pass, and not a race that was lost", async () => {
      const client = intercept(dynamo().client, async () => {
        throw vendorError("ThrottlingException");
      });
      const faulty = createDynamoWitnessStore({ client, tableName });
      const refusal = { code: "storage-unavailable", retryable: true };

      await expect(faulty.read("log.example/a")).rejects.toMatchObject(refusal);
      await expect(
        faulty.swap("log.example/a", { expected: undefined, next: "one\n" }),
      ).rejects.toMatchObject(refusal);
    });
  });
});
