/** What feeds the functions of a template: its queues, and the streams of its tables. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Deployment } from "#infra/emulated/deployment.ts";
import type { EventSource } from "#infra/emulated/event-source.ts";
import { startEventSource } from "#infra/emulated/event-source.ts";
import type { Functions } from "#infra/emulated/functions.ts";
import { functionOf, missing } from "#infra/emulated/functions.ts";
import type { StreamSource } from "#infra/emulated/stream-source.ts";
import { startStreamSource } from "#infra/emulated/stream-source.ts";

export interface SourceOptions {
  readonly deployment: Deployment;
  readonly functions: Functions;
  /** Hand over as soon as something comes, in place of the windows of the template. */
  readonly skipsWindows: boolean;
  readonly onProblem: (text: string) => void;
}

/** Threads at once for one event source; a machine has fewer cores than AWS. */
const MAX_CONCURRENCY = 4;

/** @throws AuditServiceError `invalid-configuration` */
export function startQueueSources(
  { deployment, functions, skipsWindows, onProblem }: SourceOptions,
  sqs: SQSClient,
): readonly EventSource[] {
  const queues = deployment.resources("AWS::SQS::Queue");
  return deployment.resources("AWS::Lambda::EventSourceMapping").flatMap(({ properties }) => {
    if (properties.StartingPosition !== undefined) return [];
    const queue = queues.find(({ arn }) => arn === properties.EventSourceArn);
    if (queue === undefined) throw missing(`the queue ${properties.EventSourceArn}`);
    return startEventSource({
      client: sqs,
      queueUrl: queue.ref,
      queueArn: queue.arn,
      target: functionOf(functions, properties.FunctionName),
      maxMessages: properties.BatchSize,
      windowMs: skipsWindows ? 0 : properties.MaximumBatchingWindowInSeconds * 1000,
      maxConcurrency: Math.min(
        MAX_CONCURRENCY,
        properties.ScalingConfig?.MaximumConcurrency ?? MAX_CONCURRENCY,
      ),
      takesPartialFailures: properties.FunctionResponseTypes.length > 0,
      onProblem,
    });
  });
}

export interface StreamClients {
  readonly dynamodb: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
}

/** @throws AuditServiceError `invalid-configuration` */
export async function startStreamSources(
  { deployment, functions, skipsWindows, onProblem }: SourceOptions,
  { dynamodb, streams }: StreamClients,
): Promise<readonly StreamSource[]> {
  const tables = deployment.resources("AWS::DynamoDB::GlobalTable");
  const starting = deployment.resources("AWS::Lambda::EventSourceMapping").map(async ({ properties }) => {
    if (properties.StartingPosition === undefined) return [];
    const table = tables.find(({ streamArn }) => streamArn === properties.EventSourceArn);
    if (table === undefined) throw missing(`the stream ${properties.EventSourceArn}`);
    const described = await dynamodb.send(new DescribeTableCommand({ TableName: table.name }));
    const streamArn = described.Table?.LatestStreamArn;
    if (streamArn === undefined) throw missing(`a stream of ${table.name}`);
    const source = await startStreamSource({
      client: streams,
      streamArn,
      eventSourceArn: properties.EventSourceArn,
      target: functionOf(functions, properties.FunctionName),
      startingPosition: properties.StartingPosition,
      filters: properties.FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? [],
      maxRecords: properties.BatchSize,
      windowMs: skipsWindows ? 0 : properties.MaximumBatchingWindowInSeconds * 1000,
      maxRetries: properties.MaximumRetryAttempts,
      onProblem,
    });
    return [source];
  });
  return (await Promise.all(starting)).flat();
}
