/**
 * The directory of lanes in the ledger table: append-only rows, one per epoch. Readers know a new epoch within a minute,
 * writers use it only 15 minutes after it was published, so no reader misses a lane that is written.
 */
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import { AuditStorageError } from "#lib/errors.ts";

/** Where writers and readers of events learn the lanes. */
export interface LaneDirectory {
  /**
   * All epochs that are published, oldest first, at least one; at most a minute old.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  readonly epochs: () => Promise<readonly LaneEpoch[]>;
}

export interface DynamoDirectoryOptions {
  readonly client: DynamoSender;
  readonly ledgerName: string;
  readonly timing?: Timing;
}

const CACHE_MS = 60_000;
export const LANES_ROW_FORMAT = 1;

export function createDynamoDirectory(options: DynamoDirectoryOptions): LaneDirectory {
  const { client, ledgerName, timing = SYSTEM_TIMING } = options;
  let cached: { readonly untilMs: number; readonly epochs: Promise<readonly LaneEpoch[]> } | undefined;

  const epochs: LaneDirectory["epochs"] = async () => {
    // The clock of the wall: a process that was frozen meanwhile must not trust what it knew before.
    const nowMs = timing.nowMs();
    if (cached === undefined || nowMs >= cached.untilMs || nowMs < cached.untilMs - CACHE_MS) {
      const reading = { untilMs: nowMs + CACHE_MS, epochs: readEpochs(client, ledgerName) };
      cached = reading;
      reading.epochs.catch(() => {
        if (cached === reading) cached = undefined;
      });
    }
    return cached.epochs;
  };

  return { epochs };
}

/**
 * All epochs that are published by now, oldest first.
 * @throws AuditStorageError `storage-unavailable`
 */
export async function readEpochs(client: DynamoSender, ledgerName: string): Promise<readonly LaneEpoch[]> {
  const request = new QueryCommand({
    TableName: ledgerName,
    KeyConditionExpression: `${ROW.partition} = :p`,
    ExpressionAttributeValues: { ":p": { S: LEDGER_PARTITION.lanes } },
    ConsistentRead: true,
  });
  try {
    const { Items: rows = [] } = await client.send(request);
    return [FIRST_EPOCH, ...rows.map(readEpoch)];
  } catch (cause) {
    throw storageError("the read of the lanes", cause);
  }
}

function readEpoch(row: Item): LaneEpoch {
  const format = row[ROW.format]?.N;
  if (format !== String(LANES_ROW_FORMAT)) {
    const message = `a row of lanes is of format ${format ?? "none"}; this version of the service reads ${LANES_ROW_FORMAT}`;
    throw new AuditStorageError("storage-unavailable", message);
  }
  return {
    number: Number(row[ROW.sort]?.S),
    lanes: Number(row["lanes"]?.N),
    spread: Number(row["spread"]?.N),
    activeFromMs: Number(row["active_from_ms"]?.N),
  };
}
