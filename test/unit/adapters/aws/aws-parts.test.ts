// Probes of queues and bucket, over the stand-ins: what they count, and what they say when nobody answers.
import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AllQueueUrls, PartOptions } from "#adapters/aws/aws-parts.ts";
import { createArchiveProbe, createQueueProbe, createQueuesEmpty } from "#adapters/aws/aws-parts.ts";
import type { SqsStandIn } from "#test/support/fauxqs.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { STAND_IN_CREDENTIALS, startS3StandIn } from "#test/support/s3-stand-in.ts";

const NOWHERE = "http://127.0.0.1:9";

let sqs: SqsStandIn;
let s3: S3StandIn;
let urls: AllQueueUrls;
let round = 0;

beforeAll(async () => {
  [sqs, s3] = await Promise.all([startSqsStandIn(), startS3StandIn()]);
});

afterAll(() => Promise.all([sqs.close(), s3.close()]));

beforeEach(async () => {
  round++;
  const create = async (name: string): Promise<string> => (await sqs.createQueue(`${name}-${round}`)).url;
  urls = {
    queueUrl: await create("lines"),
    intakeUrl: await create("intake"),
    queueDlqUrl: await create("lines-dead"),
    intakeDlqUrl: await create("intake-dead"),
  };
});

describe("createQueueProbe", () => {
  it("counts what waits in each queue", async () => {
    await send(urls.queueUrl);
    await send(urls.queueUrl);
    await send(urls.intakeUrl);

    await expect(createQueueProbe(urls, at(sqs.url))()).resolves.toEqual({
      status: "healthy",
      problems: [],
      details: { lines: 2, intake: 1, lines_dead_letters: 0, intake_dead_letters: 0 },
    });
  });

  it.each(["queueDlqUrl", "intakeDlqUrl"] as const)("is degraded by a message in %s", async (queue) => {
    await send(urls[queue]);

    await expect(createQueueProbe(urls, at(sqs.url))()).resolves.toMatchObject({
      status: "degraded",
      problems: ["1 messages have failed for good and wait among the dead letters"],
    });
  });

  it("is unhealthy where a queue does not exist", async () => {
    const gone = { ...urls, intakeUrl: `${urls.intakeUrl}-gone` };

    const health = await createQueueProbe(gone, at(sqs.url))();

    expect(health).toMatchObject({
      status: "unhealthy",
      problems: ["the count of messages was answered by 400"],
    });
  });

  it("is unhealthy where nobody answers", async () => {
    await expect(createQueueProbe(urls, at(NOWHERE))()).resolves.toMatchObject({ status: "unhealthy" });
  });
});

describe("createQueuesEmpty", () => {
  it("is true of queues that hold nothing, and looks at no dead letters", async () => {
    await send(urls.queueDlqUrl);

    await expect(createQueuesEmpty(urls, at(sqs.url))()).resolves.toBe(true);
  });

  it("is false while a message waits, or is with a consumer", async () => {
    const areEmpty = createQueuesEmpty(urls, at(sqs.url));
    await send(urls.intakeUrl);

    const isWaiting = await areEmpty();
    await sqs.client.send(new ReceiveMessageCommand({ QueueUrl: urls.intakeUrl }));

    expect([isWaiting, await areEmpty()]).toEqual([false, false]);
  });

  it("rejects where nobody answers, to be tried again", async () => {
    await expect(createQueuesEmpty(urls, at(NOWHERE))()).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
  });
});

describe("createArchiveProbe", () => {
  it("is healthy where the bucket answers", async () => {
    await expect(createArchiveProbe(s3.bucket, at(s3.url))()).resolves.toMatchObject({ status: "healthy" });
  });

  it("is unhealthy where there is no such bucket", async () => {
    await expect(createArchiveProbe("elsewhere", at(s3.url))()).resolves.toMatchObject({
      status: "unhealthy",
      problems: ["the bucket was answered by 404"],
    });
  });

  it("is unhealthy where nobody answers", async () => {
    await expect(createArchiveProbe(s3.bucket, at(NOWHERE))()).resolves.toMatchObject({
      status: "unhealthy",
      problems: ["the bucket was answered by ECONNREFUSED"],
    });
  });
});

function at(endpoint: string): PartOptions {
  return { region: "us-east-1", endpoint, credentials: STAND_IN_CREDENTIALS };
}

async function send(queueUrl: string): Promise<void> {
  await sqs.client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "{}" }));
}
