// The store in DynamoDB keeps the contract of EventStore, with its first lanes and with more.
import { randomUUID } from "node:crypto";

import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { eventStoreContract } from "#test/contract/event-store.ts";
import type { StoreUnderTest } from "#test/contract/subjects.ts";
import type { DynamoDbLocal } from "#test/support/dynamodb-local.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

const MORE_LANES: LaneEpoch = { number: 1, lanes: 7, spread: 3, activeFromMs: 0 };

async function openStore(
  { client, createTables }: DynamoDbLocal,
  epochs: readonly LaneEpoch[],
): Promise<StoreUnderTest> {
  const { eventTable: tableName } = await createTables();
  const directory = { epochs: async () => epochs };
  const table = createDynamoEventTable({ client, tableName, directory, retentionDays: 90 });
  return {
    store: createDynamoEventStore({ client, tableName, directory, isDrained: async () => true }),
    put: async (lines) => {
      const batchId = randomUUID();
      await table.insert(
        lines.map((prepared, line) => ({ batchId, line, prepared, eventId: prepared.event.event_id })),
      );
    },
    close: async () => undefined,
  };
}

describeDynamo("DynamoDB", (dynamo) => {
  eventStoreContract("the store in DynamoDB", () => openStore(dynamo(), [FIRST_EPOCH]));
  eventStoreContract("the store in DynamoDB with more lanes", () =>
    openStore(dynamo(), [FIRST_EPOCH, MORE_LANES]),
  );
});
