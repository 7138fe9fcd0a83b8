// The client of audit-service/sqs over the stand-in of the queue: what it sends is consumed and found, once.
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { createIdentifiers } from "#lib/identifiers.ts";
import { createSqsAuditClient } from "#infra/local/sqs.ts";
import { stampIntake } from "#service/intake.ts";
import type { StandInQueue } from "#test/support/fauxqs.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import { STAND_IN_CREDENTIALS } from "#test/support/s3-stand-in.ts";
import { receiveEvent } from "#test/support/sqs-events.ts";

/** The SDK goes to the host in the address of a queue; the stand-in's own has a name that resolves nowhere. */
function addressAt(url: string, queue: StandInQueue): string {
  return new URL(new URL(queue.url).pathname, url).href;
}

describe("the client over SQS", () => {
  it("puts events on the queue as its consumer takes them", async () => {
    const sqs = await startSqsStandIn();
    onTestFinished(sqs.close);
    const queue = await sqs.createQueue("intake");
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", STAND_IN_CREDENTIALS.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", STAND_IN_CREDENTIALS.secretAccessKey);
    vi.stubEnv("AWS_ENDPOINT_URL_SQS", sqs.url);
    onTestFinished(() => void vi.unstubAllEnvs());
    const queueUrl = addressAt(sqs.url, queue);
    const audit = createSqsAuditClient({ queueUrl, serviceName: "shop" });

    const receipt = await audit.log(audit.event().action("order_placed").user("ada"));
    await audit.close();
    const { Records: records } = await receiveEvent(sqs.client, queue);

    const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: (bytes) => bytes.fill(1) });
    const stamped = records.map(({ messageId, body, attributes }) =>
      stampIntake(
        { messageId, body, senderId: attributes.SenderId, sentAtMs: Number(attributes.SentTimestamp) },
        { tenants: {}, identifiers },
      ),
    );
    expect(stamped).toMatchObject([
      {
        kind: "stamped",
        refused: [],
        lines: [{ event: { event_id: receipt.event_id, action: "order_placed", service_name: "shop" } }],
      },
    ]);
  });

  it("refuses an address that is none of a queue", () => {
    expect(() => createSqsAuditClient({ queueUrl: "intake" })).toThrow(
      "queueUrl is not the URL of an SQS queue",
    );
  });

  it("says that a queue which is away took nothing", async () => {
    const sqs = await startSqsStandIn();
    const queue = await sqs.createQueue("intake");
    await sqs.close();
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", STAND_IN_CREDENTIALS.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", STAND_IN_CREDENTIALS.secretAccessKey);
    vi.stubEnv("AWS_ENDPOINT_URL_SQS", sqs.url);
    onTestFinished(() => void vi.unstubAllEnvs());
    const audit = createSqsAuditClient({
      queueUrl: addressAt(sqs.url, queue),
      serviceName: "shop",
      maxRetries: 1,
      retryDelayMs: 0,
    });

    const logging = audit.log({ action: "order_placed" });

    await expect(logging).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
  });
});
