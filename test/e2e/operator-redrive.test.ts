// Dead letters brought back by the real command line over stand-ins: what a bug had kept from being stored is stored
// once, by its first ids and times, also where the redrive is killed half way and run again.
import { randomFillSync } from "node:crypto";
import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";

import { createSqsEventQueue } from "#adapters/aws/sqs-event-queue.ts";
import { createQueueClient } from "#client/queue-client.ts";
import type { Consume } from "#functions/consume/app.ts";
import { createConsume } from "#functions/consume/app.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { Persist } from "#service/persist.ts";
import { createPersist } from "#service/persist.ts";
import { createQuarantine } from "#service/quarantine.ts";
import { findIds, sampleLine } from "#test/contract/sample-lines.ts";
import { auditlog, startAuditlog } from "#test/support/auditlog.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { startDeployment } from "#test/support/aws-deployment.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import type { StandInQueue } from "#test/support/fauxqs.ts";
import { newFolder } from "#test/support/folders.ts";
import { receiveEvent, settle } from "#test/support/sqs-events.ts";
import { startSqsProxy } from "#test/support/sqs-proxy.ts";

const TIMEOUT_MS = 120_000;
const identifiers = createIdentifiers({ nowMs: Date.now, fillRandom: randomFillSync });

const buggy: Persist = async () => {
  throw new TypeError("a bug");
};

async function consumer(deployment: AwsDeployment, persist: Persist): Promise<Consume> {
  const { archive } = await deployment.openStore();
  return createConsume({
    persist,
    quarantine: createQuarantine(archive),
    retryLater: async () => undefined,
    linesQueueArn: deployment.queues.lines.arn,
    intakeTenants: {},
    clock: { nowMs: Date.now },
    monotonicMs: () => performance.now(),
    identifiers,
    random: () => 0,
    telemetry: { error: () => undefined, warn: () => undefined },
    serviceName: "audit",
    writeMetrics: () => undefined,
  });
}

async function sound(deployment: AwsDeployment): Promise<Consume> {
  const store = await deployment.openStore();
  return consumer(deployment, createPersist({ ...store, newBatchId: identifiers.newEventId }));
}

/** Delivers until both queues are empty: messages are stored or dead. */
async function drain(deployment: AwsDeployment, consume: Consume): Promise<void> {
  const { sqs, queues } = deployment;
  const drainOne = async (queue: StandInQueue): Promise<void> => {
    while ((await depthOf(deployment, queue)) > 0) {
      const event = await receiveEvent(sqs.client, queue); // waits a second for what is hidden
      if (event.Records.length === 0) continue;
      await settle(sqs.client, queue, { event, response: await consume(event) });
    }
  };
  await Promise.all([drainOne(queues.lines), drainOne(queues.intake)]);
}

async function depthOf({ sqs }: AwsDeployment, queue: StandInQueue): Promise<number> {
  const { Attributes: found = {} } = await sqs.client.send(
    new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ["All"] }),
  );
  const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: taken } = found;
  return Number(waiting) + Number(taken);
}

/** 60 messages: stored lines, events of a client with ids, and plain JSON without. */
async function sendAll({ sqs, queues }: AwsDeployment): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const lines = createSqsEventQueue({ client: sqs.client, queueUrl: queues.lines.url });
  const send = async (body: string): Promise<string> => {
    const request = new SendMessageCommand({ QueueUrl: queues.intake.url, MessageBody: body });
    return (await sqs.client.send(request)).MessageId ?? "";
  };
  const audit = createQueueClient({
    sendMessage: async (body) => void (await send(body)),
    serviceName: "shop",
  });
  for (let index = 0; index < 20; index++) {
    await lines.send([
      sampleLine({ event_id: `line-${index}-a` }),
      sampleLine({ event_id: `line-${index}-b` }),
    ]);
    ids.add(`line-${index}-a`).add(`line-${index}-b`);
    const receipt = await audit.logBatch([{ action: "packed" }, { action: "packed" }]);
    for (const id of receipt.event_ids) ids.add(id);
    const event = { action: "plain", service_name: "shop" };
    const isList = index % 2 === 1;
    const messageId = await send(JSON.stringify(isList ? { events: [event, event] } : event));
    if (isList) ids.add(`sqs:${messageId}:0`).add(`sqs:${messageId}:1`);
    else ids.add(`sqs:${messageId}`);
  }
  return ids;
}

