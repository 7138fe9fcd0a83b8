/**
 * The index partitions of a plan, read side by side and merged into one order. An entry is handed out only once every
 * partition has been read down to it, so nothing that comes later can belong before it.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { inParallel } from "#adapters/aws/parallel.ts";
import type { Item } from "#adapters/aws/event-item.ts";
import type { SortRange } from "#adapters/aws/event-item-sort.ts";
import { compareSortKeys, sortRange } from "#adapters/aws/event-item-sort.ts";
import { INDEX_OF_PATH, ITEM, laneKey, valueKey } from "#adapters/aws/keys.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { lanesToRead } from "#adapters/aws/lanes.ts";
import type { QueryPlan } from "#query/plan.ts";

/** What an index says of an event. */
export interface IndexEntry {
  /** Key of its item. */
  readonly key: string;
  readonly sort: Uint8Array;
  readonly facets: Uint8Array | undefined;
}

export interface LaneSource {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly plan: QueryPlan;
  readonly epochs: readonly LaneEpoch[];
  /** Entries to read at most. */
  readonly maxEntries: number;
}

interface Lane {
  readonly partition: AttributeValue;
  /** Entries read and not handed out; the next one last. */
  waiting: IndexEntry[];
  startKey: Item | undefined;
  isRead: boolean;
}

const MAX_PARALLEL = 32;
/** One to hand out, and one that may be the place at which the page begins and is left out. */
const MIN_ENTRIES = 2;

export class LaneMerge {
  entries = 0;
  units = 0;
  roundTrips = 0;
  private readonly source: LaneSource;
  private readonly range: SortRange | undefined;
  private readonly lanes: readonly Lane[];

  constructor(source: LaneSource) {
    this.source = source;
    this.range = sortRange(source.plan);
    const partitions = this.range === undefined ? [] : partitionsOf(source);
    this.lanes = partitions.map((partition) => {
      return { partition, waiting: [], startKey: undefined, isRead: false };
    });
  }

  get laneCount(): number {
    return this.lanes.length;
  }

  /** Nothing is left, neither read nor to be read. */
  get isAtEnd(): boolean {
    return this.lanes.every(({ isRead, waiting }) => isRead && waiting.length === 0);
  }

  /** The budget does not allow another read of the lanes that have to be read. */
  get isSpent(): boolean {
    return this.entriesEach(this.hungry(1).length) < MIN_ENTRIES;
  }

  /** The next entry in the order of the plan; undefined at the end, and where lanes have to be read first. */
  take(): IndexEntry | undefined {
    let first: Lane | undefined;
    for (const lane of this.lanes) {
      if (lane.waiting.length === 0 && !lane.isRead) return undefined;
      if (lane.waiting.length > 0 && (first === undefined || this.isBefore(lane, first))) first = lane;
    }
    return first?.waiting.pop();
  }

  /** All entries that are waiting, in no order. */
  takeAll(): readonly IndexEntry[] {
    return this.lanes.flatMap((lane) => lane.waiting.splice(0));
  }

  /**
   * Reads on in lanes that have little waiting; one round trip.
   * @param share entries to read of each lane, if the budget allows it
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  async fill(share: number): Promise<void> {
    const wide = this.hungry(Math.max(1, Math.ceil(share / this.lanes.length)));
    const hungry = this.entriesEach(wide.length) < MIN_ENTRIES ? this.hungry(1) : wide;
    const limit = Math.max(MIN_ENTRIES, Math.min(share, this.entriesEach(hungry.length)));
    this.roundTrips += Math.ceil(hungry.length / MAX_PARALLEL);
    await inParallel(hungry, MAX_PARALLEL, (lane) => this.read(lane, limit));
  }

  private hungry(below: number): readonly Lane[] {
    return this.lanes.filter(({ isRead, waiting }) => !isRead && waiting.length < below);
  }

  private entriesEach(laneCount: number): number {
    return Math.floor((this.source.maxEntries - this.entries) / Math.max(1, laneCount));
  }

  private isBefore(a: Lane, b: Lane): boolean {
    const [one, other] = [a.waiting.at(-1), b.waiting.at(-1)];
    if (one === undefined || other === undefined) return false;
    const order = compareSortKeys(one.sort, other.sort);
    return this.source.plan.isDescending ? order > 0 : order < 0;
  }

  private async read(lane: Lane, limit: number): Promise<void> {
    const { client, tableName, plan } = this.source;
    const { range } = this;
    if (range === undefined) return;
    const index = INDEX_OF_PATH[plan.access.kind];
    const request = new QueryCommand({
      TableName: tableName,
      IndexName: index.name,
      KeyConditionExpression: "#p = :p AND #s BETWEEN :from AND :to",
      ExpressionAttributeNames: { "#p": index.partitionKey.name, "#s": index.sortKey.name },
      ExpressionAttributeValues: { ":p": lane.partition, ":from": { B: range.from }, ":to": { B: range.to } },
      ScanIndexForward: !plan.isDescending,
      Limit: limit,
      ReturnConsumedCapacity: "TOTAL",
      ...(lane.startKey !== undefined && { ExclusiveStartKey: lane.startKey }),
    });
    try {
      const { Items: items = [], LastEvaluatedKey: lastKey, ConsumedCapacity } = await client.send(request);
      this.units += ConsumedCapacity?.CapacityUnits ?? 0;
      this.entries += items.length;
      const found = items.flatMap(readEntry).filter(({ sort }) => !isSame(sort, range.except));
      lane.waiting = [...found.reverse(), ...lane.waiting];
      lane.startKey = lastKey;
      lane.isRead = lastKey === undefined;
    } catch (cause) {
      throw storageError(`the read of index ${index.name}`, cause);
    }
  }
}

function partitionsOf({ plan, epochs }: LaneSource): readonly AttributeValue[] {
  const { tenantId, access } = plan;
  if (access.kind === "user" || access.kind === "resource") {
    return access.values.map((value) => ({ B: valueKey(tenantId, value) }));
  }
  return lanesToRead(plan, epochs).map((lane) => ({ S: laneKey(tenantId, lane) }));
}

function readEntry(item: Item): readonly IndexEntry[] {
  const key = item[ITEM.key]?.S;
  const sort = item[ITEM.sort]?.B;
  return key === undefined || sort === undefined ? [] : [{ key, sort, facets: item[ITEM.facets]?.B }];
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && compareSortKeys(a, b) === 0;
}
