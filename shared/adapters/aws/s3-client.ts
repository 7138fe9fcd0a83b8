/**
 * The S3 client of a process: made once, with a deadline on every call. The region, credentials and
 * `AWS_ENDPOINT_URL_S3` are found by the SDK itself, which puts the bucket into the path where the endpoint is an
 * IP address, as a stand-in on this machine is.
 */
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { S3Client } from "@aws-sdk/client-s3";

/** Single-digit milliseconds are usual; a connection that takes longer than this is broken. */
const CONNECTION_TIMEOUT_MS = 1_000;
/** Of one attempt, and of silence within an answer: a batch object of 10 MiB takes about a second. */
const REQUEST_TIMEOUT_MS = 15_000;
/** The first attempt and two more; S3 answers 503 while it scales. */
const MAX_ATTEMPTS = 3;

/** What the adapters need of a client: tests put something of their own before it. */
export type S3Sender = Pick<S3Client, "send">;

/** @param config what differs from the defaults above, such as an endpoint */
export function createS3Client(config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    maxAttempts: MAX_ATTEMPTS,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...config,
  });
}
