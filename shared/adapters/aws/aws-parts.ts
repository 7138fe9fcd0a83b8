/**
 * The parts that fail apart on AWS, as health and flush see them: whether queues and archive really answer, and what the
 * queues hold. Asked by single requests, so that functions that do nothing else with them need no client of theirs.
 */
import * as z from "zod";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { ServiceAnswer, SignedRequest, SignedRequestOptions } from "#adapters/aws/aws-parts-request.ts";
import { createSignedRequest } from "#adapters/aws/aws-parts-request.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { StoreHealth } from "#service/ports.ts";

/** The queues of a deployment, by their URLs. */
export interface QueueUrls {
  readonly queueUrl: string;
  readonly intakeUrl: string;
}

export interface AllQueueUrls extends QueueUrls {
  readonly queueDlqUrl: string;
  readonly intakeDlqUrl: string;
}

export interface PartOptions extends Pick<SignedRequestOptions, "region" | "credentials"> {
  /** Where the service is. @default AWS's own of the region */
  readonly endpoint?: string | undefined;
}

/** One sum is asked for at a time, of few queues. */
const WAITING = ["ApproximateNumberOfMessages"] as const;
const HELD = [
  ...WAITING,
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

const QueueAttributes = z.object({ Attributes: z.record(z.string(), z.string()) });

/**
 * Whether both queues report that they hold nothing: no message that waits, is delayed, or is with a consumer.
 * The function throws AuditStorageError `storage-unavailable` (retryable).
 */
export function createQueuesEmpty(
  { queueUrl, intakeUrl }: QueueUrls,
  options: PartOptions,
): () => Promise<boolean> {
  const countHeld = createHeldCount(options);
  return async () => {
    const counts = await Promise.all([queueUrl, intakeUrl].map(countHeld));
    return counts.every((held) => held === 0);
  };
}

/** Counts what waits in the queues; dead letters make it `degraded`. Never rejects. */
export function createQueueProbe(urls: AllQueueUrls, options: PartOptions): () => Promise<StoreHealth> {
  const count = createCount(options);
  return async () => {
    try {
      const [lines = 0, intake = 0, linesDead = 0, intakeDead = 0] = await Promise.all(
        [urls.queueUrl, urls.intakeUrl, urls.queueDlqUrl, urls.intakeDlqUrl].map((url) =>
          count(url, WAITING),
        ),
      );
      const dead = linesDead + intakeDead;
      return {
        status: dead === 0 ? "healthy" : "degraded",
        problems: dead === 0 ? [] : [`${dead} messages have failed for good and wait among the dead letters`],
        details: { lines, intake, lines_dead_letters: linesDead, intake_dead_letters: intakeDead },
      };
    } catch (cause) {
      return unhealthy("the count of messages", cause);
    }
  };
}

/** Asks the bucket for nothing but itself. Never rejects. */
export function createArchiveProbe(bucket: string, options: PartOptions): () => Promise<StoreHealth> {
  const request = createSignedRequest({ service: "s3", ...options });
  const url = bucketUrl(bucket, options);
  return async () => {
    try {
      expectOk(await request({ method: "HEAD", url }), "the bucket");
      return { status: "healthy", problems: [], details: {} };
    } catch (cause) {
      return unhealthy("the bucket", cause);
    }
  };
}

/**
 * Counts what one queue holds: messages that wait, are delayed, or are with a consumer.
 * The function throws AuditStorageError `storage-unavailable` (retryable).
 */
export function createHeldCount(options: PartOptions): (queueUrl: string) => Promise<number> {
  const count = createCount(options);
  return (queueUrl) => count(queueUrl, HELD);
}

type Count = (queueUrl: string, attributes: readonly string[]) => Promise<number>;

function createCount({ endpoint, ...options }: PartOptions): Count {
  const request: SignedRequest = createSignedRequest({ service: "sqs", ...options });
  return async (queueUrl, attributes) => {
    const what = "the count of messages";
    try {
      const answer = await request({
        method: "POST",
        url: new URL("/", endpoint ?? queueUrl),
        headers: {
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": "AmazonSQS.GetQueueAttributes",
        },
        body: JSON.stringify({ QueueUrl: queueUrl, AttributeNames: attributes }),
      });
      expectOk(answer, what);
      const { Attributes: found } = QueueAttributes.parse(JSON.parse(answer.body.toString()));
      return attributes.reduce((sum, name) => sum + Number(found[name] ?? 0), 0);
    } catch (cause) {
      throw storageError(what, cause);
    }
  };
}

/** @throws AuditStorageError `storage-unavailable` (retryable) where the answer is any but 200 */
export function expectOk({ status }: ServiceAnswer, what: string): void {
  if (status === 200) return;
  throw new AuditStorageError("storage-unavailable", `${what} was answered by ${status}`, {
    retryable: true,
  });
}

function unhealthy(what: string, cause: unknown): StoreHealth {
  return { status: "unhealthy", problems: [storageError(what, cause).message], details: {} };
}

/** Without a path, or below an endpoint the path of the bucket. */
export function bucketUrl(bucket: string, { region, endpoint }: PartOptions): URL {
  return endpoint === undefined
    ? new URL(`https://${bucket}.s3.${region}.${domainOf(region)}/`)
    : new URL(`${endpoint.replace(/\/$/, "")}/${bucket}`);
}

/** China has a domain of its own. */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}
