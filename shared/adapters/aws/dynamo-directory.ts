/**
 * The directory of lanes in the ledger table: append-only rows, one per epoch. Readers know a new epoch within a minute,
 * writers use it only 15 minutes after it was published, so no reader misses a lane that is written.
 */
import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { Timing } from "#adapters/aws/dynamo-client-retry.ts";
import { SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { FIRST_EPOCH, MAX_LANES } from "#adapters/aws/lanes.ts";
import { AuditStorageError, AuditValidationError } from "#lib/errors.ts";

/** Where writers and readers of events learn the lanes. */
export interface LaneDirectory {
  /**
   * All epochs that are published, oldest first, at least one; at most a minute old.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  readonly epochs: () => Promise<readonly LaneEpoch[]>;
}

export interface DynamoDirectory extends LaneDirectory {
  /**
   * Publishes an epoch, in force 15 minutes from now.
   * @throws AuditValidationError `validation-failed` where a number is not 1–64, shrinks, or the spread exceeds the lanes
   * @throws AuditStorageError `storage-unavailable` (retryable), also where another epoch was published meanwhile
   */
  readonly publishLanes: (wanted: LaneSetting) => Promise<LaneEpoch>;
}

export interface LaneSetting {
  readonly lanes: number;
  readonly spread: number;
}

export interface DynamoDirectoryOptions {
  readonly client: DynamoSender;
  readonly ledgerName: string;
  readonly timing?: Timing;
}

const CACHE_MS = 60_000;
const ACTIVATION_MS = 15 * 60_000;
const ROW_FORMAT = 1;
const NUMBER_DIGITS = 6;

export function createDynamoDirectory(options: DynamoDirectoryOptions): DynamoDirectory {
  const { client, ledgerName, timing = SYSTEM_TIMING } = options;
  let cached: { readonly untilMs: number; readonly epochs: Promise<readonly LaneEpoch[]> } | undefined;

  const read = async (): Promise<readonly LaneEpoch[]> => {
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
  };

  const epochs: LaneDirectory["epochs"] = async () => {
    // The clock of the wall: a process that was frozen meanwhile must not trust what it knew before.
    const nowMs = timing.nowMs();
    if (cached === undefined || nowMs >= cached.untilMs || nowMs < cached.untilMs - CACHE_MS) {
      const reading = { untilMs: nowMs + CACHE_MS, epochs: read() };
      cached = reading;
      reading.epochs.catch(() => {
        if (cached === reading) cached = undefined;
      });
    }
    return cached.epochs;
  };

  const publishLanes: DynamoDirectory["publishLanes"] = async (wanted) => {
    const newest = (await read()).at(-1) ?? FIRST_EPOCH;
    checkSetting(wanted, newest);
    const { lanes, spread } = wanted;
    const epoch: LaneEpoch = {
      number: newest.number + 1,
      lanes,
      spread,
      activeFromMs: timing.nowMs() + ACTIVATION_MS,
    };
    const request = new PutItemCommand({
      TableName: ledgerName,
      Item: toRow(epoch),
      ConditionExpression: `attribute_not_exists(${ROW.partition})`,
    });
    try {
      await client.send(request);
    } catch (cause) {
      if (!isVendorError(cause, "ConditionalCheckFailedException")) {
        throw storageError("the publication of lanes", cause);
      }
      const message = "other lanes were published at the same moment; look at them and try again";
      throw new AuditStorageError("storage-unavailable", message, { cause, retryable: true });
    }
    cached = undefined;
    return epoch;
  };

  return { epochs, publishLanes };
}

function checkSetting({ lanes, spread }: LaneSetting, newest: LaneEpoch): void {
  const problem = (message: string): AuditValidationError =>
    new AuditValidationError("validation-failed", message);
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= MAX_LANES;
  if (!isCount(lanes) || !isCount(spread)) {
    throw problem(
      `lanes are ${lanes} and spread is ${spread}; both are whole numbers from 1 to ${MAX_LANES}`,
    );
  }
  if (spread > lanes) throw problem(`spread is ${spread}, more than the ${lanes} lanes`);
  if (lanes < newest.lanes || spread < newest.spread) {
    throw problem(
      `lanes are ${newest.lanes} and spread is ${newest.spread}; they only grow, but ${lanes} and ${spread} were given`,
    );
  }
}

function toRow({ number, lanes, spread, activeFromMs }: LaneEpoch): Item {
  return {
    [ROW.partition]: { S: LEDGER_PARTITION.lanes },
    [ROW.sort]: { S: String(number).padStart(NUMBER_DIGITS, "0") },
    [ROW.format]: { N: String(ROW_FORMAT) },
    lanes: { N: String(lanes) },
    spread: { N: String(spread) },
    active_from_ms: { N: String(activeFromMs) },
  };
}

function readEpoch(row: Item): LaneEpoch {
  const format = row[ROW.format]?.N;
  if (format !== String(ROW_FORMAT)) {
    const message = `a row of lanes is of format ${format ?? "none"}; this version of the service reads ${ROW_FORMAT}`;
    throw new AuditStorageError("storage-unavailable", message);
  }
  return {
    number: Number(row[ROW.sort]?.S),
    lanes: Number(row["lanes"]?.N),
    spread: Number(row["spread"]?.N),
    activeFromMs: Number(row["active_from_ms"]?.N),
  };
}
