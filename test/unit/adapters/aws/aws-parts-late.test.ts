// How many messages have waited for more than five minutes, as queues and CloudWatch tell it together.
import { once } from "node:events";
import { createServer } from "node:http";
import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { createDeadLetterCount, createLateMessages } from "#adapters/aws/aws-parts-late.ts";
import type { QueueUrls } from "#adapters/aws/aws-parts.ts";
import type { CloudWatchServer } from "#infra/emulated/cloudwatch-server.ts";
import { startCloudWatchServer } from "#infra/emulated/cloudwatch-server.ts";
import type { SqsStandIn } from "#test/support/fauxqs.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import { STAND_IN_CREDENTIALS } from "#test/support/s3-stand-in.ts";

let sqs: SqsStandIn;
let cloudwatch: CloudWatchServer;
let urls: QueueUrls;
/** How long ago all messages were sent, as CloudWatch sees it. */
let passedS = 0;
let warnings: string[] = [];
let round = 0;

beforeAll(async () => {
  sqs = await startSqsStandIn();
  cloudwatch = await startCloudWatchServer({ sqsUrl: sqs.url, nowMs: () => Date.now() + passedS * 1000 });
});

afterAll(() => Promise.all([sqs.close(), cloudwatch.close()]));

beforeEach(async () => {
  round++;
  passedS = 0;
  warnings = [];
  const create = async (name: string): Promise<string> => (await sqs.createQueue(`${name}-${round}`)).url;
  urls = { queueUrl: await create("lines"), intakeUrl: await create("intake") };
});

it("are none where the oldest is younger", async () => {
  await send(urls.queueUrl);
  passedS = 290;

  await expect(countLate()).resolves.toBe(0);
});

it("are at most all that a queue holds whose oldest is older, also those with a consumer", async () => {
  await send(urls.queueUrl);
  await send(urls.queueUrl);
  await send(urls.intakeUrl);
  await sqs.client.send(new ReceiveMessageCommand({ QueueUrl: urls.intakeUrl }));
  passedS = 301;

  await expect(countLate()).resolves.toBe(3);
});

it("leave out the queue whose oldest is younger", async () => {
  const answers = { age0: [12, 900], age1: [301, 1] };
  await send(urls.queueUrl);
  await send(urls.intakeUrl);

  await expect(countLate(await answering(200, metrics(answers)))).resolves.toBe(1);
});

it("are none where CloudWatch has no number yet", async () => {
  await send(urls.queueUrl);

  await expect(countLate(await answering(200, metrics({ age0: [] })))).resolves.toBe(0);
});

it("cost nothing where both queues are empty: CloudWatch is not asked", async () => {
  await expect(countLate("http://127.0.0.1:9")).resolves.toBe(0);
});

it.each([
  ["nobody answers", async () => "http://127.0.0.1:9"],
  ["the right to read metrics is missing", () => answering(400, { __type: "AccessDeniedException" })],
  [
    "the number could not be found out",
    () => answering(200, { MetricDataResults: [{ Id: "age0", StatusCode: "InternalError", Values: [] }] }),
  ],
])("cannot be told where %s", async (_, start) => {
  await send(urls.queueUrl);

  await expect(countLate(await start())).resolves.toBeUndefined();
  expect(warnings).toEqual(["late messages could not be counted"]);
});

it("are asked for again where CloudWatch failed for a moment", async () => {
  await send(urls.queueUrl);

  await expect(countLate(await answering(503, metrics({ age0: [301] }), 200))).resolves.toBe(1);
});

it("count dead letters too, and say so where nobody answers", async () => {
  await send(urls.queueUrl);
  await send(urls.intakeUrl);
  await sqs.client.send(new ReceiveMessageCommand({ QueueUrl: urls.intakeUrl }));
  const dead = { queueDlqUrl: urls.queueUrl, intakeDlqUrl: urls.intakeUrl };
  const options = {
    region: "us-east-1",
    credentials: STAND_IN_CREDENTIALS,
    sleep: async () => undefined,
  };
  const count = (queueEndpoint: string) => createDeadLetterCount(dead, { ...options, queueEndpoint })();

  await expect(count(sqs.url)).resolves.toBe(2);
  await expect(count("http://127.0.0.1:9")).rejects.toMatchObject({ code: "storage-unavailable" });
});

async function countLate(metricsEndpoint = cloudwatch.url): Promise<number | undefined> {
  const count = createLateMessages(urls, {
    region: "us-east-1",
    credentials: STAND_IN_CREDENTIALS,
    queueEndpoint: sqs.url,
    metricsEndpoint,
    clock: { nowMs: Date.now },
    sleep: async () => undefined,
    telemetry: { warn: (message) => warnings.push(message) },
  });
  return await count();
}

/** A service that gives one answer to everything. */
async function answering(status: number, body: object, thenStatus = status): Promise<string> {
  let next = status;
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(next).end(JSON.stringify(body));
    next = thenStatus;
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
}

function metrics(ages: Readonly<Record<string, readonly number[]>>): object {
  const results = Object.entries(ages).map(([Id, Values]) => ({ Id, StatusCode: "Complete", Values }));
  return { MetricDataResults: results };
}

async function send(queueUrl: string): Promise<void> {
  await sqs.client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "{}" }));
}
