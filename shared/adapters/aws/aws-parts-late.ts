/**
 * What the inventory asks of queues: dead letters, and messages that nobody took for too long. How old the oldest message
 * is SQS tells to CloudWatch alone, which has its price: it is asked only of queues that hold something, so that idle days
 * cost nothing.
 */
import * as z from "zod";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { AllQueueUrls, PartOptions, QueueUrls } from "#adapters/aws/aws-parts.ts";
import { createHeldCount, domainOf, expectOk } from "#adapters/aws/aws-parts.ts";
import { createSignedRequest } from "#adapters/aws/aws-parts-request.ts";
import type { Clock } from "#service/ports.ts";
import type { Sleep } from "#service/waiting.ts";

export interface LateMessagesOptions extends Pick<PartOptions, "region" | "credentials"> {
  /** Where SQS is. @default AWS's own */
  readonly queueEndpoint?: string | undefined;
  /** Where CloudWatch is. @default AWS's own */
  readonly metricsEndpoint?: string | undefined;
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly telemetry: LateTelemetry;
}

export interface LateTelemetry {
  readonly warn: (message: string, fields: { readonly error: string }) => void;
}

/** Messages are with a consumer within seconds; five minutes are a failure. */
const LATE_AFTER_S = 300;
/** Numbers are of single minutes, and come a few minutes later. */
const PERIOD_S = 60;
const LOOK_BACK_S = 600;
const TIMEOUT_MS = 5_000;
const MAX_TRIES = 3;
const PAUSE_MS = 200;

const Metrics = z.object({
  MetricDataResults: z.array(
    z.object({
      Id: z.string(),
      StatusCode: z.enum(["Complete", "PartialData"]),
      /** The newest first. */
      Values: z.array(z.number()),
    }),
  ),
});

/**
 * Counts the messages of both queues that have waited for more than 5 minutes, at most: where the oldest one has, all that
 * its queue holds count. A queue of which CloudWatch has no number has none. SQS leaves out messages that were received
 * more than three times: those are seen among the dead letters, in the end.
 * The function never rejects; undefined where it cannot be told now, which is logged.
 */
export function createLateMessages(
  { queueUrl, intakeUrl }: QueueUrls,
  options: LateMessagesOptions,
): () => Promise<number | undefined> {
  const { region, credentials, sleep, telemetry } = options;
  const countHeld = createHeldCount({ region, credentials, endpoint: options.queueEndpoint });
  const readAges = createAges(options);
  const count = async (): Promise<number> => {
    const counts = await Promise.all(
      [queueUrl, intakeUrl].map(async (url) => ({ url, held: await tried(() => countHeld(url), sleep) })),
    );
    const holding = counts.filter(({ held }) => held > 0);
    if (holding.length === 0) return 0;
    const ages = await tried(() => readAges(holding.map(({ url }) => url)), sleep);
    return holding.reduce((sum, { held }, at) => sum + ((ages[at] ?? 0) > LATE_AFTER_S ? held : 0), 0);
  };
  return () =>
    count().catch((cause: unknown) => {
      const { message: error } = storageError("the count of late messages", cause);
      telemetry.warn("late messages could not be counted", { error });
      return undefined;
    });
}

/**
 * Counts messages in both dead-letter queues: waiting, delayed, or with somebody who looks at them.
 * The function throws AuditStorageError `storage-unavailable` (retryable).
 */
export function createDeadLetterCount(
  { queueDlqUrl, intakeDlqUrl }: Pick<AllQueueUrls, "queueDlqUrl" | "intakeDlqUrl">,
  { region, credentials, queueEndpoint, sleep }: Omit<LateMessagesOptions, "clock" | "telemetry">,
): () => Promise<number> {
  const countHeld = createHeldCount({ region, credentials, endpoint: queueEndpoint });
  return async () => {
    const counts = await Promise.all(
      [queueDlqUrl, intakeDlqUrl].map((url) => tried(() => countHeld(url), sleep)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
}

/** Seconds that the oldest message of each queue has waited, by the newest number that CloudWatch has. */
function createAges({
  region,
  credentials,
  metricsEndpoint,
  clock,
}: LateMessagesOptions): (queueUrls: readonly string[]) => Promise<readonly (number | undefined)[]> {
  const request = createSignedRequest({ service: "monitoring", region, credentials, timeoutMs: TIMEOUT_MS });
  const url = new URL(metricsEndpoint ?? `https://monitoring.${region}.${domainOf(region)}/`);
  return async (queueUrls) => {
    const what = "the age of messages";
    const nowS = Math.floor(clock.nowMs() / 1000);
    try {
      const answer = await request({
        method: "POST",
        url,
        headers: {
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": "GraniteServiceVersion20100801.GetMetricData",
        },
        body: JSON.stringify({
          StartTime: nowS - LOOK_BACK_S,
          EndTime: nowS,
          ScanBy: "TimestampDescending",
          MetricDataQueries: queueUrls.map((queueUrl, at) => ({
            Id: `age${at}`,
            MetricStat: ageOf(queueUrl),
          })),
        }),
      });
      expectOk(answer, what);
      const { MetricDataResults: results } = Metrics.parse(JSON.parse(answer.body.toString()));
      return queueUrls.map((_, at) => results.find(({ Id }) => Id === `age${at}`)?.Values[0]);
    } catch (cause) {
      throw storageError(what, cause);
    }
  };
}

function ageOf(queueUrl: string): object {
  const name = new URL(queueUrl).pathname.split("/").at(-1);
  return {
    Metric: {
      Namespace: "AWS/SQS",
      MetricName: "ApproximateAgeOfOldestMessage",
      Dimensions: [{ Name: "QueueName", Value: name }],
    },
    Period: PERIOD_S,
    Stat: "Maximum",
  };
}

async function tried<T>(ask: () => Promise<T>, sleep: Sleep): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (cause) {
      if (tries === MAX_TRIES) throw cause;
    }
    await sleep(PAUSE_MS);
  }
}