describeDynamo("a redrive", (dynamo) => {
  const start = async (): Promise<AwsDeployment> => {
    const deployment = await startDeployment(dynamo());
    onTestFinished(deployment.close);
    return deployment;
  };

  it("after a bug was fixed stores every event once, though it was killed half way", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const deployment = await start();
    const { queues, env, sqs } = deployment;
    const folder = await newFolder();
    const sent = await sendAll(deployment);
    await drain(deployment, await consumer(deployment, buggy));
    const dead = [await depthOf(deployment, queues.linesDlq), await depthOf(deployment, queues.intakeDlq)];
    let sends = 0;
    let kill = (): boolean => false;
    const proxy = await startSqsProxy(sqs.url, (operation) => {
      if (operation === "SendMessage" && ++sends === 25) kill();
    });
    onTestFinished(proxy.close);
    const outputs = await deployment.writeOutputs(folder, proxy.url);
    const options = { folder, env: { ...env, AWS_ENDPOINT_URL_SQS: proxy.url } };
    const args = ["dlq", "redrive", "--json", "--outputs", outputs];

    const first = startAuditlog(args, options);
    kill = () => first.child.kill("SIGKILL");
    const killed = await first.end;
    const left = (await depthOf(deployment, queues.linesDlq)) + (await depthOf(deployment, queues.intakeDlq));
    const second = await auditlog(args, options);
    await drain(deployment, await sound(deployment));

    expect(dead).toEqual([20, 40]);
    expect(killed.signal).toBe("SIGKILL");
    expect(left).toBeGreaterThan(60 - 25 - 1);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ left: [], finished: true, quarantined: 0 });
    expect(sends).toBeGreaterThan(60);
    expect((await findIds(deployment.eventStore, "default")).toSorted()).toEqual([...sent].toSorted());
    expect([await depthOf(deployment, queues.linesDlq), await depthOf(deployment, queues.intakeDlq)]).toEqual(
      [0, 0],
    );
  });

  it("of what was stored meanwhile doubles nothing, and keeps the time of the first message", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const deployment = await start();
    const { sqs, queues, env } = deployment;
    const folder = await newFolder();
    const event = { action: "plain", service_name: "shop", event_id: "e-1" };
    const request = { QueueUrl: queues.intake.url, MessageBody: JSON.stringify(event) };
    const sentAtMs = Date.now();
    await sqs.client.send(new SendMessageCommand(request));
    await drain(deployment, await consumer(deployment, buggy));
    await sqs.client.send(new SendMessageCommand(request));
    const consume = await sound(deployment);
    await drain(deployment, consume);
    const outputs = await deployment.writeOutputs(folder);

    const shown = await auditlog(["dlq", "show", "--outputs", outputs], { folder, env });
    const listed = await auditlog(["dlq", "list", "--json", "--outputs", outputs], { folder, env });
    await auditlog(["dlq", "redrive", "--outputs", outputs], { folder, env });
    const [waiting] = (await receiveEvent(sqs.client, queues.lines)).Records;
    await drain(deployment, consume);

    expect(shown.stdout).toContain("event e-1 of tenant default: plain in shop");
    expect(JSON.parse(listed.stdout)).toMatchObject([{ waiting: 0 }, { queue: "intake", waiting: 1 }]);
    expect(waiting?.body).toMatch(/^L1z\./);
    expect(await findIds(deployment.eventStore, "default")).toEqual(["e-1"]);
    const found = await deployment.eventStore.get({ tenantId: "default", eventId: "e-1" });
    expect(found?.conflicts).toBeUndefined();
    const { received_at: receivedAt } = JSON.parse(found?.text ?? "{}") as { readonly received_at: string };
    expect(Date.parse(receivedAt)).toBeGreaterThanOrEqual(sentAtMs);
  });
});

describe("a command for operators", () => {
  it("names what it does not know of the deployment, and both ways out", async () => {
    const folder = await newFolder();

    const { code, stderr } = await auditlog(["dlq", "list"], { folder });

    expect(code).toBe(1);
    expect(stderr).toContain("QueueDlqUrl (AUDIT_QUEUE_DLQ_URL), IntakeDlqUrl (AUDIT_INTAKE_DLQ_URL)");
    expect(stderr).toContain("--outputs");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("says that a file of outputs is missing or none", async () => {
    const folder = await newFolder();

    const missing = await auditlog(["rebuild", "--outputs", "none.json"], { folder });

    expect([missing.code, missing.stdout]).toEqual([1, ""]);
    expect(missing.stderr).toContain("none.json cannot be read");
  });
});
