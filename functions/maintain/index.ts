/** The maintain function on AWS: environment → S3, DynamoDB, SQS → handler, called on a schedule. */
import { createAccounting } from "#adapters/aws/aws-parts-accounting.ts";
import { createDeadLetterCount, createLateMessages } from "#adapters/aws/aws-parts-late.ts";
import { openWritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { readAwsConfig } from "#functions/config.ts";
import { createMaintain } from "#functions/maintain/app.ts";
import { once } from "#functions/once.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createInventory } from "#service/inventory.ts";

const STORE = ["tableName", "ledgerName", "archiveBucket", "hotRetentionDays"] as const;
const QUEUES = ["queueUrl", "intakeUrl", "queueDlqUrl", "intakeDlqUrl"] as const;
const PLACES = ["region", "queueEndpoint", "metricsEndpoint"] as const;
const config = readAwsConfig([...STORE, ...QUEUES, ...PLACES]);
const runtime = createRuntime(config);
const { clock, fillRandom, newUuid, write: writeMetrics } = runtime;
const clients = { dynamo: createDynamoClient(), s3: createS3Client() };
const countDeadLetters = createDeadLetterCount(config, { ...config, ...runtime });
const countLateMessages = createLateMessages(config, { ...config, ...runtime });

const maintain = once(async () => {
  const options = { ...config, ...clients, clock, newIncarnation: newUuid, fillRandom };
  const store = await openWritableStore(options);
  const { janitor, survey, reconcile } = createAccounting(store, options);
  const takeInventory = createInventory({ ...store, clock, countDeadLetters, survey, countLateMessages });
  const { serviceName } = config;
  return createMaintain({ ...runtime, janitor, takeInventory, reconcile, serviceName, writeMetrics });
}, runtime.storeCheck);

export const handler = async (): Promise<void> => (await maintain())();
