/** The ingest function on AWS: environment → SQS → handler. */
import { createSqsClient } from "#adapters/aws/sqs-client.ts";
import { createSqsEventQueue } from "#adapters/aws/sqs-event-queue.ts";
import { readAwsConfig } from "#functions/config.ts";
import { createIngest } from "#functions/ingest/app.ts";
import { countedAccept } from "#functions/ingest/counted-accept.ts";
import type { HttpFunction } from "#functions/middleware.ts";
import { createRuntime } from "#functions/runtime.ts";
import { createAccept } from "#service/accept.ts";

const config = readAwsConfig(["queueUrl"]);
const { clock, identifiers, telemetry } = createRuntime(config);
const queue = createSqsEventQueue({ client: createSqsClient(), queueUrl: config.queueUrl });
const accept = countedAccept(createAccept({ queue, clock, identifiers }), telemetry);

export const handler: HttpFunction = createIngest({ accept, knowsStored: false, telemetry });
