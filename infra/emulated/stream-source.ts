/**
 * Feeds a function from the stream of a table as Lambda does: records are read shard by shard, those that a filter wants are
 * gathered for a window, and a batch that fails is tried again as often as the template says, then dropped.
 */
import type {
  _Record as StreamRecord,
  DynamoDBStreamsClient,
  GetShardIteratorCommandInput,
  ShardIteratorType,
} from "@aws-sdk/client-dynamodb-streams";
import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  TrimmedDataAccessException,
} from "@aws-sdk/client-dynamodb-streams";
import { REGION } from "#infra/emulated/config.ts";
import type { FilterPattern } from "#infra/emulated/event-filter.ts";
import { isWanted } from "#infra/emulated/event-filter.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";

export interface StreamSourceOptions {
  readonly client: DynamoDBStreamsClient;
  /** On the stand-in. */
  readonly streamArn: string;
  /** As the template has it; records say that they come from it. */
  readonly eventSourceArn: string;
  readonly target: LambdaFunction;
  readonly startingPosition: "LATEST" | "TRIM_HORIZON";
  readonly filters: readonly FilterPattern[];
  readonly maxRecords: number;
  readonly windowMs: number;
  /** After the first one. */
  readonly maxRetries: number;
  /** Called with what went wrong; the source goes on. */
  readonly onProblem: (text: string) => void;
}

export interface StreamSource {
  readonly target: LambdaFunction;
  /** Resolves when everything is handed over, and handled, that was written before the call. */
  readonly settle: () => Promise<void>;
  /** Stops reading, and waits for what is under way. */
  readonly stop: () => Promise<void>;
}

/** Lambda asks a shard four times a second. */
const POLL_MS = 250;
/** Where nothing is gathered, nobody wants to wait for the poll either. */
const EAGER_POLL_MS = 50;

/** Reads from the starting position as it is now. */
export async function startStreamSource(options: StreamSourceOptions): Promise<StreamSource> {
  const { target, windowMs, onProblem } = options;
  const shards = new ShardReader(options);
  await shards.open(options.startingPosition);
  const stopping = new AbortController();
  const waiting: StreamRecord[] = [];
  /** Of polls that have begun, and of the last one behind which nothing was left to do. */
  const polls = { begun: 0, settled: 0, hasEnded: false };
  let settled = Promise.withResolvers<undefined>();

  const loop = async (): Promise<void> => {
    let gatheredMs = 0;
    while (!stopping.signal.aborted) {
      const poll = ++polls.begun;
      const found = await shards.read();
      waiting.push(...found.map(recordOf(options)).filter((record) => isWanted(record, options.filters)));
      if (waiting.length > 0 && gatheredMs >= windowMs) {
        while (waiting.length > 0) await handOver(options, waiting.splice(0, options.maxRecords));
        gatheredMs = 0;
      } else if (waiting.length > 0) gatheredMs += POLL_MS;
      if (waiting.length === 0 && found.length === 0) {
        polls.settled = poll;
        settled.resolve(undefined);
        settled = Promise.withResolvers<undefined>();
      }
      await pause(windowMs === 0 ? EAGER_POLL_MS : POLL_MS, stopping.signal);
    }
  };

  const ended = loop()
    .catch((error: unknown) => {
      if (!stopping.signal.aborted) onProblem(`the stream has ended: ${String(error)}`);
    })
    .finally(() => {
      polls.hasEnded = true;
    });
  return {
    target,
    settle: async () => {
      const { begun } = polls; // one that is under way may have been answered before
      while (polls.settled <= begun && !polls.hasEnded) await Promise.race([settled.promise, ended]);
    },
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

interface Shard {
  readonly id: string;
  readonly iterator: string | undefined;
  /** Of the last record that was read. */
  readonly last: string | undefined;
}

/** The shards of a stream, one behind the other as they follow each other. */
class ShardReader {
  private readonly client: DynamoDBStreamsClient;
  private readonly streamArn: string;
  private readonly known = new Set<string>();
  private shards: readonly Shard[] = [];

  constructor({ client, streamArn }: Pick<StreamSourceOptions, "client" | "streamArn">) {
    this.client = client;
    this.streamArn = streamArn;
  }

  /** From now on, or from the beginning; shards that come later are read from their beginning. */
  async open(position: ShardIteratorType): Promise<void> {
    const request = new DescribeStreamCommand({ StreamArn: this.streamArn });
    const { StreamDescription: stream } = await this.client.send(request);
    for (const { ShardId: id } of stream?.Shards ?? []) {
      if (id === undefined || this.known.has(id)) continue;
      this.known.add(id);
      const iterator = await this.iteratorOf(id, { ShardIteratorType: position });
      this.shards = [...this.shards, { id, iterator, last: undefined }];
    }
  }

  async read(): Promise<readonly StreamRecord[]> {
    const answers = await Promise.all(this.shards.map((shard) => this.readShard(shard)));
    const left = answers.flatMap(({ shard }) => (shard.iterator === undefined ? [] : [shard]));
    const hasEnded = left.length < this.shards.length;
    this.shards = left;
    if (hasEnded) await this.open("TRIM_HORIZON");
    return answers.flatMap(({ records }) => records);
  }

  private async readShard(
    shard: Shard,
  ): Promise<{ readonly shard: Shard; readonly records: readonly StreamRecord[] }> {
    const { id, iterator, last: before } = shard;
    try {
      const { Records: records = [], NextShardIterator: next } = await this.client.send(
        new GetRecordsCommand({ ShardIterator: iterator }),
      );
      const last = records.at(-1)?.dynamodb?.SequenceNumber ?? before;
      return { shard: { id, iterator: next, last }, records };
    } catch (error) {
      if (!(error instanceof TrimmedDataAccessException)) throw error;
      // The stand-in says so of a position in a shard that was empty; Lambda goes on with what there is.
      const position: Position =
        before === undefined
          ? { ShardIteratorType: "TRIM_HORIZON" }
          : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: before };
      return { shard: { ...shard, iterator: await this.iteratorOf(id, position) }, records: [] };
    }
  }

  private async iteratorOf(ShardId: string, position: Position): Promise<string | undefined> {
    const request = new GetShardIteratorCommand({ StreamArn: this.streamArn, ShardId, ...position });
    return (await this.client.send(request)).ShardIterator;
  }
}

type Position = Pick<GetShardIteratorCommandInput, "ShardIteratorType" | "SequenceNumber">;

async function handOver(
  { target, maxRetries, onProblem }: StreamSourceOptions,
  records: readonly StreamRecord[],
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await target.invoke({ Records: records });
      return;
    } catch (error) {
      onProblem(String(error));
      if (tries === maxRetries) return;
    }
  }
}

/** A record as the function sees it. */
function recordOf({ eventSourceArn }: StreamSourceOptions): (record: StreamRecord) => StreamRecord {
  const source = { eventSource: "aws:dynamodb", awsRegion: REGION, eventSourceARN: eventSourceArn };
  return (record) => ({ ...record, ...source });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}
