/** Whether a table holds anything but its mark: what a rebuild asks before it writes into one. */
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { ITEM, LEDGER_PARTITION, MARK_ITEM_KEY, ROW } from "#adapters/aws/keys.ts";

export interface TableContentsOptions {
  readonly client: DynamoSender;
  readonly tableName: string;
}

/** The mark, and one that is not. */
const LIMIT = 2;

/** The function throws AuditStorageError `storage-unavailable` (retryable). */
export function createHoldsEvents(options: TableContentsOptions): () => Promise<boolean> {
  return () => holdsOther(options, { name: ITEM.key, mark: MARK_ITEM_KEY });
}

/** The function throws AuditStorageError `storage-unavailable` (retryable). */
export function createHoldsRows(options: TableContentsOptions): () => Promise<boolean> {
  return () => holdsOther(options, { name: ROW.partition, mark: LEDGER_PARTITION.mark });
}

async function holdsOther(
  { client, tableName }: TableContentsOptions,
  { name, mark }: { readonly name: string; readonly mark: string },
): Promise<boolean> {
  try {
    const { Items: items = [] } = await client.send(
      new ScanCommand({
        TableName: tableName,
        ProjectionExpression: "#k",
        ExpressionAttributeNames: { "#k": name },
        Limit: LIMIT,
        ConsistentRead: true,
      }),
    );
    return items.some((item) => item[name]?.S !== mark);
  } catch (cause) {
    throw storageError(`a look into table ${tableName}`, cause);
  }
}
