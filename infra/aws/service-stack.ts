/**
 * What can be thrown away and deployed anew: functions and how they are called, what is watched, and the way to read the
 * archive by SQL. Nothing in it holds an event.
 */
import type { StackProps } from "aws-cdk-lib";
import { Aws, CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import type { Role } from "aws-cdk-lib/aws-iam";
import { EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { ArchiveQueries } from "#infra/aws/archive-queries.ts";
import type { ServiceFunctionName } from "#infra/aws/bundle.ts";
import { FUNCTION_SETTINGS } from "#infra/aws/function-settings.ts";
import { HttpApi } from "#infra/aws/http-api.ts";
import { IntakeSenders } from "#infra/aws/intake-senders.ts";
import type { MessageQueue } from "#infra/aws/message-queue.ts";
import { ServiceAlarms } from "#infra/aws/service-alarms.ts";
import { ServiceDashboard } from "#infra/aws/service-dashboard.ts";
import { SealTriggers } from "#infra/aws/seal-triggers.ts";
import { ServiceFunction } from "#infra/aws/service-function.ts";
import type { Stage } from "#infra/aws/stages.ts";
import type { StorageStack } from "#infra/aws/storage-stack.ts";

export interface ServiceStackProps extends StackProps {
  readonly stage: Stage;
  readonly storage: StorageStack;
  /** Version of the software, which `/health` tells. */
  readonly version: string;
}

const MAINTAIN_EVERY_MINUTES = 5;

export class ServiceStack extends Stack {
  /** Where other functions of the app are let in: `intake.grantSendIntake(role, { tenant })`. */
  readonly intake: IntakeSenders;
  readonly api: HttpApi;
  readonly schedule: Rule;
  readonly sources: readonly EventSourceMapping[];
  readonly sealing: SealTriggers;
  readonly dashboard: ServiceDashboard;
  readonly queries: ArchiveQueries;
  readonly outputs: readonly CfnOutput[];

  constructor(scope: Construct, id: string, { stage, storage, version, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const { tables, archive, queues, keys } = storage;
    const functions = this.createFunctions(stage, { storage, version });

    queues.grantSendLines(functions.ingest);
    tables.grantFind(functions.query);
    queues.grantAwaitDrained(functions.query);
    tables.grantProbe(functions.health);
    queues.grantAwaitDrained(functions.health);
    queues.grantCountDeadLetters(functions.health);
    archive.grantProbe(functions.health);
    tables.grantPersist(functions.consume);
    queues.grantConsume(functions.consume);
    archive.grantArchive(functions.consume);
    tables.grantMaintain(functions.maintain);
    queues.grantCountDeadLetters(functions.maintain);
    queues.grantCountLate(functions.maintain);
    archive.grantArchive(functions.maintain);
    archive.grantReadLog(functions.maintain);

    tables.grantSeal(functions.seal);
    archive.grantSeal(functions.seal);
    keys.log.grantSign(functions.seal);
    keys.freshness.grantSign(functions.seal);
    tables.grantProve(functions.prove);
    archive.grantReadLog(functions.prove);

    this.sources = this.createSources(functions.consume, { stage, storage });
    this.intake = new IntakeSenders(this, "IntakeSenders", {
      queues,
      consumer: functions.consume,
      senders: stage.intakeSenders,
    });
    // The next run is the retry: neither the rule tries again to start one, nor Lambda one that failed.
    this.schedule = new Rule(this, "MaintainSchedule", {
      schedule: Schedule.rate(Duration.minutes(MAINTAIN_EVERY_MINUTES)),
      targets: [new LambdaTarget(functions.maintain.lambda, { retryAttempts: 0 })],
    });
    functions.maintain.lambda.configureAsyncInvoke({ retryAttempts: 0 });
    this.sealing = new SealTriggers(this, "Sealing", { tables, seal: functions.seal });
    this.api = new HttpApi(this, "HttpApi", {
      functions: {
        ingest: functions.ingest.lambda,
        query: functions.query.lambda,
        health: functions.health.lambda,
        prove: functions.prove.lambda,
      },
      access: stage.access,
      requestLimit: stage.requestLimit,
    });
    const watched = { serviceName: stage.serviceName, functions, storage, api: this.api };
    const { alarms } = new ServiceAlarms(this, "Alarms", { watched, email: stage.alarmEmail });
    this.dashboard = new ServiceDashboard(this, "Dashboard", { watched, alarms });
    this.queries = new ArchiveQueries(this, "ArchiveQueries", {
      bucket: archive.bucket,
      stageName: stage.name,
    });
    this.outputs = this.createOutputs({
      ApiUrl: this.api.api.apiEndpoint,
      TableName: tables.events.tableName,
      LedgerName: tables.ledger.tableName,
      QueueUrl: queues.lines.queue.queueUrl,
      IntakeUrl: queues.intake.queue.queueUrl,
      QueueDlqUrl: queues.lines.deadLetters.queueUrl,
      IntakeDlqUrl: queues.intake.deadLetters.queueUrl,
      ArchiveBucket: archive.bucket.bucketName,
      HotRetentionDays: String(stage.hotRetentionDays),
      IntakeTenants: this.intake.tenantsJson,
    });
  }

  private createFunctions(
    stage: Stage,
    { storage, version }: Pick<ServiceStackProps, "storage" | "version">,
  ): Readonly<Record<ServiceFunctionName, ServiceFunction>> {
    const roles: Partial<Record<ServiceFunctionName, Role>> = {
      ingest: storage.ingestRole,
      seal: storage.sealRole,
    };
    const create = (id: string, functionName: ServiceFunctionName, environment = {}): ServiceFunction =>
      new ServiceFunction(this, id, {
        ...FUNCTION_SETTINGS[functionName],
        functionName,
        logLevel: stage.logLevel,
        logRetentionDays: stage.logRetentionDays,
        environment: {
          AUDIT_STORAGE_TYPE: "dynamodb",
          AUDIT_SERVICE_NAME: stage.serviceName,
          AUDIT_SERVICE_VERSION: version,
          AUDIT_API_LOG_LEVEL: stage.logLevel,
          ...environment,
        },
        role: roles[functionName],
      });
    const retention = { AUDIT_HOT_RETENTION_DAYS: String(stage.hotRetentionDays) };
    return {
      ingest: create("Ingest", "ingest"),
      query: create("Query", "query"),
      health: create("Health", "health"),
      consume: create("Consume", "consume", retention),
      maintain: create("Maintain", "maintain", retention),
      seal: create("Seal", "seal", {
        ...retention,
        AUDIT_LOG_ORIGIN: originOf(stage),
        AUDIT_LOG_KEY_ARN: storage.keys.log.key.keyArn,
        AUDIT_FRESHNESS_KEY_ARN: storage.keys.freshness.key.keyArn,
        AUDIT_WITNESSES: JSON.stringify(stage.log.witnesses),
      }),
      prove: create("Prove", "prove"),
    };
  }

  /** Both queues feed the consumer in batches, and take back single messages that failed. */
  private createSources(
    consume: ServiceFunction,
    { stage, storage }: Pick<ServiceStackProps, "stage" | "storage">,
  ): readonly EventSourceMapping[] {
    const { windowSeconds, maxMessages, maxConcurrency } = stage.consumer;
    const create = (id: string, { queue }: MessageQueue): EventSourceMapping =>
      new EventSourceMapping(this, id, {
        target: consume.lambda,
        eventSourceArn: queue.queueArn,
        batchSize: maxMessages,
        maxBatchingWindow: Duration.seconds(windowSeconds),
        reportBatchItemFailures: true,
        maxConcurrency,
      });
    return [create("LinesSource", storage.queues.lines), create("IntakeSource", storage.queues.intake)];
  }

  /** By the names that `auditlog … --outputs <file>` looks for. */
  private createOutputs(values: Readonly<Record<string, string>>): readonly CfnOutput[] {
    return Object.entries(values).map(([name, value]) => new CfnOutput(this, name, { value }));
  }
}

/** Names the log in each of its checkpoints, for ever: no two deployments have the same. */
function originOf({ name, log }: Stage): string {
  return log.origin ?? `audit-service/${Aws.ACCOUNT_ID}/${Aws.REGION}/${name}`;
}
