/** Sends a workload through the stack, event by event as clients do, and reads what it took. */
import type { Message } from "@aws-sdk/client-sqs";
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { FunctionUse } from "#test/bench/cost-lambda.ts";
import type { Counts } from "#test/bench/cost-meter.ts";
import type { CostStack } from "#test/bench/cost-stack.ts";

export interface Workload {
  readonly name: string;
  /** JSON texts of events. */
  readonly events: readonly string[];
  readonly eventsPerRequest: number;
}

export interface WorkloadUse {
  readonly events: number;
  readonly requests: number;
  readonly consumerBatches: number;
  readonly ingest: FunctionUse;
  readonly consume: FunctionUse;
  readonly counts: Counts;
}

/** Lines of one invocation of the consumer: the least for which the cost is promised. */
export const CONSUMER_LINES = 500;
const MAX_RECEIVED = 10;

/** Everything that was accepted is stored on return. */
export async function runWorkload(stack: CostStack, workload: Workload): Promise<WorkloadUse> {
  const { functions, meter } = stack;
  const { events, eventsPerRequest } = workload;
  functions.ingest.takeUse();
  functions.consume.takeUse();
  meter.take();
  let requests = 0;
  for (let from = 0; from < events.length; from += eventsPerRequest) {
    await post(stack, events.slice(from, from + eventsPerRequest), eventsPerRequest);
    requests++;
  }
  let consumerBatches = 0;
  for (let left = requests; left > 0; consumerBatches++) {
    left -= await consumeSome(stack, Math.min(left, Math.ceil(CONSUMER_LINES / eventsPerRequest)));
  }
  return {
    events: events.length,
    requests,
    consumerBatches,
    ingest: functions.ingest.takeUse(),
    consume: functions.consume.takeUse(),
    counts: meter.take(),
  };
}

async function post({ functions }: CostStack, events: readonly string[], perRequest: number): Promise<void> {
  const isSingle = perRequest === 1;
  const body = isSingle ? (events[0] ?? "") : `{"events":[${events.join(",")}]}`;
  const answer = await functions.ingest.invoke(
    httpEvent("POST", isSingle ? "/events" : "/events/batch", { body }),
  );
  if (!isStatus(answer, 202)) throw new Error(`ingest answers ${JSON.stringify(answer).slice(0, 500)}`);
}

/** Receives so many messages, as a poller of Lambda would, and hands them over at once. */
async function consumeSome(
  { sqs, queueUrl, queueArn, functions }: CostStack,
  count: number,
): Promise<number> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const { Messages: received = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: Math.min(MAX_RECEIVED, count - messages.length),
        MessageSystemAttributeNames: ["All"],
      }),
    );
    messages.push(...received);
  }
  const Records = messages.map((message) => ({
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: {},
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: "us-east-1",
  }));
  const answer = await functions.consume.invoke({ Records });
  if (JSON.stringify(answer) !== '{"batchItemFailures":[]}')
    throw new Error(`consume answers ${JSON.stringify(answer)}: ${functions.consume.written().slice(-2000)}`);
  for (let from = 0; from < messages.length; from += MAX_RECEIVED) {
    const Entries = messages.slice(from, from + MAX_RECEIVED).map(({ ReceiptHandle }, index) => {
      return { Id: String(index), ReceiptHandle };
    });
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
  return messages.length;
}

/** Units of one page of 100, newest first. */
export async function pageUnits(stack: CostStack, filter: Readonly<Record<string, string>>): Promise<number> {
  const { functions, meter, eventTable } = stack;
  const query = new URLSearchParams({ ...filter, limit: "100" });
  await functions.query.invoke(httpEvent("GET", "/events", { query })); // reads the lanes, for a minute
  meter.take();
  const answer = await functions.query.invoke(httpEvent("GET", "/events", { query }));
  if (!isStatus(answer, 200)) throw new Error(`query answers ${JSON.stringify(answer).slice(0, 500)}`);
  return meter.take().get(`read:${eventTable}`) ?? 0;
}

interface HttpParts {
  readonly body?: string;
  readonly query?: URLSearchParams;
}

/** A request as API Gateway hands it over. */
function httpEvent(method: string, path: string, { body, query }: HttpParts): object {
  const routeKey = `${method} ${path}`;
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: query?.toString() ?? "",
    headers: { "content-type": "application/json", host: "audit.example.com", accept: "*/*" },
    requestContext: {
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "cost" },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey,
      stage: "$default",
      timeEpoch: 0,
    },
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
  };
}

function isStatus(answer: unknown, status: number): boolean {
  return (
    typeof answer === "object" && answer !== null && "statusCode" in answer && answer.statusCode === status
  );
}
