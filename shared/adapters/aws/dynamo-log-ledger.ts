/**
 * The port LogLedger in DynamoDB: the head of the log is one item, replaced where its checkpoint is still the one that was
 * read. A call that is tried again after a lost answer can meet its own write and answer `lost`: whoever sealed reads
 * the head again then, and finds its own.
 */
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { LogHead, LogLedger } from "#service/log-ports.ts";

export interface DynamoLogLedgerOptions {
  readonly client: DynamoSender;
  /** Of the ledger table. */
  readonly tableName: string;
}

const HEAD_KEY: Item = {
  [ROW.partition]: { S: LEDGER_PARTITION.log },
  [ROW.sort]: { S: "head" },
};
const HEAD_FORMAT = 1;
const CHECKPOINT = "checkpoint";
const STAGING = "staging";
const SEALED_AT = "sealed_at_ms";

export function createDynamoLogLedger({ client, tableName }: DynamoLogLedgerOptions): LogLedger {
  const readHead: LogLedger["readHead"] = async () => {
    const request = new GetItemCommand({ TableName: tableName, Key: HEAD_KEY, ConsistentRead: true });
    try {
      const { Item: item } = await client.send(request);
      return item === undefined ? undefined : headOf(item);
    } catch (cause) {
      throw storageError("the read of the head of the log", cause);
    }
  };

  const swapHead: LogLedger["swapHead"] = async (expected, next) => {
    const request = new PutItemCommand({
      TableName: tableName,
      Item: headItem(next),
      ...(expected === undefined
        ? {
            ConditionExpression: "attribute_not_exists(#at)",
            ExpressionAttributeNames: { "#at": ROW.partition },
          }
        : {
            ConditionExpression: "#at = :expected",
            ExpressionAttributeNames: { "#at": CHECKPOINT },
            ExpressionAttributeValues: { ":expected": { S: expected.checkpoint } },
          }),
    });
    try {
      await client.send(request);
      return "swapped";
    } catch (cause) {
      if (isVendorError(cause, "ConditionalCheckFailedException")) return "lost";
      throw storageError("the swap of the head of the log", cause);
    }
  };

  return { readHead, swapHead };
}

/** The whole item. */
export function headItem({ checkpoint, staging, sealedAtMs }: LogHead): Item {
  return {
    ...HEAD_KEY,
    [ROW.format]: { N: String(HEAD_FORMAT) },
    [CHECKPOINT]: { S: checkpoint },
    ...(staging !== undefined && { [STAGING]: { S: staging } }),
    [SEALED_AT]: { N: String(sealedAtMs) },
  };
}

/** @throws AuditStorageError `storage-unavailable` where the item is of a newer format, or damaged */
export function headOf(item: Item): LogHead {
  const format = item[ROW.format]?.N;
  if (format !== String(HEAD_FORMAT)) {
    const message = `the head of the log is of format ${format ?? "none"}; this version of the service reads ${HEAD_FORMAT}`;
    throw new AuditStorageError("storage-unavailable", message);
  }
  const checkpoint = item[CHECKPOINT]?.S;
  const sealedAtMs = Number(item[SEALED_AT]?.N);
  if (checkpoint === undefined || !Number.isSafeInteger(sealedAtMs)) {
    throw new AuditStorageError(
      "storage-unavailable",
      "the head of the log lacks its checkpoint or its time",
    );
  }
  return { checkpoint, staging: item[STAGING]?.S, sealedAtMs };
}
