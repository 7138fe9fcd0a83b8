/**
 * The port SealLedger in DynamoDB. The row says where the lines of a batch stand, and the pointer only that they stand
 * nowhere yet: the row is written first, and a pointer that outlives it is found out by the row.
 */
import type { QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import {
  DeleteItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import { getItems } from "#adapters/aws/dynamo-client-batch-get.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { createBackOff, isPassing, SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import type { DynamoLedgerOptions } from "#adapters/aws/dynamo-ledger.ts";
import { batchKey, pendingPointer, pointerKey } from "#adapters/aws/dynamo-ledger-keys.ts";
import { readRecord, SEALED, sealedAttributes } from "#adapters/aws/dynamo-ledger-row.ts";
import { cancellationCodes, hasPassingReason } from "#adapters/aws/dynamo-transaction.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { batchPartition, LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { SealLedger } from "#service/log-ports.ts";
import type { SealedPlace } from "#service/ports.ts";

const WRITE_DEADLINE_MS = 10_000;

export function createDynamoSealLedger(options: DynamoLedgerOptions): SealLedger {
  const { client, tableName, timing = SYSTEM_TIMING } = options;

  const pending: SealLedger["pending"] = async (limit) => {
    const batchIds = await pointedBatches(options, limit);
    const keys = batchIds.map(batchKey);
    const { items } = await getItems(keys, { client, tableName, timing, isConsistent: true });
    const rows = new Map(items.map((item) => [item[ROW.partition]?.S, item]));
    return batchIds.map((batchId) => {
      const row = rows.get(batchPartition(batchId));
      return { batchId, row: row === undefined ? undefined : readRecord(batchId, row) };
    });
  };

  const markSealed: SealLedger["markSealed"] = async (batchId, place) => {
    const what = `the note of where batch ${batchId} stands in the log`;
    const update = new UpdateItemCommand({
      TableName: tableName,
      Key: batchKey(batchId),
      ...sealing(place),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const key = pointerKey(LEDGER_PARTITION.pending, batchId);
    await persistently(what, timing, async () => {
      try {
        await client.send(update);
      } catch (cause) {
        if (isVendorError(cause, "ConditionalCheckFailedException"))
          throw placedElsewhere(batchId, place, cause);
        throw cause;
      }
      await client.send(new DeleteItemCommand({ TableName: tableName, Key: key }));
    });
  };

  const repoint: SealLedger["repoint"] = async (batchId) => {
    const request = new TransactWriteItemsCommand({
      TransactItems: [
        {
          ConditionCheck: {
            TableName: tableName,
            Key: batchKey(batchId),
            ConditionExpression: "attribute_exists(#pk) AND attribute_not_exists(#leaf)",
            ExpressionAttributeNames: { "#pk": ROW.partition, "#leaf": SEALED.firstLeaf },
          },
        },
        { Put: { TableName: tableName, Item: pendingPointer(batchId) } },
      ],
    });
    await persistently(`the pending pointer of batch ${batchId}`, timing, async () => {
      try {
        await client.send(request);
      } catch (cause) {
        if (cancellationCodes(cause)[0] !== "ConditionalCheckFailed") throw cause;
      }
    });
  };

  return { pending, markSealed, repoint };
}

/** Ids are UUIDv7, so their order is that of time. */
async function pointedBatches(
  { client, tableName }: DynamoLedgerOptions,
  limit: number,
): Promise<readonly string[]> {
  const batchIds: string[] = [];
  let after: Item | undefined;
  do {
    const request = new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: "#pk = :pending",
      ExpressionAttributeNames: { "#pk": ROW.partition },
      ExpressionAttributeValues: { ":pending": { S: LEDGER_PARTITION.pending } },
      ConsistentRead: true,
      Limit: limit - batchIds.length,
      ...(after !== undefined && { ExclusiveStartKey: after }),
    });
    try {
      const { Items: items = [], LastEvaluatedKey: last }: QueryCommandOutput = await client.send(request);
      batchIds.push(...items.flatMap((item) => item[ROW.sort]?.S ?? []));
      after = last;
    } catch (cause) {
      throw storageError("the read of batches to be sealed", cause);
    }
  } while (after !== undefined && batchIds.length < limit);
  return batchIds;
}

/** Writes the place where the row has none, or this very one. */
function sealing(
  place: SealedPlace,
): Pick<
  ConstructorParameters<typeof UpdateItemCommand>[0],
  "UpdateExpression" | "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
> {
  const { [SEALED.firstLeaf]: leaf = { N: "" }, [SEALED.segment]: segment } = sealedAttributes(place);
  const isSame = segment === undefined ? "attribute_not_exists(#segment)" : "#segment = :segment";
  return {
    UpdateExpression: `SET #leaf = :leaf${segment === undefined ? "" : ", #segment = :segment"}`,
    ConditionExpression: `attribute_exists(#pk) AND (attribute_not_exists(#leaf) OR (#leaf = :leaf AND ${isSame}))`,
    ExpressionAttributeNames: {
      "#pk": ROW.partition,
      "#leaf": SEALED.firstLeaf,
      "#segment": SEALED.segment,
    },
    ExpressionAttributeValues: { ":leaf": leaf, ...(segment !== undefined && { ":segment": segment }) },
  };
}

/** The row comes with the refusal, where there is one. */
function placedElsewhere(batchId: string, place: SealedPlace, cause: unknown): AuditStorageError {
  // cast: the member that the SDK gives ConditionalCheckFailedException where the request asks for it
  const { Item: row } = cause as { readonly Item?: Item };
  if (row === undefined) {
    return new AuditStorageError("storage-unavailable", `batch ${batchId} has no row`, { cause });
  }
  const { firstLeaf, segment = "no segment" } = place;
  const found = `leaf ${row[SEALED.firstLeaf]?.N ?? ""} and ${row[SEALED.segment]?.S ?? "no segment"}`;
  const message = `the row of batch ${batchId} says ${found}, but its lines are sealed at leaf ${firstLeaf} and ${segment}`;
  return new AuditStorageError("log-diverged", message, { cause });
}

async function persistently(what: string, timing: Timing, work: () => Promise<void>): Promise<void> {
  const backOff = createBackOff({ what, deadlineMs: WRITE_DEADLINE_MS, timing });
  for (;;) {
    try {
      await work();
      return;
    } catch (cause) {
      if (!isPassing(cause) && !hasPassingReason(cancellationCodes(cause))) throw storageError(what, cause);
      await backOff(cause);
    }
  }
}
