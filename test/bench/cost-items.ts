/**
 * What items cost: those that a workload has left in the events table are put, as they are, into a table like it, because
 * DynamoDB Local tells the units of PutItem per index, and of PartiQL, by which the service inserts, none. Both are billed
 * alike on AWS: by the size of the item and of each index entry.
 */
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { paginateScan, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { EVENT_TABLE, ITEM } from "#adapters/aws/keys.ts";
import type { CostStack } from "#test/bench/cost-stack.ts";

type Item = Readonly<Record<string, AttributeValue>>;

export interface ItemUse {
  readonly items: number;
  /** Write units of the table itself. */
  readonly tableUnits: number;
  /** Write units by the name of the index. */
  readonly indexUnits: ReadonlyMap<string, number>;
  /** Bytes that storage is billed by, of items and of index entries. */
  readonly itemBytes: number;
  readonly entryBytes: number;
}

/** Billed with every item and index entry beside its own bytes (DynamoDB developer guide, "table size"). */
const OVERHEAD_BYTES = 100;
const PARALLEL_PUTS = 16;

/** @param tenant whose items are measured */
export async function measureItems(stack: CostStack, tenant: string): Promise<ItemUse> {
  const { dynamodb, eventTable, spareTable } = stack;
  const items: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: eventTable })) {
    items.push(...Items.filter((item) => item[ITEM.key]?.S?.startsWith(`${tenant}#`) === true));
  }
  let tableUnits = 0;
  const indexUnits = new Map<string, number>();
  const put = async (item: Item): Promise<void> => {
    const { Table, GlobalSecondaryIndexes } = await capacityOf(dynamodb, spareTable, item);
    tableUnits += Table?.CapacityUnits ?? 0;
    for (const [name, { CapacityUnits = 0 }] of Object.entries(GlobalSecondaryIndexes ?? {}))
      indexUnits.set(name, (indexUnits.get(name) ?? 0) + CapacityUnits);
  };
  for (let from = 0; from < items.length; from += PARALLEL_PUTS)
    await Promise.all(items.slice(from, from + PARALLEL_PUTS).map(put));
  return {
    items: items.length,
    tableUnits,
    indexUnits,
    itemBytes: items.reduce((sum, item) => sum + bytesOf(item, Object.keys(item)) + OVERHEAD_BYTES, 0),
    entryBytes: items.reduce((sum, item) => sum + entryBytes(item), 0),
  };
}

interface Capacity {
  readonly Table?: { readonly CapacityUnits?: number | undefined } | undefined;
  readonly GlobalSecondaryIndexes?:
    | Readonly<Record<string, { readonly CapacityUnits?: number | undefined }>>
    | undefined;
}

async function capacityOf(client: DynamoDBClient, table: string, item: Item): Promise<Capacity> {
  const { ConsumedCapacity } = await client.send(
    new PutItemCommand({ TableName: table, Item: item, ReturnConsumedCapacity: "INDEXES" }),
  );
  return ConsumedCapacity ?? {};
}

function entryBytes(item: Item): number {
  return EVENT_TABLE.indexes
    .filter(({ partitionKey }) => item[partitionKey.name] !== undefined)
    .map(({ partitionKey, sortKey, included }) =>
      bytesOf(item, [ITEM.key, partitionKey.name, sortKey.name, ...included]),
    )
    .reduce((sum, bytes) => sum + bytes + OVERHEAD_BYTES, 0);
}

/** Names and values count; a number takes a byte per two digits and one more. */
function bytesOf(item: Item, names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const { S = "", B, N } = item[name] ?? {};
    const number = N === undefined ? 0 : Math.ceil(N.length / 2) + 1;
    return sum + name.length + Buffer.byteLength(S) + (B?.byteLength ?? 0) + number;
  }, 0);
}
