/** The prove function on AWS: environment → DynamoDB, S3 → handler. */
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createDynamoLeafStore } from "#adapters/aws/dynamo-leaf-store.ts";
import { readableMarks } from "#adapters/aws/dynamo-mark-reader.ts";
import { createObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { readAwsConfig } from "#functions/config.ts";
import type { LambdaHttpFunction } from "#functions/lambda-answer.ts";
import { answerAsLambda } from "#functions/lambda-answer.ts";
import { createProveFunction } from "#functions/prove/app.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createFeed } from "#service/feed.ts";
import { createCheckedLeaves } from "#service/mark-check.ts";
import { createProve } from "#service/prove.ts";
import { createLogReader } from "#service/read-log.ts";

/** Sealing runs every 10 seconds where events keep coming. */
const SEALS_AFTER_S = 10;
/** Leaves that a page of the feed looks at: one or two segments. */
const MAX_FEED_LEAVES = 2_000;

const config = readAwsConfig(["tableName", "ledgerName", "archiveBucket", "region", "archiveEndpoint"]);
const { monotonicMs, sleep, storeCheck, telemetry } = createRuntime(config);
const client = createDynamoClient();
const { region, archiveEndpoint: endpoint } = config;
const objects = createObjectReader(config.archiveBucket, { region, endpoint });
const unchecked = createDynamoLeafStore({ client, objects, ...config });
const leaves = createCheckedLeaves(unchecked, { ...storeCheck, sleep, marks: readableMarks(client, config) });
const reading = { leaves, log: createLogReader(objects), monotonicMs, sleep };

const prove = createProveFunction({
  prove: createProve({ ...reading, sealsAfterS: SEALS_AFTER_S }),
  feed: createFeed({ ...reading, maxLeaves: MAX_FEED_LEAVES }),
  log: reading.log,
  sealsAfterS: SEALS_AFTER_S,
  telemetry,
});

export const handler: LambdaHttpFunction = answerAsLambda(prove);
