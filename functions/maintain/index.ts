/** The maintain function on AWS: environment → S3, DynamoDB, SQS → handler, called on a schedule. */
import { openWritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { createMessageCount } from "#adapters/aws/sqs-depth.ts";
import { readAwsConfig } from "#functions/config.ts";
import { createMaintain } from "#functions/maintain/app.ts";
import { once } from "#functions/once.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import { createInventory } from "#service/inventory.ts";
import { createJanitor } from "#service/janitor.ts";

const STORE = ["tableName", "ledgerName", "archiveBucket", "hotRetentionDays"] as const;
const config = readAwsConfig([...STORE, "queueDlqUrl", "intakeDlqUrl"]);
const runtime = createRuntime(config);
const { clock, fillRandom, newUuid, write: writeMetrics } = runtime;
const clients = { dynamo: createDynamoClient(), s3: createS3Client() };
const countDeadLetters = createMessageCount({
  client: createSqsClient(),
  queueUrls: [config.queueDlqUrl, config.intakeDlqUrl],
});

const maintain = once(async () => {
  const store = await openWritableStore({ ...config, ...clients, newIncarnation: newUuid, fillRandom });
  return createMaintain({
    ...runtime,
    janitor: createJanitor({ ...store, clock, complete: createCompleteBatch(store) }),
    takeInventory: createInventory({ ...store, clock, countDeadLetters }),
    serviceName: config.serviceName,
    writeMetrics,
  });
}, runtime.storeCheck);

export const handler = async (): Promise<void> => (await maintain())();
