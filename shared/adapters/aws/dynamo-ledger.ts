/**
 * The ledger in DynamoDB. A batch's row and its pointers are written by one transaction, or none of them is; the row
 * stays for ever, and the pointer partitions hold only what is still to be done, so both are read without a scan.
 */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { getItems } from "#adapters/aws/dynamo-client-batch-get.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { createBackOff, isPassing, SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import { batchKey, pendingPointer, pointerKey } from "#adapters/aws/dynamo-ledger-keys.ts";
import { readRecord, recordAttributes } from "#adapters/aws/dynamo-ledger-row.ts";
import { cancellationCodes, hasPassingReason } from "#adapters/aws/dynamo-transaction.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { batchPartition, LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import type { BatchRecord, Ledger } from "#service/ports.ts";

export interface DynamoLedgerOptions {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly timing?: Timing;
}

const REGISTER_DEADLINE_MS = 10_000;
const NOTE_TEXT = "text";

export function createDynamoLedger({
  client,
  tableName,
  timing = SYSTEM_TIMING,
}: DynamoLedgerOptions): Ledger {
  const registered: Ledger["registered"] = async (batchIds) => {
    const unique = [...new Set(batchIds)];
    const attributes = [ROW.partition];
    const keys = unique.map(batchKey);
    const { items } = await getItems(keys, { client, tableName, timing, attributes, isConsistent: true });
    const found = new Set(items.map((item) => item[ROW.partition]?.S));
    return new Set(unique.filter((batchId) => found.has(batchPartition(batchId))));
  };

  const register: Ledger["register"] = async (record) => {
    const what = `the registration of batch ${record.batchId}`;
    const backOff = createBackOff({ what, deadlineMs: REGISTER_DEADLINE_MS, timing });
    const request = new TransactWriteItemsCommand({ TransactItems: transactionOf(record, tableName) });
    for (;;) {
      try {
        await client.send(request);
        return;
      } catch (cause) {
        const reasons = cancellationCodes(cause);
        if (reasons[0] === "ConditionalCheckFailed") return;
        if (!isPassing(cause) && !hasPassingReason(reasons)) throw storageError(what, cause);
        await backOff(cause);
      }
    }
  };

  const find: Ledger["find"] = async (batchId) => {
    const keys = [batchKey(batchId), pointerKey(LEDGER_PARTITION.unindexed, batchId)];
    const { items } = await getItems(keys, { client, tableName, timing, isConsistent: true });
    const row = items.find((item) => item[ROW.partition]?.S === batchPartition(batchId));
    if (row === undefined) return undefined;
    // What became of the lines never changes: what is left to be indexed is said by the pointer, while it is there.
    const isPointed = items.some((item) => item[ROW.partition]?.S === LEDGER_PARTITION.unindexed);
    const record = readRecord(batchId, row);
    return isPointed ? record : { ...record, unindexed: [] };
  };

  const unindexed: Ledger["unindexed"] = async (limit) => {
    const request = new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: `${ROW.partition} = :p`,
      ExpressionAttributeValues: { ":p": { S: LEDGER_PARTITION.unindexed } },
      ConsistentRead: true,
      Limit: limit,
    });
    try {
      const { Items: rows = [] } = await client.send(request);
      return rows.map((row) => readRecord(row[ROW.sort]?.S ?? "", row));
    } catch (cause) {
      throw storageError("the read of batches to be indexed", cause);
    }
  };

  const markIndexed: Ledger["markIndexed"] = async (batchId) => {
    const key = pointerKey(LEDGER_PARTITION.unindexed, batchId);
    try {
      await client.send(new DeleteItemCommand({ TableName: tableName, Key: key }));
    } catch (cause) {
      throw storageError(`the note that batch ${batchId} is indexed`, cause);
    }
  };

  const readNote: Ledger["readNote"] = async (name) => {
    const request = new GetItemCommand({ TableName: tableName, Key: noteKey(name), ConsistentRead: true });
    try {
      const { Item: row } = await client.send(request);
      return row?.[NOTE_TEXT]?.S;
    } catch (cause) {
      throw storageError(`the read of note ${name}`, cause);
    }
  };

  const writeNote: Ledger["writeNote"] = async (name, text) => {
    const row = { ...noteKey(name), [ROW.format]: { N: "1" }, [NOTE_TEXT]: { S: text } };
    try {
      await client.send(new PutItemCommand({ TableName: tableName, Item: row }));
    } catch (cause) {
      throw storageError(`the write of note ${name}`, cause);
    }
  };

  return { registered, register, find, unindexed, markIndexed, readNote, writeNote };
}

/** The row first: its refusal is what says that the batch is registered already. */
function transactionOf(record: BatchRecord, tableName: string): TransactWriteItem[] {
  const { batchId } = record;
  const attributes = recordAttributes(record);
  const put = (item: Item): TransactWriteItem => ({ Put: { TableName: tableName, Item: item } });
  const items: TransactWriteItem[] = [
    {
      Put: {
        TableName: tableName,
        Item: { ...batchKey(batchId), ...attributes },
        ConditionExpression: `attribute_not_exists(${ROW.partition})`,
      },
    },
  ];
  // A rebuild registers batches whose place in the log is known already.
  if (record.sealed === undefined) items.push(put(pendingPointer(batchId)));
  if (record.unindexed.length > 0) {
    items.push(put({ ...pointerKey(LEDGER_PARTITION.unindexed, batchId), ...attributes }));
  }
  return items;
}

function noteKey(name: string): Item {
  return { [ROW.partition]: { S: LEDGER_PARTITION.notes }, [ROW.sort]: { S: name } };
}
