// DynamoDB Local for tests, one process per test file, and tables in it. It needs Java 17; without it these tests are
// skipped, or fail where CI=true.
import type { AttributeDefinition, DynamoDBClient, KeySchemaElement } from "@aws-sdk/client-dynamodb";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe } from "vitest";

import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import type { KeyAttribute, TableDefinition } from "#adapters/aws/keys.ts";
import { EVENT_TABLE, LEDGER_TABLE } from "#adapters/aws/keys.ts";
import { hasJava, startDynamoDbLocal as startProcess } from "#infra/emulated/dynamodb-local.ts";

const TEST_TIMEOUT_MS = 120_000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface DynamoDbLocal {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  /** Creates both tables, empty, under names that nothing else uses. */
  readonly createTables: () => Promise<DynamoTables>;
  readonly stop: () => Promise<void>;
}

export interface DynamoTables {
  readonly eventTable: string;
  readonly ledgerTable: string;
}

/** A group of tests on a DynamoDB Local of its own, which is reached through the function handed to `define`. */
export function describeDynamo(name: string, define: (dynamo: () => DynamoDbLocal) => void): void {
  const isSkipped = process.env["CI"] !== "true" && !hasJava();
  describe.skipIf(isSkipped)(
    `${name}${isSkipped ? " (skipped: needs Java 17)" : ""}`,
    { timeout: TEST_TIMEOUT_MS },
    () => {
      let started: DynamoDbLocal | undefined;
      beforeAll(async () => {
        started = await startDynamoDbLocal();
      });
      afterAll(async () => {
        await started?.stop();
      });
      define(() => {
        if (started === undefined) throw new Error("DynamoDB Local has not started");
        return started;
      });
    },
  );
}

export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const { url: endpoint, stop } = await startProcess();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = createDynamoClient({
    endpoint,
    credentials,
    region: "us-east-1",
    // A busy machine is no fault of what is tested.
    requestHandler: { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true },
  });
  let tables = 0;
  return {
    endpoint,
    client,
    createTables: async () => {
      tables++;
      const names = { eventTable: `events-${tables}`, ledgerTable: `ledger-${tables}` };
      await createTable(client, names.eventTable, EVENT_TABLE);
      await createTable(client, names.ledgerTable, LEDGER_TABLE);
      return names;
    },
    stop: async () => {
      client.destroy();
      await stop();
    },
  };
}

async function createTable(client: DynamoDBClient, name: string, definition: TableDefinition): Promise<void> {
  const attributes = new Map<string, AttributeDefinition>();
  const schema = (partition: KeyAttribute, sort: KeyAttribute | undefined): KeySchemaElement[] => {
    const keys = sort === undefined ? [partition] : [partition, sort];
    for (const key of keys) attributes.set(key.name, { AttributeName: key.name, AttributeType: key.type });
    return keys.map((key, at) => ({ AttributeName: key.name, KeyType: at === 0 ? "HASH" : "RANGE" }));
  };
  const keySchema = schema(definition.partitionKey, definition.sortKey);
  const indexes = definition.indexes.map((index) => ({
    IndexName: index.name,
    KeySchema: schema(index.partitionKey, index.sortKey),
    Projection: { ProjectionType: "INCLUDE" as const, NonKeyAttributes: [...index.included] },
  }));
  await client.send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: keySchema,
      AttributeDefinitions: [...attributes.values()],
      BillingMode: "PAY_PER_REQUEST",
      ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    }),
  );
}
