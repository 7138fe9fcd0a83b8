/**
 * The marks of both tables: whose they are, and which very table was marked. A table restored from a backup has another
 * TableId than the mark in it says, and so is told apart from the one that events were acknowledged on.
 */
import type { TableDescription } from "@aws-sdk/client-dynamodb";
import { DescribeTableCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { ITEM, LEDGER_PARTITION, MARK_ITEM_KEY, ROW } from "#adapters/aws/keys.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { Mark, TableMark } from "#service/deployment.ts";

export interface MarkedTable {
  readonly client: DynamoSender;
  readonly tableName: string;
}

const MARK_FORMAT = 1;

/** The mark of the events table. */
export function createEventTableMark(table: MarkedTable): TableMark {
  return createMark(table, { [ITEM.key]: { S: MARK_ITEM_KEY } });
}

/** The mark of the ledger table. */
export function createLedgerMark(table: MarkedTable): TableMark {
  return createMark(table, { [ROW.partition]: { S: LEDGER_PARTITION.mark }, [ROW.sort]: { S: "mark" } });
}

function createMark({ client, tableName }: MarkedTable, key: Item): TableMark {
  const read: TableMark["read"] = async () => {
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

  const write: TableMark["write"] = async ({ incarnation, tableId }) => {
    const request = new PutItemCommand({
      TableName: tableName,
      Item: {
        ...key,
        mark_format: { N: String(MARK_FORMAT) },
        incarnation: { S: incarnation },
        table_id: { S: tableId },
      },
      ConditionExpression: "attribute_not_exists(mark_format)",
    });
    try {
      await client.send(request);
    } catch (cause) {
      if (isVendorError(cause, "ConditionalCheckFailedException")) return;
      throw storageError(`the write of the mark of table ${tableName}`, cause);
    }
  };

  return { table: tableName, read, write };
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
