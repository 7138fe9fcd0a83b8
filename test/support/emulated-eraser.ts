// Puts the tables and buckets of a stack back to what they were: what has come since is removed. The queues are empty by
// themselves once everything is consumed.
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  BatchWriteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { clientOptions } from "#infra/emulated/config.ts";
import type { Emulated } from "#infra/emulated/start-emulated.ts";

/** Of BatchWriteItem. */
const MAX_DELETES = 25;

type Key = Record<string, AttributeValue>;

/** One place that things are stored in; a thing is known by a text. */
interface Place<Thing> {
  readonly list: () => Promise<ReadonlyMap<string, Thing>>;
  readonly remove: (things: readonly Thing[]) => Promise<void>;
}

/** Looks at what is there now; the function that it answers removes everything else. */
export async function createEraser({ endpoints, resources }: Emulated): Promise<() => Promise<void>> {
  const dynamodb = new DynamoDBClient(clientOptions(endpoints.dynamodb));
  const s3 = new S3Client({ ...clientOptions(endpoints.s3), forcePathStyle: true });
  const erasers = resources.flatMap(([type, , ref]) => {
    if (type.endsWith("Table")) return [eraser(tablePlace(dynamodb, ref))];
    return type.endsWith("Bucket") ? [eraser(bucketPlace(s3, ref))] : [];
  });
  const erase = await Promise.all(erasers);
  return async () => {
    await Promise.all(erase.map((one) => one()));
  };
}

async function eraser<Thing>({ list, remove }: Place<Thing>): Promise<() => Promise<void>> {
  const kept = await list();
  return async () => {
    const found = await list();
    await remove([...found].filter(([name]) => !kept.has(name)).map(([, thing]) => thing));
  };
}

function tablePlace(client: DynamoDBClient, TableName: string): Place<Key> {
  return {
    list: async () => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      const names = Table?.KeySchema?.map(({ AttributeName = "" }) => AttributeName) ?? [];
      const found = new Map<string, Key>();
      const input = { TableName, ProjectionExpression: names.join(", "), ConsistentRead: true };
      for await (const { Items = [] } of paginateScan({ client }, input))
        for (const item of Items) found.set(JSON.stringify(names.map((name) => item[name])), item);
      return found;
    },
    remove: async (keys) => {
      for (let at = 0; at < keys.length; at += MAX_DELETES) {
        const requests = keys.slice(at, at + MAX_DELETES).map((Key) => ({ DeleteRequest: { Key } }));
        await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
      }
    },
  };
}

function bucketPlace(client: S3Client, Bucket: string): Place<string> {
  return {
    list: async () => {
      const found = new Map<string, string>();
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket }))
        for (const { Key = "" } of Contents) found.set(Key, Key);
      return found;
    },
    remove: async (keys) => {
      for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  };
}
