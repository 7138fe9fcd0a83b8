/**
 * The checkpoints that a witness has cosigned, one item per log in a table of the witness's own. Any number of functions may
 * share it: a write is on the condition that what was read still stands.
 */
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { TableDefinition } from "#adapters/aws/keys.ts";
import type { WitnessStore } from "#service/witness-ports.ts";

const ORIGIN = "origin";
const CHECKPOINT = "checkpoint";

/** Names are stored data: they are never changed. */
export const WITNESS_TABLE: TableDefinition = {
  partitionKey: { name: ORIGIN, type: "S" },
  indexes: [],
};

export interface DynamoWitnessStoreOptions {
  readonly client: DynamoSender;
  readonly tableName: string;
}

export function createDynamoWitnessStore({ client, tableName }: DynamoWitnessStoreOptions): WitnessStore {
  return {
    read: async (origin) => {
      const request = new GetItemCommand({
        TableName: tableName,
        Key: { [ORIGIN]: { S: origin } },
        ConsistentRead: true,
      });
      try {
        const { Item: item } = await client.send(request);
        return item?.[CHECKPOINT]?.S;
      } catch (cause) {
        throw storageError(`the read of the checkpoint of ${origin}`, cause);
      }
    },
    swap: async (origin, { expected, next }) => {
      const request = new PutItemCommand({
        TableName: tableName,
        Item: { [ORIGIN]: { S: origin }, [CHECKPOINT]: { S: next } },
        ExpressionAttributeNames: { "#c": CHECKPOINT },
        ...(expected === undefined
          ? { ConditionExpression: "attribute_not_exists(#c)" }
          : {
              ConditionExpression: "#c = :expected",
              ExpressionAttributeValues: { ":expected": { S: expected } },
            }),
      });
      try {
        await client.send(request);
        return "swapped";
      } catch (cause) {
        if (isVendorError(cause, "ConditionalCheckFailedException")) return "lost";
        throw storageError(`the write of the checkpoint of ${origin}`, cause);
      }
    },
  };
}
