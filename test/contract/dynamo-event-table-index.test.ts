// Events that an index took no keys for are shown by none, and are indexed later, even while it still throttles.
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import type { EventStore, EventTable } from "#service/ports.ts";
import { entriesOf } from "#test/contract/sample-batches.ts";
import { findIds, freshTenant, idsOf, sampleLines } from "#test/contract/sample-lines.ts";
import { fastTiming, hasIndexKeys, intercept, refusing, vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { FIRST_LANES } from "#test/support/dynamodb-store.ts";

const directory = FIRST_LANES;

function tableOn(client: DynamoSender, tableName: string): EventTable {
  return createDynamoEventTable({ client, tableName, directory, retentionDays: 90, timing: fastTiming() });
}

function storeOn(client: DynamoSender, tableName: string): EventStore {
  return createDynamoEventStore({ client, tableName, directory, isDrained: async () => true });
}

describeDynamo("DynamoDB", (dynamo) => {
  it("shows an event in no page until it is indexed, and finds it by its id at once", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const tenantId = freshTenant();
    const members = { user_id: "ann", resource_id: "/a" };
    const entries = entriesOf(sampleLines(tenantId, 5, members));
    const throttled = refusing(client, (statement) =>
      hasIndexKeys(statement) ? "ThrottlingError" : undefined,
    );
    const store = storeOn(client, eventTable);

    await tableOn(throttled, eventTable).insert(entries);
    const before = await findIds(store, tenantId);
    await tableOn(client, eventTable).index(entries);

    expect(before).toEqual([]);
    expect(await store.get({ tenantId, eventId: "event-000002" })).toBeDefined();
    for (const query of [{}, { user_ids: ["ann"] }, { resource_ids: ["/a"] }, { service_names: ["shop"] }]) {
      expect(await findIds(store, tenantId, { ...query, order_desc: false })).toEqual(
        idsOf(entries.map(({ prepared }) => prepared)),
      );
    }
  });

  it("indexes later though the index still throttles now and then", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const tenantId = freshTenant();
    const entries = entriesOf(sampleLines(tenantId, 40));
    const throttled = refusing(client, (statement) =>
      hasIndexKeys(statement) ? "ThrottlingError" : undefined,
    );
    await tableOn(throttled, eventTable).insert(entries);
    let updates = 0;
    const busy = intercept(client, async ({ name }, forward) => {
      if (name === "UpdateItemCommand" && ++updates % 3 === 0) throw vendorError("ThrottlingException");
      return forward();
    });

    await tableOn(busy, eventTable).index(entries);

    expect(await findIds(storeOn(client, eventTable), tenantId)).toHaveLength(40);
  });

  it("gives up on indexing that never gets through, with a retryable error", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const entries = entriesOf(sampleLines(freshTenant(), 2));
    const busy = intercept(client, async () => {
      throw vendorError("ThrottlingException");
    });

    const failing = tableOn(busy, eventTable).index(entries);

    await expect(failing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
  });

  it("leaves an event in its lane that is indexed already, whatever lanes are written now", async () => {
    const { client, createTables } = dynamo();
    const { eventTable: tableName } = await createTables();
    const entries = entriesOf(sampleLines(freshTenant(), 1));
    await tableOn(client, tableName).insert(entries);
    const grown = { epochs: async () => [{ number: 1, lanes: 64, spread: 64, activeFromMs: 0 }] };
    const scan = new ScanCommand({ TableName: tableName });
    const before = await client.send(scan);

    await createDynamoEventTable({ client, tableName, directory: grown, retentionDays: 90 }).index(entries);

    expect((await client.send(scan)).Items).toEqual(before.Items);
  });
});
