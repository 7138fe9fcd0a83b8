/**
 * The services that stand in for AWS: Amazon's DynamoDB Local, fauxqs for SQS, and this project's S3, KMS, and what of
 * CloudWatch is asked for. Started once, they serve any number of stacks, which have names of their own.
 */
import { once } from "node:events";
import { buildApp } from "fauxqs";
import { startCloudWatchServer } from "#infra/emulated/cloudwatch-server.ts";
import type { Endpoints } from "#infra/emulated/config.ts";
import { startDynamoDbLocal } from "#infra/emulated/dynamodb-local.ts";
import { startKmsServer } from "#infra/emulated/kms-server.ts";
import { startS3Server } from "#infra/emulated/s3-server.ts";
import { AuditServiceError } from "#lib/errors.ts";

export interface StandIns {
  readonly endpoints: Endpoints;
  readonly stop: () => Promise<void>;
}

/** One of them. */
export interface SqsStandIn {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const LOOPBACK = "127.0.0.1";

/** @throws AuditServiceError `invalid-configuration` where one does not start, such as for want of Java */
export async function startStandIns(): Promise<StandIns> {
  const starting = [startDynamoDbLocal(), startQueues(), startS3(), startKms()] as const;
  const settled = await Promise.allSettled(starting);
  const stop = async (): Promise<void> => {
    const started = settled.flatMap((entry) => (entry.status === "fulfilled" ? [entry.value] : []));
    await Promise.all(started.map((service) => service.stop()));
  };
  try {
    const [dynamodb, { sqs, cloudwatch }, s3, kms] = await Promise.all(starting);
    const endpoints = { dynamodb: dynamodb.url, sqs, s3: s3.url, kms: kms.url, cloudwatch };
    return { endpoints, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Listens by its app: `startFauxqs` binds all interfaces whatever it is told. */
export async function startSqs(): Promise<SqsStandIn> {
  const app = buildApp({ logger: false });
  await app.ready();
  app.server.listen(0, LOOPBACK);
  await once(app.server, "listening");
  const address = app.server.address();
  if (typeof address !== "object" || address === null)
    throw new AuditServiceError("internal", "fauxqs listens on no address");
  return {
    url: `http://${LOOPBACK}:${address.port}`,
    stop: async () => {
      app.server.closeAllConnections();
      await app.close();
      app.server.close();
    },
  };
}

/** Queues, and what CloudWatch tells of them. */
async function startQueues(): Promise<{
  readonly sqs: string;
  readonly cloudwatch: string;
  readonly stop: () => Promise<void>;
}> {
  const sqs = await startSqs();
  const metrics = await startCloudWatchServer({ sqsUrl: sqs.url });
  const stop = async (): Promise<void> => {
    await metrics.close();
    await sqs.stop();
  };
  return { sqs: sqs.url, cloudwatch: metrics.url, stop };
}

async function startS3(): Promise<SqsStandIn> {
  const { url, close } = await startS3Server();
  return { url, stop: close };
}

async function startKms(): Promise<SqsStandIn> {
  const { url, close } = await startKmsServer();
  return { url, stop: close };
}
