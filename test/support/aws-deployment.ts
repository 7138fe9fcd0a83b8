// A deployment without functions: tables, queues and bucket on the stand-ins, with what a command needs to find them.
import { randomFillSync, randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand } from "@aws-sdk/client-s3";

import type { WritableStore } from "#adapters/aws/aws-parts-store.ts";
import { openWritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoDirectory } from "#adapters/aws/dynamo-directory.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import type { EventStore } from "#service/ports.ts";
import type { DynamoDbLocal, DynamoTables } from "#test/support/dynamodb-local.ts";
import type { SqsStandIn, StandInQueue } from "#test/support/fauxqs.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { STAND_IN_CREDENTIALS, startS3StandIn } from "#test/support/s3-stand-in.ts";

/** The lines of samples are of a fixed day. */
const HOT_RETENTION_DAYS = 3650;

export interface Queues {
  readonly lines: StandInQueue;
  readonly intake: StandInQueue;
  readonly linesDlq: StandInQueue;
  readonly intakeDlq: StandInQueue;
}

interface Parts {
  readonly dynamo: DynamoDbLocal;
  readonly s3: S3StandIn;
  readonly sqs: SqsStandIn;
  readonly queues: Queues;
  readonly bucket: string;
}

export interface AwsDeployment extends Parts {
  readonly tables: DynamoTables;
  /** For the command line as a child process. */
  readonly env: Readonly<Record<string, string>>;
  /** What consumers write to; founds the deployment, or refuses as they do. */
  readonly openStore: () => Promise<WritableStore>;
  readonly eventStore: EventStore;
  /** Writes what `cdk deploy --outputs-file` writes; addresses of queues lead to `sqsUrl`. */
  readonly writeOutputs: (folder: string, sqsUrl?: string) => Promise<string>;
  /** Deletes both tables; the same deployment on new, empty ones. */
  readonly loseTables: () => Promise<AwsDeployment>;
  readonly close: () => Promise<void>;
}

let deployments = 0;

/** A message that was delivered once dies four seconds later, unless it was deleted. */
export async function startDeployment(dynamo: DynamoDbLocal): Promise<AwsDeployment> {
  const bucket = `archive-${++deployments}`;
  const [s3, sqs, tables] = await Promise.all([startS3StandIn(), startSqsStandIn(), dynamo.createTables()]);
  await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
  return assemble({ dynamo, s3, sqs, queues: await createQueues(sqs), bucket }, tables);
}

function assemble(parts: Parts, tables: DynamoTables): AwsDeployment {
  const { dynamo, s3, sqs, bucket } = parts;
  const { eventTable: tableName, ledgerTable: ledgerName } = tables;
  const { client } = dynamo;
  const directory = createDynamoDirectory({ client, ledgerName });
  return {
    ...parts,
    tables,
    env: {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: STAND_IN_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: STAND_IN_CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AUDIT_INTAKE_TENANTS: "{}",
      AUDIT_HOT_RETENTION_DAYS: String(HOT_RETENTION_DAYS),
    },
    openStore: () =>
      openWritableStore({
        dynamo: client,
        s3: s3.client,
        tableName,
        ledgerName,
        archiveBucket: bucket,
        hotRetentionDays: HOT_RETENTION_DAYS,
        newIncarnation: randomUUID,
        fillRandom: randomFillSync,
      }),
    eventStore: createDynamoEventStore({ client, tableName, directory, isDrained: async () => true }),
    writeOutputs: async (folder, sqsUrl = sqs.url) => {
      const path = join(folder, "outputs.json");
      await writeFile(path, JSON.stringify({ "AuditService-test": outputsOf(parts, tables, sqsUrl) }));
      return path;
    },
    loseTables: async () => {
      for (const TableName of [tableName, ledgerName])
        await client.send(new DeleteTableCommand({ TableName }));
      return assemble(parts, await dynamo.createTables());
    },
    close: async () => {
      await Promise.all([s3.close(), sqs.close()]);
    },
  };
}

async function createQueues(sqs: SqsStandIn): Promise<Queues> {
  const withDlq = async (name: string): Promise<readonly [StandInQueue, StandInQueue]> => {
    const dlq = await sqs.createQueue(`${name}-dlq`);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dlq.arn, maxReceiveCount: 1 });
    const waiting = { VisibilityTimeout: "4", ReceiveMessageWaitTimeSeconds: "1" };
    return [await sqs.createQueue(name, { ...waiting, RedrivePolicy }), dlq];
  };
  const [lines, linesDlq] = await withDlq("lines");
  const [intake, intakeDlq] = await withDlq("intake");
  return { lines, intake, linesDlq, intakeDlq };
}

function outputsOf(
  { queues, bucket }: Parts,
  { eventTable, ledgerTable }: DynamoTables,
  sqsUrl: string,
): Readonly<Record<string, string>> {
  const at = ({ url }: StandInQueue): string => new URL(new URL(url).pathname, sqsUrl).href;
  return {
    TableName: eventTable,
    LedgerName: ledgerTable,
    ArchiveBucket: bucket,
    QueueUrl: at(queues.lines),
    IntakeUrl: at(queues.intake),
    QueueDlqUrl: at(queues.linesDlq),
    IntakeDlqUrl: at(queues.intakeDlq),
  };
}
