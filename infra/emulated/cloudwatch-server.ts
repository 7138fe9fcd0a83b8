/**
 * What the service asks of CloudWatch, on this machine for tests and the emulated run: how old the oldest message of a queue
 * is, as the stand-in for SQS has it. It answers at once, where CloudWatch takes minutes.
 */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import * as z from "zod";
import { AuditServiceError } from "#lib/errors.ts";

export interface CloudWatchServerOptions {
  /** Where fauxqs is. */
  readonly sqsUrl: string;
  /** @default Date.now */
  readonly nowMs?: () => number;
}

export interface CloudWatchServer {
  /** For `AWS_ENDPOINT_URL_CLOUDWATCH`. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const ACTION = "GraniteServiceVersion20100801.GetMetricData";

const GetMetricData = z.object({
  StartTime: z.number(),
  EndTime: z.number(),
  ScanBy: z.enum(["TimestampDescending", "TimestampAscending"]).optional(),
  MetricDataQueries: z.array(
    z.object({
      Id: z.string().regex(/^[a-z][A-Za-z0-9_]*$/),
      MetricStat: z.object({
        Metric: z.object({
          Namespace: z.literal("AWS/SQS"),
          MetricName: z.literal("ApproximateAgeOfOldestMessage"),
          Dimensions: z.tuple([z.object({ Name: z.literal("QueueName"), Value: z.string() })]),
        }),
        Period: z.int().multipleOf(60),
        Stat: z.literal("Maximum"),
      }),
    }),
  ),
});

/** As fauxqs shows a queue to whoever looks. */
const Sent = z.object({ sentTimestamp: z.number() });
const ShownQueue = z.object({
  messages: z.object({
    ready: z.array(Sent),
    delayed: z.array(Sent),
    inflight: z.array(z.object({ message: Sent })),
  }),
});

export async function startCloudWatchServer(options: CloudWatchServerOptions): Promise<CloudWatchServer> {
  const server = createServer((request, response) => {
    answer(request, options).then(
      (body) => {
        response.writeHead(200, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify(body));
      },
      (cause: unknown) => {
        response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify({ __type: "ValidationException", message: String(cause) }));
      },
    );
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null)
    throw new AuditServiceError("internal", "the stand-in for CloudWatch listens on no address");
  return {
    url: `http://${LOOPBACK}:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  request: IncomingMessage,
  { sqsUrl, nowMs = Date.now }: CloudWatchServerOptions,
): Promise<object> {
  if (request.headers["x-amz-target"] !== ACTION)
    throw new AuditServiceError("internal", "this stand-in for CloudWatch knows GetMetricData alone");
  const parts: string[] = [];
  for await (const part of request.setEncoding("utf8")) parts.push(String(part));
  const { MetricDataQueries: queries, EndTime: end } = GetMetricData.parse(JSON.parse(parts.join("")));
  const results = queries.map(async ({ Id, MetricStat: { Metric: metric } }) => {
    const sentMs = await oldestSentMs(sqsUrl, metric.Dimensions[0].Value);
    const found = sentMs === undefined ? [] : [Math.max(0, Math.floor((nowMs() - sentMs) / 1000))];
    const Timestamps = found.map(() => end - (end % 60) - 60);
    return { Id, Label: metric.MetricName, StatusCode: "Complete", Timestamps, Values: found };
  });
  return { Messages: [], MetricDataResults: await Promise.all(results) };
}

/** Undefined where there is no such queue: CloudWatch has no numbers of it. 0 seconds old where it is empty, as SQS says. */
async function oldestSentMs(sqsUrl: string, queueName: string): Promise<number | undefined> {
  const shown = await fetch(new URL(`/_fauxqs/queues/${encodeURIComponent(queueName)}`, sqsUrl));
  if (shown.status === 404) return undefined;
  const { ready, delayed, inflight } = ShownQueue.parse(await shown.json()).messages;
  const sent = [...ready, ...delayed, ...inflight.map(({ message }) => message)];
  return Math.min(Number.MAX_SAFE_INTEGER, ...sent.map(({ sentTimestamp }) => sentTimestamp));
}
