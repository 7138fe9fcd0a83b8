// The consume function and the janitor, as on AWS, cut off at every single call that they make to S3, DynamoDB and SQS:
// stopped before it or behind it and woken much later, or told that it did not work. The messages come again in other
// groups, and in the end everything is stored once and accounted for.
import type { SQSEvent } from "aws-lambda";
import { afterAll, beforeAll, expect, it } from "vitest";

import { packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { freshTenant, sampleLine } from "#test/contract/sample-lines.ts";
import type { StandIns } from "#test/support/consumer-stand-ins.ts";
import { ConsumerStandIns } from "#test/support/consumer-stand-ins.ts";
import type { Cut } from "#test/support/cut-process.ts";
import { CUT_KINDS, CutProcess, cutEverywhere, ignorePassing } from "#test/support/cut-process.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import { findUnregistered } from "#test/support/persistence-checks.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

/** Some tens of seconds; a machine that is busy with other tests takes ten times as long. */
const TIMEOUT_MS = 400_000;
/** A batch so old is the janitor's. */
const RIPE_MS = 16 * 60_000;
const THROTTLED_ID = "throttled";
/** The way of a consumer that meets all that `prepare` leaves. */
const CONSUMER_CALLS = [
  "PutObjectCommand", // the damaged line
  "PutObjectCommand", // the batch
  "BatchExecuteStatementCommand",
  "BatchGetItemCommand", // what stands where its lines would
  "BatchExecuteStatementCommand", // the throttled line, without index keys
  "BatchExecuteStatementCommand", // the conflict, under a derived id
  "UpdateItemCommand", // its note
  "UpdateItemCommand", // the time for which its first is kept
  "BatchGetItemCommand", // rows of other batches
  "GetObjectCommand", // the batch that has none
  "BatchExecuteStatementCommand",
  "BatchGetItemCommand",
  "TransactWriteItemsCommand",
  "PutObjectCommand", // the outcome
  "TransactWriteItemsCommand",
];
/** The way of a janitor that finishes the batch left alone, then indexes the event whose index entries were throttled. */
const JANITOR_CALLS = [
  "GetItemCommand", // its note
  "ListObjectsV2Command",
  "BatchGetItemCommand", // rows
  "GetObjectCommand", // the batch without one
  "BatchExecuteStatementCommand",
  "BatchGetItemCommand", // what stands where its line would
  "TransactWriteItemsCommand",
  "PutItemCommand", // its note
  "QueryCommand", // batches to be indexed
  "GetObjectCommand",
  "UpdateItemCommand",
  "DeleteItemCommand",
  "QueryCommand",
];

interface Scenario {
  readonly stack: ConsumerStandIns;
  /** All lines that were sent. */
  readonly wanted: readonly PreparedLine[];
  /** Messages of the consumers that were stopped before all this. */
  readonly held: readonly SQSEvent[];
  /** Sends what arrives only after the cut. */
  readonly sendMore: () => Promise<void>;
}

describeDynamo("a process that is cut off at any of its calls", (dynamo) => {
  let standIns: StandIns;
  let scenarios = 0;

  beforeAll(async () => {
    standIns = { dynamo: dynamo(), s3: await startS3StandIn(), sqs: await startSqsStandIn() };
  });

  afterAll(async () => {
    await Promise.all([standIns.s3.close(), standIns.sqs.close()]);
  });

  /**
   * Stored: one event. Left by two consumers that were stopped before they wrote the row: two and one. On the queue: the
   * second of the two again, other content for the stored event, a damaged line, an event whose index entries are
   * throttled, and a new one.
   */
  async function prepare(): Promise<Scenario> {
    const stack = await ConsumerStandIns.found(standIns, `cut-${++scenarios}`);
    const tenant_id = freshTenant();
    const line = (event_id: string, message = "first"): PreparedLine =>
      sampleLine({ tenant_id, event_id, message });
    const stored = [line("stored")];
    const left = [line("left"), line("left-twice")];
    const alone = [line("left-alone")];
    const first = [line("new"), line("left-twice")];
    const second = [line("stored", "other"), line(THROTTLED_ID)];
    const more = [line("new"), line("last")];
    await stack.send(packed(stored));
    await stack.drain(stack.consumer(new CutProcess()), 1);
    await stack.send(packed(left));
    const held = [await leave(stack)];
    await stack.send(packed(alone));
    held.push(await leave(stack));
    await stack.send(packed(first));
    await stack.send(packed(second, ["no line"]));
    return {
      stack,
      wanted: [stored, left, alone, first, second, more].flat(),
      held,
      sendMore: () => stack.send(packed(more)),
    };
  }

  it.each(CUT_KINDS)(
    "keeps every event, once, where a consumer is cut off: %s",
    { timeout: TIMEOUT_MS },
    async (kind) => {
      const calls = await cutEverywhere(kind, async (cut) => {
        const { stack, wanted, held, sendMore } = await prepare();
        const event = await stack.receive();
        const process = new CutProcess(cut);
        const running = stack.consumer(process, THROTTLED_ID)(event);

        await Promise.race([running, process.stopped]);
        await sendMore();
        for (const messages of [event, ...held]) await stack.release(messages);
        await stack.drain(stack.consumer(new CutProcess(), THROTTLED_ID), 2);
        const unregistered = await findUnregistered(stack.ports, wanted);
        process.wake();
        await running;
        await tidy(stack);

        expect({ cut, unregistered }).toEqual({ cut, unregistered: [] });
        await expectAllWell(stack, wanted, cut);
        return process;
      });

      expect(calls).toEqual(CONSUMER_CALLS);
    },
  );

  it.each(CUT_KINDS)(
    "keeps every event, once, where a janitor is cut off: %s",
    { timeout: TIMEOUT_MS },
    async (kind) => {
      const calls = await cutEverywhere(kind, async (cut) => {
        const { stack, wanted, held, sendMore } = await prepare();
        await stack.janitor(new CutProcess())(); // the first run of a deployment looks at all days there have been
        await sendMore();
        const event = await stack.receive();
        await stack.deliver(event, stack.consumer(new CutProcess(), THROTTLED_ID));
        stack.pass(RIPE_MS);
        const process = new CutProcess(cut);
        const running = stack.janitor(process)().catch(ignorePassing);

        await Promise.race([running, process.stopped]);
        for (const messages of held) await stack.release(messages);
        await stack.drain(stack.consumer(new CutProcess()), 2);
        process.wake();
        await running;
        await tidy(stack);

        await expectAllWell(stack, wanted, cut);
        return process;
      });

      expect(calls).toEqual(JANITOR_CALLS);
    },
  );
});

/** A consumer takes what is on the queue and is stopped for ever before it writes the row. */
async function leave(stack: ConsumerStandIns): Promise<SQSEvent> {
  const process = new CutProcess({ kind: "stopped before", at: 3 });
  const event = await stack.receive();
  await Promise.race([stack.consumer(process)(event), process.stopped]);
  return event;
}

/** What the janitor does in time; the second run finds what the first may not have seen yet. */
async function tidy(stack: ConsumerStandIns): Promise<void> {
  for (let run = 0; run < 2; run++) {
    stack.pass(RIPE_MS);
    await stack.janitor(new CutProcess())();
  }
}

async function expectAllWell(
  stack: ConsumerStandIns,
  wanted: readonly PreparedLine[],
  cut: Cut,
): Promise<void> {
  const refused: string[] = [];
  for await (const { key } of stack.ports.archive.list("quarantine/")) refused.push(key);
  const problems = await stack.problems(wanted);
  expect({ cut, problems, errors: stack.errors, refused: refused.length }).toEqual({
    cut,
    problems: [],
    errors: [],
    refused: 1,
  });
}

function packed(lines: readonly PreparedLine[], others: readonly string[] = []): string {
  return packLines([...lines.map(({ text }) => text), ...others])[0] ?? "";
}
