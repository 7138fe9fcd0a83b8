// Archive, table and ledger over AWS, on stand-ins, for runs that need tables and a bucket of their own. In simulations
// the indexes throttle now and then, so that entries are inserted without them.
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteTableCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand } from "@aws-sdk/client-s3";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { readPlace } from "#adapters/aws/event-item.ts";
import { ITEM } from "#adapters/aws/keys.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import { createS3Archive } from "#adapters/aws/s3-archive.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { fastTiming, hasIndexKeys, refusing } from "#test/support/dynamodb-faults.ts";
import type { DynamoDbLocal, DynamoTables } from "#test/support/dynamodb-local.ts";
import type { StandingItem } from "#test/support/persistence-checks.ts";
import type { PersistencePorts, SimulatedPorts } from "#test/support/persistence-simulation.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import type { Random } from "#test/support/seeded-random.ts";

/** Of statements that carry index keys: an entry goes without them when several tries in a row are throttled. */
const THROTTLE_RATE = 0.5;

export interface AwsNames extends DynamoTables {
  readonly bucket: string;
}

export interface AwsStore extends Pick<SimulatedPorts, "readItems" | "close"> {
  /** The ports of a process with clients of its own, whose waits take no time. */
  readonly portsFor: (dynamo: DynamoSender, s3: S3Sender) => PersistencePorts;
}

/**
 * Creates two tables and a bucket.
 * @param name of the bucket, which no other run uses
 */
export async function createAwsStore(dynamo: DynamoDbLocal, s3: S3StandIn, name: string): Promise<AwsNames> {
  const tables = await dynamo.createTables();
  await s3.client.send(new CreateBucketCommand({ Bucket: name }));
  return { ...tables, bucket: name };
}

export function openAwsStore(
  { client }: DynamoDbLocal,
  { eventTable, ledgerTable, bucket }: AwsNames,
): AwsStore {
  return {
    portsFor: (dynamo, s3) => ({
      archive: createS3Archive({ client: s3, bucket }),
      table: createDynamoEventTable({
        client: dynamo,
        tableName: eventTable,
        directory: { epochs: async () => [FIRST_EPOCH] },
        retentionDays: 90,
        timing: fastTiming(),
      }),
      ledger: createDynamoLedger({ client: dynamo, tableName: ledgerTable, timing: fastTiming() }),
    }),
    readItems: () => readItems(client, eventTable),
    close: async () => {
      for (const TableName of [eventTable, ledgerTable])
        await client.send(new DeleteTableCommand({ TableName }));
    },
  };
}

/** The ports of one simulation. */
export async function openAwsPorts(
  dynamo: DynamoDbLocal,
  s3: S3StandIn,
  { name, random }: { readonly name: string; readonly random: Random },
): Promise<SimulatedPorts> {
  const store = openAwsStore(dynamo, await createAwsStore(dynamo, s3, name));
  const throttling = refusing(dynamo.client, (statement) =>
    hasIndexKeys(statement) && random() < THROTTLE_RATE ? "ThrottlingError" : undefined,
  );
  return { ...store.portsFor(throttling, s3.client), ...store };
}

/** A table of a simulation fits into one page of a scan. */
async function readItems(client: DynamoDBClient, tableName: string): Promise<readonly StandingItem[]> {
  const { Items: items = [] } = await client.send(
    new ScanCommand({ TableName: tableName, ConsistentRead: true }),
  );
  return items.map(standingItem);
}

function standingItem(item: Record<string, AttributeValue>): StandingItem {
  const key = item[ITEM.key]?.S ?? "";
  const { at, contentHash, isIndexed } = readPlace(item);
  return {
    tenantId: key.slice(0, key.indexOf("#")),
    eventId: key.slice(key.indexOf("#") + 1),
    at,
    contentHash,
    isIndexed,
    conflicts: item[ITEM.conflicts]?.SS ?? [],
  };
}
