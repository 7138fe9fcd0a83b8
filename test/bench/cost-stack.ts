/**
 * What the cost is measured on: the tables, queues and bucket of the synthesized templates on stand-ins behind a meter, and
 * the bundled functions in processes of their own. Messages are handed over here, not by pollers, so that every batch has
 * the size that is said.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { bundleFunction } from "#infra/aws/bundle.ts";
import type { LambdaName } from "#infra/aws/bundle.ts";
import { synthesize } from "#infra/emulated/assembly.ts";
import { clientOptions, endpointEnvironment } from "#infra/emulated/config.ts";
import { startStandIns } from "#infra/emulated/stand-ins.ts";
import type { Emulated } from "#infra/emulated/start-emulated.ts";
import { startEmulated } from "#infra/emulated/start-emulated.ts";
import type { MeasuredFunction } from "#test/bench/cost-lambda.ts";
import { startFunction } from "#test/bench/cost-lambda.ts";
import type { Meter } from "#test/bench/cost-meter.ts";
import { startMeter } from "#test/bench/cost-meter.ts";

export type MeasuredName = Exclude<LambdaName, "health" | "prove" | "witness">;

export interface CostStack {
  readonly functions: Readonly<Record<MeasuredName, MeasuredFunction>>;
  readonly meter: Meter;
  /** Speaks to the queues through the meter. */
  readonly sqs: SQSClient;
  /** Past the meter. */
  readonly dynamodb: DynamoDBClient;
  readonly eventTable: string;
  readonly ledgerTable: string;
  /** Same as the events table and never written by a function: what items cost is measured in it. */
  readonly spareTable: string;
  readonly queueUrl: string;
  readonly queueArn: string;
  /** Alarmed metrics, dashboards and keys of the deployment. */
  readonly watched: { readonly alarmMetrics: number; readonly dashboards: number; readonly keys: number };
  readonly stop: () => Promise<void>;
}

const STAGE = "prod";

export async function startCostStack(): Promise<CostStack> {
  const folder = await mkdtemp(join(tmpdir(), "audit-cost-"));
  const standIns = await startStandIns();
  const stops: (() => Promise<unknown>)[] = [
    () => standIns.stop(),
    () => rm(folder, { recursive: true, force: true }),
  ];
  const stop = async (): Promise<void> => {
    for (const step of stops) await step();
  };
  try {
    const meter = await startMeter(standIns.endpoints);
    stops.unshift(() => meter.stop());
    const assembly = join(folder, "cdk.out");
    await synthesize(assembly, STAGE);
    const options = {
      assembly,
      standIns: { ...standIns, endpoints: meter.endpoints },
      runsSchedules: false,
      followsStreams: false,
    };
    const [own, spare] = [await startEmulated(options), await startEmulated(options)];
    stops.unshift(
      () => own.stop(),
      () => spare.stop(),
    );
    await Promise.all([...own.sources, ...spare.sources].map((source) => source.stop()));
    const names = valuesOf(own.outputs);
    const sqs = new SQSClient(clientOptions(meter.endpoints.sqs));
    const dynamodb = new DynamoDBClient(clientOptions(standIns.endpoints.dynamodb));
    const queueUrl = names["QueueUrl"] ?? "";
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["QueueArn"] }),
    );
    const queueArn = Attributes?.QueueArn ?? "";
    const environment = {
      ...environmentOf(names),
      ...logEnvironment(own),
      ...endpointEnvironment(meter.endpoints),
    };
    const start = async (name: MeasuredName): Promise<MeasuredFunction> => {
      const bundlePath = bundleFunction(name, join(folder, name));
      const started = await startFunction(bundlePath, { ...environment, AUDIT_QUEUE_ARN: queueArn });
      stops.unshift(() => started.stop());
      return started;
    };
    const functions = {
      ingest: await start("ingest"),
      consume: await start("consume"),
      query: await start("query"),
      maintain: await start("maintain"),
      seal: await start("seal"),
    };
    return {
      functions,
      meter,
      sqs,
      dynamodb,
      eventTable: names["TableName"] ?? "",
      ledgerTable: names["LedgerName"] ?? "",
      spareTable: valuesOf(spare.outputs)["TableName"] ?? "",
      queueUrl,
      queueArn,
      watched: { ...(await readWatched(assembly)), keys: keysOf(own).length },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

function valuesOf(outputs: Outputs): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.values(outputs).flatMap((stack) => Object.entries(stack)));
}

/** The variables of the functions by the outputs that hold their values. */
function environmentOf(names: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const of = (name: string): string => names[name] ?? "";
  return {
    AUDIT_TABLE_NAME: of("TableName"),
    AUDIT_LEDGER_NAME: of("LedgerName"),
    AUDIT_QUEUE_URL: of("QueueUrl"),
    AUDIT_INTAKE_URL: of("IntakeUrl"),
    AUDIT_QUEUE_DLQ_URL: of("QueueDlqUrl"),
    AUDIT_INTAKE_DLQ_URL: of("IntakeDlqUrl"),
    AUDIT_ARCHIVE_BUCKET: of("ArchiveBucket"),
    AUDIT_STORAGE_TYPE: "dynamodb",
    AUDIT_SERVICE_NAME: "audit",
  };
}

/** The keys have no outputs, since nobody needs to know them. */
function keysOf({ resources }: Emulated): Emulated["resources"] {
  return resources.filter(([type]) => type === "AWS::KMS::Key");
}

function logEnvironment(emulated: Emulated): Record<string, string> {
  const arnOf = (id: string): string => {
    const [, , ref = ""] = keysOf(emulated).find(([, logicalId]) => logicalId.startsWith(id)) ?? [];
    return `arn:aws:kms:us-east-1:000000000000:key/${ref}`;
  };
  return {
    AUDIT_LOG_ORIGIN: "audit.example.com/log",
    AUDIT_LOG_KEY_ARN: arnOf("LogKey"),
    AUDIT_FRESHNESS_KEY_ARN: arnOf("FreshnessKey"),
  };
}

/** An alarm is billed for each metric that it looks at. */
async function readWatched(assembly: string): Promise<Omit<CostStack["watched"], "keys">> {
  const text = await readFile(join(assembly, `AuditService-${STAGE}.template.json`), "utf8");
  // cast: what CloudFormation takes, as the CDK has just written it
  const { Resources } = JSON.parse(text) as {
    readonly Resources: Readonly<Record<string, { Type: string; Properties?: AlarmProperties }>>;
  };
  const ofType = (type: string): readonly AlarmProperties[] =>
    Object.values(Resources).flatMap(({ Type, Properties = {} }) => (Type === type ? [Properties] : []));
  const alarmMetrics = ofType("AWS::CloudWatch::Alarm").reduce(
    (sum, { Metrics }) => sum + (Metrics?.filter(({ MetricStat }) => MetricStat !== undefined).length ?? 1),
    0,
  );
  return { alarmMetrics, dashboards: ofType("AWS::CloudWatch::Dashboard").length };
}

interface AlarmProperties {
  readonly Metrics?: readonly { readonly MetricStat?: unknown }[];
}
