/** The query function on AWS: environment → DynamoDB, SQS → handler. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createQueuesEmpty } from "#adapters/aws/aws-parts.ts";
import { createDynamoClient } from "#adapters/aws/dynamo-client.ts";
import { createDynamoDirectory } from "#adapters/aws/dynamo-directory.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { readableMarks } from "#adapters/aws/dynamo-mark-reader.ts";
import { readAwsConfig } from "#functions/config.ts";
import type { LambdaHttpFunction } from "#functions/lambda-answer.ts";
import { answerAsLambda } from "#functions/lambda-answer.ts";
import { createQuery } from "#functions/query/app.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createExport } from "#service/export.ts";
import { createFind } from "#service/find.ts";
import { createFlush } from "#service/flush.ts";
import { createCheckedStore } from "#service/mark-check.ts";

const config = readAwsConfig(["tableName", "ledgerName", "queueUrl", "intakeUrl", "queueEndpoint", "region"]);
const { monotonicMs, sleep, storeCheck, telemetry } = createRuntime(config);
const { tableName, ledgerName, region, queueEndpoint: endpoint } = config;
const client = createDynamoClient();
const directory = createDynamoDirectory({ client, ledgerName });
const isDrained = createQueuesEmpty(config, { region, endpoint });
const unchecked = createDynamoEventStore({ client, tableName, directory, isDrained });
const store = createCheckedStore(unchecked, { ...storeCheck, sleep, marks: readableMarks(client, config) });

const query = createQuery({
  find: createFind({ store, monotonicMs, sleep }),
  exportChunk: createExport({ store, monotonicMs }),
  flush: createFlush({ store, monotonicMs, sleep }),
  // The bundle brings the document: what it is made with would be a tenth of the bundle.
  openApiJson: () => gunzipSync(readFileSync(new URL("openapi.json.gz", import.meta.url))).toString(),
  telemetry,
});

export const handler: LambdaHttpFunction = answerAsLambda(query);
