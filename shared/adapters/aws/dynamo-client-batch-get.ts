/**
 * Reads many items by key: 100 a call (the limit of BatchGetItem), few calls at a time, and again what DynamoDB left
 * unprocessed because an answer ends at 16 MB or a partition was throttled.
 */
import type { BatchGetItemCommandOutput, KeysAndAttributes } from "@aws-sdk/client-dynamodb";
import { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { createBackOff, isPassing } from "#adapters/aws/dynamo-client-retry.ts";
import { chunksOf, inParallel } from "#adapters/aws/parallel.ts";
import type { Item } from "#adapters/aws/event-item.ts";

const MAX_KEYS = 100;
const MAX_PARALLEL = 8;
const DEADLINE_MS = 5_000;

export interface BatchGet {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly timing: Timing;
  /** Attributes to read; none stands for all. */
  readonly attributes?: readonly string[];
  readonly isConsistent: boolean;
}

export interface GotItems {
  /** In any order; keys without an item are missing. */
  readonly items: readonly Item[];
  /** Read units. */
  readonly units: number;
  /** Calls that had to wait for each other. */
  readonly roundTrips: number;
}

/**
 * @param keys each once
 * @throws AuditStorageError `storage-unavailable` (retryable)
 */
export async function getItems(keys: readonly Item[], options: BatchGet): Promise<GotItems> {
  const parts = await inParallel(chunksOf(keys, MAX_KEYS), MAX_PARALLEL, (chunk) => getChunk(chunk, options));
  const calls = parts.reduce((sum, { roundTrips }) => sum + roundTrips, 0);
  return {
    items: parts.flatMap(({ items }) => items),
    units: parts.reduce((sum, { units }) => sum + units, 0),
    roundTrips: Math.max(Math.ceil(calls / MAX_PARALLEL), ...parts.map(({ roundTrips }) => roundTrips), 0),
  };
}

async function getChunk(keys: readonly Item[], options: BatchGet): Promise<GotItems> {
  const { client, tableName, timing, attributes, isConsistent } = options;
  const what = `the read of ${keys.length} items of ${tableName}`;
  const backOff = createBackOff({ what, deadlineMs: DEADLINE_MS, timing });
  const items: Item[] = [];
  let units = 0;
  let roundTrips = 0;
  let rest: KeysAndAttributes | undefined = {
    Keys: [...keys],
    ConsistentRead: isConsistent,
    ...(attributes !== undefined && projectionOf(attributes)),
  };
  while (rest !== undefined) {
    const request: BatchGetItemCommand = new BatchGetItemCommand({
      RequestItems: { [tableName]: rest },
      ReturnConsumedCapacity: "TOTAL",
    });
    roundTrips++;
    try {
      const answer: BatchGetItemCommandOutput = await client.send(request);
      items.push(...(answer.Responses?.[tableName] ?? []));
      units += answer.ConsumedCapacity?.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0) ?? 0;
      rest = answer.UnprocessedKeys?.[tableName];
    } catch (cause) {
      if (!isPassing(cause)) throw storageError(what, cause);
      await backOff(cause);
      continue;
    }
    if (rest !== undefined) await backOff(new UnprocessedKeysError());
  }
  return { items, units, roundTrips };
}

/** The cause where DynamoDB answered a part only, again and again. */
class UnprocessedKeysError extends Error {
  override readonly name = "UnprocessedKeys";
}

/** Names are replaced, because some are reserved words. */
export function projectionOf(
  attributes: readonly string[],
): Pick<KeysAndAttributes, "ProjectionExpression" | "ExpressionAttributeNames"> {
  const names = Object.fromEntries(attributes.map((name) => [`#${name}`, name]));
  return { ProjectionExpression: Object.keys(names).join(","), ExpressionAttributeNames: names };
}
