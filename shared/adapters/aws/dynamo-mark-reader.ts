/**
 * Reading the marks of both tables: whose they are, and which very table was marked. A table restored from a backup has
 * another TableId than the mark in it says, and so is told apart from the one that events were acknowledged on.
 */
import type { TableDescription } from "@aws-sdk/client-dynamodb";
import { DescribeTableCommand, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { ITEM, LEDGER_PARTITION, MARK_ITEM_KEY, ROW } from "#adapters/aws/keys.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { Mark, ReadableMark } from "#service/table-mark.ts";

export interface MarkedTable {
  readonly client: DynamoSender;
  readonly tableName: string;
}

export const MARK_FORMAT = 1;
/** Keys of the items that hold the marks. */
export const EVENT_TABLE_MARK: Item = { [ITEM.key]: { S: MARK_ITEM_KEY } };
export const LEDGER_MARK: Item = {
  [ROW.partition]: { S: LEDGER_PARTITION.mark },
  [ROW.sort]: { S: "mark" },
};

/** The marks of the tables of a deployment, for those who only read. */
export function readableMarks(
  client: DynamoSender,
  { tableName, ledgerName }: { readonly tableName: string; readonly ledgerName: string },
): readonly ReadableMark[] {
  return [
    readableMark({ client, tableName }, EVENT_TABLE_MARK),
    readableMark({ client, tableName: ledgerName }, LEDGER_MARK),
  ];
}

/** @param key of the item that holds the mark */
export function readableMark({ client, tableName }: MarkedTable, key: Item): ReadableMark {
  const read: ReadableMark["read"] = async () => {
    const what = `the read of the mark of table ${tableName}`;
    try {
      const [{ Table: table }, { Item: item }] = await Promise.all([
        client.send(new DescribeTableCommand({ TableName: tableName })),
        client.send(new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true })),
      ]);
      const tableId = identityOf(table);
      if (tableId === undefined) {
        throw new AuditStorageError("storage-unavailable", `table ${tableName} has no identity`);
      }
      return { tableId, mark: item === undefined ? undefined : readMark(item, tableName) };
    } catch (cause) {
      throw storageError(what, cause);
    }
  };

  return { table: tableName, read };
}

/** DynamoDB Local gives tables no TableId; there, as in the service, no other table has this name and was created then. */
function identityOf(table: TableDescription = {}): string | undefined {
  const { TableId: tableId, TableArn: arn = "", CreationDateTime: created } = table;
  return tableId ?? (created === undefined ? undefined : `${arn}@${created.getTime()}`);
}

function readMark(item: Item, tableName: string): Mark {
  const format = item["mark_format"]?.N;
  const incarnation = item["incarnation"]?.S;
  const tableId = item["table_id"]?.S;
  if (format !== String(MARK_FORMAT) || incarnation === undefined || tableId === undefined) {
    const message = `the mark of table ${tableName} is of format ${format ?? "none"}; this version of the service reads ${MARK_FORMAT}`;
    throw new AuditStorageError("storage-unavailable", message);
  }
  return { incarnation, tableId };
}
