/** The marks of both tables, to be read, and to be written where they lack them. */
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { MarkedTable } from "#adapters/aws/dynamo-mark-reader.ts";
import {
  EVENT_TABLE_MARK,
  LEDGER_MARK,
  MARK_FORMAT,
  readableMark,
} from "#adapters/aws/dynamo-mark-reader.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import type { TableMark } from "#service/table-mark.ts";

/** The mark of the events table. */
export function createEventTableMark(table: MarkedTable): TableMark {
  return createMark(table, EVENT_TABLE_MARK);
}

/** The mark of the ledger table. */
export function createLedgerMark(table: MarkedTable): TableMark {
  return createMark(table, LEDGER_MARK);
}

function createMark(table: MarkedTable, key: Item): TableMark {
  const { client, tableName } = table;
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

  return { ...readableMark(table, key), write };
}
