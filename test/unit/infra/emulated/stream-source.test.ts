// A stream that feeds a function: what the filter wants comes in order, once, and a batch that fails is tried as often as told.
import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { clientOptions } from "#infra/emulated/config.ts";
import { FilterPattern } from "#infra/emulated/event-filter.ts";
import type { StreamSource, StreamSourceOptions } from "#infra/emulated/stream-source.ts";
import { startStreamSource } from "#infra/emulated/stream-source.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

interface Records {
  readonly Records: readonly {
    readonly eventName: string;
    readonly eventSource: string;
    readonly eventSourceARN: string;
    readonly dynamodb: { readonly Keys: { readonly sk: { readonly S: string } } };
  }[];
}

const PENDING = FilterPattern.parse('{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":["pending"]}}}}');
const ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1";

let tables = 0;

describeDynamo("a stream", (dynamo) => {
  let client: DynamoDBClient;
  let streams: DynamoDBStreamsClient;

  beforeAll(() => {
    client = new DynamoDBClient(clientOptions(dynamo().endpoint));
    streams = new DynamoDBStreamsClient(clientOptions(dynamo().endpoint));
  });

  afterAll(() => {
    client.destroy();
    streams.destroy();
  });

  const newTable = async (): Promise<string> => {
    tables++;
    const TableName = `streamed-${tables}`;
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        StreamSpecification: { StreamEnabled: true, StreamViewType: "KEYS_ONLY" },
      }),
    );
    return TableName;
  };
  const put = async (TableName: string, pk: string, sk: string): Promise<void> => {
    await client.send(new PutItemCommand({ TableName, Item: { pk: { S: pk }, sk: { S: sk } } }));
  };

  /** Starts a source; the batches that the function has been given are in `batches`. */
  const follow = async (
    TableName: string,
    handler: (sortKeys: readonly string[]) => unknown,
    options: Partial<StreamSourceOptions> = {},
  ): Promise<{ readonly source: StreamSource; readonly batches: Records[]; readonly problems: string[] }> => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    const batches: Records[] = [];
    const problems: string[] = [];
    const source = await startStreamSource({
      client: streams,
      streamArn: Table?.LatestStreamArn ?? "",
      eventSourceArn: ARN,
      target: {
        name: "f",
        arn: "f",
        invoke: async (event) => {
          const given = event as Records;
          batches.push(given);
          return handler(sortKeysOf(given));
        },
        killBusy: async () => 0,
        stop: async () => undefined,
      },
      startingPosition: "LATEST",
      filters: [PENDING],
      maxRecords: 1000,
      windowMs: 0,
      maxRetries: 0,
      onProblem: (text) => problems.push(text),
      ...options,
    });
    onTestFinished(() => source.stop());
    return { source, batches, problems };
  };

  it("hands over what the filter wants, in order and once, as Lambda shows it", async () => {
    const table = await newTable();
    const { source, batches } = await follow(table, () => undefined);

    await put(table, "pending", "1");
    await put(table, "other", "2");
    await put(table, "pending", "3");
    const Key = { pk: { S: "pending" }, sk: { S: "1" } };
    await client.send(new DeleteItemCommand({ TableName: table, Key }));
    await source.settle();
    await put(table, "pending", "4");
    await source.settle();

    expect(batches.flatMap(sortKeysOf)).toEqual(["1", "3", "4"]);
    expect(batches[0]?.Records[0]).toMatchObject({
      eventName: "INSERT",
      eventSource: "aws:dynamodb",
      eventSourceARN: ARN,
      dynamodb: { Keys: { pk: { S: "pending" }, sk: { S: "1" } }, StreamViewType: "KEYS_ONLY" },
    });
  });

  it("begins with what is new, or with what there is", async () => {
    const table = await newTable();
    await put(table, "pending", "old");
    const { source: latest, batches: late } = await follow(table, () => undefined);
    const { source: all, batches } = await follow(table, () => undefined, {
      startingPosition: "TRIM_HORIZON",
    });

    await put(table, "pending", "new");
    await Promise.all([latest.settle(), all.settle()]);

    expect(late.flatMap(sortKeysOf)).toEqual(["new"]);
    expect(batches.flatMap(sortKeysOf)).toEqual(["old", "new"]);
  });

  it("gathers records for its window, up to the size of a batch", async () => {
    const table = await newTable();
    const { source, batches } = await follow(table, () => undefined, { windowMs: 500, maxRecords: 2 });

    for (const sort of ["1", "2", "3"]) await put(table, "pending", sort);
    await source.settle();

    expect(batches.map(sortKeysOf)).toEqual([["1", "2"], ["3"]]);
  });

  it.each([0, 2])("tries a batch that fails %i times more, then goes on", async (maxRetries) => {
    const table = await newTable();
    const fail = (sorts: readonly string[]): void => {
      if (sorts.includes("bad")) throw new Error("made to fail");
    };
    const { source, batches, problems } = await follow(table, fail, { maxRetries });

    await put(table, "pending", "bad");
    await source.settle();
    await put(table, "pending", "good");
    await source.settle();

    expect(batches.map(sortKeysOf)).toEqual([
      ...Array.from({ length: maxRetries + 1 }, () => ["bad"]),
      ["good"],
    ]);
    expect(problems).toHaveLength(maxRetries + 1);
  });

  it("waits for what is under way when it stops, and has nobody wait behind that", async () => {
    const table = await newTable();
    const gate = Promise.withResolvers<undefined>();
    const { source, batches } = await follow(table, () => gate.promise);
    await put(table, "pending", "1");
    await vi.waitUntil(() => batches.length === 1);
    let hasStopped = false;

    const stopping = source.stop().then(() => {
      hasStopped = true;
    });
    await put(table, "pending", "2");
    const before = hasStopped;
    gate.resolve(undefined);
    await stopping;

    expect(before).toBe(false);
    expect(batches.map(sortKeysOf)).toEqual([["1"]]);
    await source.settle(); // does not wait for ever
  });
});

function sortKeysOf({ Records: records }: Records): readonly string[] {
  return records.map(({ dynamodb }) => dynamodb.Keys.sk.S);
}
