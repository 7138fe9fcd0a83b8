/** The consume function on AWS: environment → S3, DynamoDB, SQS → handler. Refuses to store where these do not match. */
import { createRetryLater } from "#adapters/aws/aws-parts-queues.ts";
import { openWritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { readAwsConfig } from "#functions/config.ts";
import type { Consume } from "#functions/consume/app.ts";
import { createConsume } from "#functions/consume/app.ts";
import { once } from "#functions/once.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createPersist } from "#service/persist.ts";
import { createQuarantine } from "#service/quarantine.ts";

const STORE = ["tableName", "ledgerName", "archiveBucket", "hotRetentionDays"] as const;
const config = readAwsConfig([...STORE, "queueArn", "queueUrl", "intakeUrl", "intakeTenants"]);
const runtime = createRuntime(config);
const { fillRandom, identifiers, newUuid, write: writeMetrics } = runtime;
const clients = { dynamo: createDynamoClient(), s3: createS3Client() };
const retryLater = createRetryLater({ client: createSqsClient(), ...config });

const consume = once(async () => {
  const store = await openWritableStore({ ...config, ...clients, newIncarnation: newUuid, fillRandom });
  return createConsume({
    ...runtime,
    persist: createPersist({ ...store, newBatchId: identifiers.newEventId }),
    quarantine: createQuarantine(store.archive),
    retryLater,
    linesQueueArn: config.queueArn,
    intakeTenants: config.intakeTenants,
    serviceName: config.serviceName,
    writeMetrics,
  });
}, runtime.storeCheck);

export const handler: Consume = async (event) => (await consume())(event);
