/** How many events each lane of a tenant took of late: counted in the index, bounded, by the events' own times. */
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { sortRange } from "#adapters/aws/event-item-sort.ts";
import { INDEX_OF_PATH, laneKey } from "#adapters/aws/keys.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { lanesToRead } from "#adapters/aws/lanes.ts";
import { instantFromMs } from "#lib/instant.ts";

export interface LaneLoadRequest {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly tenantId: string;
  readonly epochs: readonly LaneEpoch[];
  /** Milliseconds since 1970 from which events count. */
  readonly fromMs: number;
}

export interface LaneLoad {
  readonly lane: string;
  readonly events: number;
  /** Whether there are more, uncounted. */
  readonly isMore: boolean;
}

/** At most so many entries of a lane are counted: about 60 read units. */
const MAX_ENTRIES = 5000;

/** @throws AuditStorageError `storage-unavailable` (retryable) */
export async function readLaneLoads(request: LaneLoadRequest): Promise<readonly LaneLoad[]> {
  const lanes = lanesToRead({ access: { kind: "timeline" }, filter: {} }, request.epochs);
  const loads: LaneLoad[] = [];
  for (const lane of lanes) loads.push(await readLoad(lane, request));
  return loads.sort((a, b) => a.lane.localeCompare(b.lane, "en", { numeric: true }));
}

async function readLoad(
  lane: string,
  { client, tableName, tenantId, fromMs }: LaneLoadRequest,
): Promise<LaneLoad> {
  const from = instantFromMs(fromMs);
  const range = sortRange({ from, to: undefined, after: undefined, isDescending: true });
  if (range === undefined) return { lane, events: 0, isMore: false };
  const { name, partitionKey, sortKey } = INDEX_OF_PATH.timeline;
  try {
    const { Count: events = 0, LastEvaluatedKey: lastKey } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: name,
        KeyConditionExpression: "#p = :p AND #s BETWEEN :from AND :to",
        ExpressionAttributeNames: { "#p": partitionKey.name, "#s": sortKey.name },
        ExpressionAttributeValues: {
          ":p": { S: laneKey(tenantId, lane) },
          ":from": { B: range.from },
          ":to": { B: range.to },
        },
        Select: "COUNT",
        Limit: MAX_ENTRIES,
      }),
    );
    return { lane, events, isMore: lastKey !== undefined };
  } catch (cause) {
    throw storageError(`the count of lane ${lane}`, cause);
  }
}
