/**
 * Feeds a function from a queue as Lambda does: messages are gathered up to a count, a size and a window, and handed over;
 * those that the function does not name as failed are deleted, the others stay until their visibility ends.
 */
import type { Message, SQSClient } from "@aws-sdk/client-sqs";
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { REGION } from "#infra/emulated/config.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";

export interface EventSourceOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly target: LambdaFunction;
  readonly maxMessages: number;
  readonly windowMs: number;
  readonly maxConcurrency: number;
  /** Whether the function may name single messages as failed. */
  readonly takesPartialFailures: boolean;
  /** Called with what went wrong; the source goes on. */
  readonly onProblem: (text: string) => void;
}

export interface EventSource {
  readonly queueUrl: string;
  readonly target: LambdaFunction;
  /** Stops receiving, and waits for what is under way. */
  readonly stop: () => Promise<void>;
}

/** Of one call of SQS. */
const MAX_PER_CALL = 10;
const WAIT_SECONDS = 1;
/** What is left of a window and not worth another call, which may wait a whole second. */
const SHORT_MS = 200;
/** Of what a function is given: Lambda quotas, "Invocation payload". Half of it leaves room for attributes and escapes. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

const BatchResponse = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })).nullish() })
  .nullish();

export function startEventSource(options: EventSourceOptions): EventSource {
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  const loop = async (): Promise<void> => {
    let kept: readonly Message[] = [];
    while (!stopping.signal.aborted) {
      if (underWay.size >= options.maxConcurrency) {
        await Promise.race(underWay);
        continue;
      }
      const { batch, rest } = await gather(options, kept, stopping.signal);
      kept = rest;
      if (batch.length === 0) continue;
      const run = handOver(options, batch)
        .catch((error: unknown) => options.onProblem(String(error)))
        .finally(() => underWay.delete(run));
      underWay.add(run);
    }
    await Promise.all(underWay);
  };

  const ended = loop().catch((error: unknown) => {
    if (!stopping.signal.aborted) options.onProblem(`the source has ended: ${String(error)}`);
  });
  return {
    queueUrl: options.queueUrl,
    target: options.target,
    stop: async () => {
      stopping.abort();
      await ended;
      await Promise.all(underWay);
    },
  };
}

interface Gathered {
  readonly batch: readonly Message[];
  /** Received, but more than one batch holds. */
  readonly rest: readonly Message[];
}

/** @param kept received before, for this batch */
async function gather(
  { client, queueUrl, maxMessages, windowMs }: EventSourceOptions,
  kept: readonly Message[],
  signal: AbortSignal,
): Promise<Gathered> {
  const received = [...kept];
  let endMs = kept.length > 0 ? Date.now() + windowMs : Number.POSITIVE_INFINITY;
  while (received.length < maxMessages && bytesOf(received) < MAX_BODY_BYTES && !signal.aborted) {
    const input = {
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(MAX_PER_CALL, maxMessages - received.length),
      WaitTimeSeconds: received.length > 0 && windowMs === 0 ? 0 : WAIT_SECONDS,
      MessageSystemAttributeNames: ["All" as const],
      MessageAttributeNames: ["All"],
    };
    const { Messages: found = [] } = await client.send(new ReceiveMessageCommand(input), {
      abortSignal: signal,
    });
    received.push(...found);
    if (endMs === Number.POSITIVE_INFINITY && received.length > 0) endMs = Date.now() + windowMs;
    const isOver = windowMs === 0 ? found.length === 0 : Date.now() + SHORT_MS > endMs;
    if (received.length === 0 || isOver) break;
  }
  let count = received.length;
  while (count > 1 && bytesOf(received.slice(0, count)) > MAX_BODY_BYTES) count--;
  return { batch: received.slice(0, count), rest: received.slice(count) };
}

function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((bytes, { Body = "" }) => bytes + Buffer.byteLength(Body), 0);
}

async function handOver(options: EventSourceOptions, batch: readonly Message[]): Promise<void> {
  const { client, queueUrl, queueArn, target, takesPartialFailures } = options;
  const Records = batch.map((message) => toRecord(message, queueArn));
  const response = BatchResponse.parse(await target.invoke({ Records }));
  const failed = new Set(response?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
  const known = new Set(batch.map(({ MessageId }) => MessageId));
  if (takesPartialFailures && [...failed].some((id) => !known.has(id))) return; // Lambda takes it for a failure of all
  const done = takesPartialFailures ? batch.filter(({ MessageId = "" }) => !failed.has(MessageId)) : batch;
  for (let at = 0; at < done.length; at += MAX_PER_CALL) {
    const Entries = done.slice(at, at + MAX_PER_CALL).map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
    }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}

/** A message as the function sees it. */
function toRecord(message: Message, queueArn: string): object {
  const attributes: Record<string, object> = {};
  for (const [name, value] of Object.entries(message.MessageAttributes ?? {}))
    attributes[name] = { dataType: value.DataType, stringValue: value.StringValue };
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: attributes,
    md5OfBody: message.MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}
