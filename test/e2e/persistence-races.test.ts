// Consumers that have the same messages at the same time, in other groups and orders, and janitors that finish their batches
// under their hands: really at once, over S3, DynamoDB and SQS on stand-ins.
import { afterAll, beforeAll, expect, it } from "vitest";

import { packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { freshTenant, sampleLine } from "#test/contract/sample-lines.ts";
import type { StandIns } from "#test/support/consumer-stand-ins.ts";
import { ConsumerStandIns } from "#test/support/consumer-stand-ins.ts";
import { CutProcess } from "#test/support/cut-process.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import { findUnregistered } from "#test/support/persistence-checks.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

const ROUNDS = Array.from({ length: 8 }, (_, index) => index + 1);
const JANITORS = 2;
const MESSAGES = 6;
/** A batch so old is the janitor's. */
const RIPE_MS = 16 * 60_000;

describeDynamo("consumers with the same messages at once", (dynamo) => {
  let standIns: StandIns;

  beforeAll(async () => {
    standIns = { dynamo: dynamo(), s3: await startS3StandIn(), sqs: await startSqsStandIn() };
  });

  afterAll(async () => {
    await Promise.all([standIns.s3.close(), standIns.sqs.close()]);
  });

  it.each(ROUNDS)("store every event once, beside janitors: round %i", async (round) => {
    const stack = await ConsumerStandIns.found(standIns, `races-${round}`);
    const messages = messagesOf(freshTenant());
    for (const lines of messages) await stack.send(packLines(lines.map(({ text }) => text))[0] ?? "");
    const { Records: records } = await stack.receive();
    const deliveries = [records, records.toReversed(), records.slice(2), records.slice(0, 3)];

    const processes = deliveries.map(() => new CutProcess({ kind: "stopped behind", at: 1 }));
    const consuming = deliveries.map((part, at) =>
      stack.settle({ Records: part }, stack.consumer(processes[at] ?? new CutProcess())),
    );
    await Promise.all(processes.map(({ stopped }) => stopped));
    stack.pass(RIPE_MS);
    const janitors = Array.from({ length: JANITORS }, () => stack.janitor(new CutProcess())());
    for (const process of processes) process.wake();
    const responses = await Promise.all(consuming);
    const unregistered = await findUnregistered(stack.ports, messages.flat());
    const reports = await Promise.all(janitors);

    expect(responses.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);
    expect(unregistered).toEqual([]);
    expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
    expect(stack.errors).toEqual([]);
    expect(await stack.problems(messages.flat())).toEqual([]);
  });
});

/** Two events each; the second is in the next message too, and every third message has other content for it. */
function messagesOf(tenant_id: string): readonly (readonly PreparedLine[])[] {
  return Array.from({ length: MESSAGES }, (_, at) => [
    sampleLine({ tenant_id, event_id: `e${at}`, message: at % 3 === 2 ? "other" : "first" }),
    sampleLine({ tenant_id, event_id: `e${at + 1}`, message: "first" }),
  ]);
}
