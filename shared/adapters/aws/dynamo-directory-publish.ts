/** Publishes more lanes in the directory. Apart from reading it, which every function does and no function does this. */
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import { SYSTEM_TIMING } from "#adapters/aws/dynamo-client-retry.ts";
import type { DynamoDirectoryOptions } from "#adapters/aws/dynamo-directory.ts";
import { LANES_ROW_FORMAT, readEpochs } from "#adapters/aws/dynamo-directory.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import { LEDGER_PARTITION, ROW } from "#adapters/aws/keys.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { FIRST_EPOCH, MAX_LANES } from "#adapters/aws/lanes.ts";
import { AuditStorageError, AuditValidationError } from "#lib/errors.ts";

export interface LaneSetting {
  readonly lanes: number;
  readonly spread: number;
}

const ACTIVATION_MS = 15 * 60_000;
const NUMBER_DIGITS = 6;

/**
 * Publishes an epoch, in force 15 minutes from now.
 * @throws AuditValidationError `validation-failed` where a number is not 1–64, shrinks, or the spread exceeds the lanes,
 * and where neither number is larger than in the newest epoch
 * @throws AuditStorageError `storage-unavailable` (retryable), also where another epoch was published meanwhile
 */
export async function publishLanes(
  { client, ledgerName, timing = SYSTEM_TIMING }: DynamoDirectoryOptions,
  wanted: LaneSetting,
): Promise<LaneEpoch> {
  const newest = (await readEpochs(client, ledgerName)).at(-1) ?? FIRST_EPOCH;
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
  return epoch;
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
  // Every page asks each lane of every epoch, and there is no way back: one that grows nothing is refused.
  if (lanes === newest.lanes && spread === newest.spread) {
    throw problem(`lanes are ${lanes} and spread is ${spread} already; give more of at least one`);
  }
}

function toRow({ number, lanes, spread, activeFromMs }: LaneEpoch): Item {
  return {
    [ROW.partition]: { S: LEDGER_PARTITION.lanes },
    [ROW.sort]: { S: String(number).padStart(NUMBER_DIGITS, "0") },
    [ROW.format]: { N: String(LANES_ROW_FORMAT) },
    lanes: { N: String(lanes) },
    spread: { N: String(spread) },
    active_from_ms: { N: String(activeFromMs) },
  };
}
