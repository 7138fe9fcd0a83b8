/**
 * The port LeafStore on AWS. An event's item names its batch and line, the row of the batch says where its lines stand in
 * the log; a leaf's line is in a segment, which a manifest names. Lines are the segments' own: what the log is over.
 */
import type { GetItemCommandInput } from "@aws-sdk/client-dynamodb";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { projectionOf } from "#adapters/aws/dynamo-client-batch-get.ts";
import { batchKey } from "#adapters/aws/dynamo-ledger-keys.ts";
import { readRecord } from "#adapters/aws/dynamo-ledger-row.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { LINE_ATTRIBUTES, PLACE_ATTRIBUTES, readFoundLine, readPlace } from "#adapters/aws/event-item.ts";
import { ITEM, itemKey } from "#adapters/aws/keys.ts";
import type { ObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { SegmentReader } from "#adapters/aws/s3-segment-reader.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { LeafLine, LeafStore } from "#service/log-ports.ts";
import { leafLines } from "#service/manifest.ts";
import type { LinePlace } from "#service/ports.ts";

export interface DynamoLeafStoreOptions {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly ledgerName: string;
  readonly objects: ObjectReader;
}

const ITEM_PROJECTION = projectionOf([...new Set([...LINE_ATTRIBUTES, ...PLACE_ATTRIBUTES])]);
const MAX_LEAVES = 2000;
const MAX_BYTES = 4 * 1024 * 1024;

export function createDynamoLeafStore(options: DynamoLeafStoreOptions): LeafStore {
  const { client, tableName, ledgerName, objects } = options;
  const segments = new SegmentReader(objects);

  const read = async (
    what: string,
    input: Pick<
      GetItemCommandInput,
      "TableName" | "Key" | "ProjectionExpression" | "ExpressionAttributeNames"
    >,
  ): Promise<Item | undefined> => {
    try {
      return (await client.send(new GetItemCommand({ ...input, ConsistentRead: true }))).Item;
    } catch (cause) {
      throw storageError(what, cause);
    }
  };

  /** undefined while the batch is not complete, or not sealed. */
  const leafOf = async ({ batchId, line }: LinePlace): Promise<number | undefined> => {
    const row = await read(`the read of batch ${batchId}`, { TableName: ledgerName, Key: batchKey(batchId) });
    const record = row === undefined ? undefined : readRecord(batchId, row);
    if (record?.sealed === undefined) return undefined;
    const rank = leafLines(record).indexOf(line);
    if (rank >= 0) return record.sealed.firstLeaf + rank;
    const message = `batch ${batchId} has no leaf for line ${line}, though an item stands for it`;
    throw new AuditStorageError("storage-unavailable", message);
  };

  return {
    findLeaf: async ({ tenantId, eventId }) => {
      const Key = { [ITEM.key]: { S: itemKey(tenantId, eventId) } };
      const item = await read("the read of an event", { TableName: tableName, Key, ...ITEM_PROJECTION });
      if (item === undefined) return undefined;
      return { ...readFoundLine(item), leaf: await leafOf(readPlace(item).at) };
    },
    readLeaves: async (from, end) => {
      const last = Math.min(end, from + MAX_LEAVES);
      // Segments are whole or refused: each leaf has a line.
      const page = { lines: new Array<LeafLine>(), unreadable: [], next: from };
      let bytes = 0;
      for await (const line of segments.read(from, last)) {
        bytes += Buffer.byteLength(line.text);
        if (bytes > MAX_BYTES && page.next > from) break;
        page.lines.push(line);
        page.next = line.leaf + 1;
      }
      return page;
    },
  };
}
