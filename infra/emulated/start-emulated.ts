/**
 * A synthesized app, run on one machine: its own tables, queues and buckets on the stand-ins, its bundled functions in
 * threads, its routes, event sources and schedules. Stacks with names of their own share stand-ins.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createTelemetry } from "#functions/telemetry.ts";
import { readAssembly } from "#infra/emulated/assembly.ts";
import type { Endpoints } from "#infra/emulated/config.ts";
import { clientOptions } from "#infra/emulated/config.ts";
import type { DeployedResource, Deployment } from "#infra/emulated/deployment.ts";
import { readDeployment } from "#infra/emulated/deployment.ts";
import type { EventSource } from "#infra/emulated/event-source.ts";
import type { Functions } from "#infra/emulated/functions.ts";
import { createFunctions, functionOf, missing } from "#infra/emulated/functions.ts";
import { createHttpFront, routeProblems } from "#infra/emulated/http-front.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";
import { createBucket, createKey, createQueue, createTable } from "#infra/emulated/resources.ts";
import type { Schedule } from "#infra/emulated/schedule.ts";
import { createSchedule } from "#infra/emulated/schedule.ts";
import { startQueueSources, startStreamSources } from "#infra/emulated/sources.ts";
import type { StandIns } from "#infra/emulated/stand-ins.ts";
import type { StreamSource } from "#infra/emulated/stream-source.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface EmulatedOptions {
  /** Folder that `cdk synth` has written. */
  readonly assembly: string;
  /** Stay the caller's: stopped by whoever started them, after `stop`. */
  readonly standIns: StandIns;
  /** @default 0: the system chooses */
  readonly port?: number | undefined;
  /** Hand messages over as soon as they come, in place of the windows of the template. @default false */
  readonly skipsWindows?: boolean | undefined;
  /** Visibility of messages in place of the template's. */
  readonly visibilitySeconds?: number | undefined;
  /** Variables of all functions, over those of the template. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Whether streams of tables feed functions. @default true */
  readonly followsStreams?: boolean | undefined;
  /** @default true */
  readonly runsSchedules?: boolean | undefined;
  /** Called with what functions and gateway write, and with what goes wrong. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

export interface Emulated {
  readonly url: string;
  readonly port: number;
  readonly outputs: Deployment["outputs"];
  readonly endpoints: Endpoints;
  /** Names of what was created: type, logical id, name or address. */
  readonly resources: readonly (readonly [type: string, logicalId: string, ref: string])[];
  readonly sources: readonly EventSource[];
  readonly streams: readonly StreamSource[];
  readonly functions: readonly LambdaFunction[];
  readonly schedules: readonly Schedule[];
  /** Resolves when all queues with a consumer are empty, all streams are read, and nothing of them is under way. */
  readonly settle: (timeoutMs?: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const SHOWN_TYPES = [
  "AWS::DynamoDB::GlobalTable",
  "AWS::SQS::Queue",
  "AWS::S3::Bucket",
  "AWS::KMS::Key",
] as const;
const SETTLE_TIMEOUT_MS = 60_000;
const SETTLE_CHECK_MS = 10;
const LOOPBACK = "127.0.0.1";
/** For requests under way. */
const STOP_GRACE_MS = 10_000;

/** @throws AuditServiceError `invalid-configuration` where the template has parts that are not understood, or the port is taken */
export async function startEmulated(options: EmulatedOptions): Promise<Emulated> {
  const { standIns, onOutput = () => undefined } = options;
  const { endpoints } = standIns;
  const say = (text: string): void => onOutput(text.endsWith("\n") ? text : `${text}\n`);
  const telemetry = createTelemetry({ level: "warn", nowMs: Date.now, write: onOutput });
  const stacks = readAssembly(options.assembly);
  const routes = new Map<string, LambdaFunction>();
  const front = createHttpFront({ routes, telemetry, onProblem: say });
  const { port } = await front.listen(LOOPBACK, options.port ?? 0).catch((cause: unknown) => {
    throw cannotListen(cause);
  });
  const url = `http://${LOOPBACK}:${port}`;
  const sqs = new SQSClient(clientOptions(endpoints.sqs));
  const dynamodb = new DynamoDBClient(clientOptions(endpoints.dynamodb));
  const streamsClient = new DynamoDBStreamsClient(clientOptions(endpoints.dynamodb));
  const stops: (() => Promise<unknown>)[] = [() => front.stop(STOP_GRACE_MS)];
  const stop = async (): Promise<void> => {
    for (const step of stops) await step();
    for (const client of [sqs, dynamodb, streamsClient]) client.destroy();
  };
  try {
    const deployment = readDeployment({ stacks, apiUrl: url, sqsUrl: endpoints.sqs });
    await createAll(deployment, { endpoints, sqs, dynamodb, visibilitySeconds: options.visibilitySeconds });
    const { environment = {}, skipsWindows = false, followsStreams = true } = options;
    const functions = createFunctions(deployment, { endpoints, environment, onOutput });
    stops.push(() => Promise.all([...new Set(functions.values())].map((one) => one.stop())));
    for (const [key, target] of routesOf(deployment, functions)) routes.set(key, target);
    const problems = routeProblems(routes.keys());
    if (problems.length > 0) throw new AuditServiceError("invalid-configuration", problems.join("; "));
    const given = { deployment, functions, skipsWindows, onProblem: say };
    const streams = followsStreams
      ? await startStreamSources(given, { dynamodb, streams: streamsClient })
      : [];
    stops.splice(1, 0, () => Promise.all(streams.map((one) => one.stop())));
    const sources = startQueueSources(given, sqs);
    const schedules = createSchedules(deployment, functions, { ...options, onProblem: say });
    stops.splice(1, 0, () => Promise.all([...sources, ...schedules].map((one) => one.stop())));
    return {
      url,
      port,
      outputs: deployment.outputs,
      endpoints,
      resources: SHOWN_TYPES.flatMap((type) =>
        deployment.resources(type).map(({ logicalId, ref }) => [type, logicalId, ref] as const),
      ),
      sources,
      streams,
      functions: [...new Set(functions.values())],
      schedules,
      settle: async (timeoutMs = SETTLE_TIMEOUT_MS) => {
        await settle(sqs, sources, timeoutMs);
        await Promise.all(streams.map((stream) => stream.settle()));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface CreateOptions {
  readonly endpoints: Endpoints;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly visibilitySeconds: number | undefined;
}

async function createAll(
  deployment: Deployment,
  { endpoints, sqs, dynamodb, visibilitySeconds }: CreateOptions,
): Promise<void> {
  const kms = new KMSClient(clientOptions(endpoints.kms));
  const s3 = new S3Client({ ...clientOptions(endpoints.s3), forcePathStyle: true });
  const queues = deployment.resources("AWS::SQS::Queue");
  const hasDeadLetters = ({ properties }: DeployedResource<"AWS::SQS::Queue">): boolean =>
    properties.RedrivePolicy !== undefined;
  try {
    for (const table of deployment.resources("AWS::DynamoDB::GlobalTable"))
      await createTable(dynamodb, table);
    // A queue of dead letters stands before the queue that names it.
    for (const queue of queues.filter((one) => !hasDeadLetters(one))) await createQueue(sqs, queue);
    for (const queue of queues.filter(hasDeadLetters)) await createQueue(sqs, queue, visibilitySeconds);
    for (const bucket of deployment.resources("AWS::S3::Bucket")) await createBucket(s3, bucket);
    for (const key of deployment.resources("AWS::KMS::Key")) await createKey(kms, key);
  } finally {
    kms.destroy();
    s3.destroy();
  }
}

function routesOf(deployment: Deployment, functions: Functions): ReadonlyMap<string, LambdaFunction> {
  const apis = deployment.resources("AWS::ApiGatewayV2::Api");
  if (apis.length !== 1 || deployment.resources("AWS::ApiGatewayV2::Stage").length !== 1)
    throw missing("exactly one HTTP API with one stage");
  const integrations = new Map(
    deployment
      .resources("AWS::ApiGatewayV2::Integration")
      .map(({ ref, properties }) => [
        `integrations/${ref}`,
        functionOf(functions, properties.IntegrationUri),
      ]),
  );
  return new Map(
    deployment.resources("AWS::ApiGatewayV2::Route").map(({ properties: { RouteKey, Target } }) => {
      const target = integrations.get(Target);
      if (target === undefined) throw missing(`the integration ${Target} of ${RouteKey}`);
      return [RouteKey, target];
    }),
  );
}

interface RunOptions extends EmulatedOptions {
  readonly onProblem: (text: string) => void;
}

function createSchedules(
  deployment: Deployment,
  functions: Functions,
  { runsSchedules = true, onProblem }: RunOptions,
): readonly Schedule[] {
  return deployment.resources("AWS::Events::Rule").flatMap(({ arn, properties }) =>
    properties.Targets.map((target) =>
      createSchedule({
        expression: properties.ScheduleExpression,
        ruleArn: arn,
        input: target.Input,
        target: functionOf(functions, target.Arn),
        isRunning: runsSchedules,
        onProblem,
      }),
    ),
  );
}

async function settle(sqs: SQSClient, sources: readonly EventSource[], timeoutMs: number): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const depths = await Promise.all(sources.map(({ queueUrl }) => depthOf(sqs, queueUrl)));
    const waiting = depths.reduce((sum, depth) => sum + depth, 0);
    if (waiting === 0) return;
    if (Date.now() > deadlineMs)
      throw new AuditServiceError("internal", `${waiting} messages are still queued after ${timeoutMs} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, SETTLE_CHECK_MS);
    });
  }
}

async function depthOf(sqs: SQSClient, QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  const { ApproximateNumberOfMessages: ready, ApproximateNumberOfMessagesNotVisible: hidden } = Attributes;
  return Number(ready) + Number(hidden) + Number(Attributes["ApproximateNumberOfMessagesDelayed"]);
}

function cannotListen(cause: unknown): AuditServiceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `${reason}; AUDIT_API_PORT chooses another port`;
  return new AuditServiceError("invalid-configuration", message, { cause });
}
