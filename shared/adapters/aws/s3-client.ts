/**
 * The S3 client of a process. `AWS_ENDPOINT_URL_S3` is honoured; the SDK puts the bucket into the path where the endpoint is
 * an IP address, as a stand-in on this machine is.
 */
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { S3Client } from "@aws-sdk/client-s3";
import { clientSettings } from "#adapters/aws/client-settings.ts";

/** A batch object of 10 MiB takes about a second. */
const REQUEST_TIMEOUT_MS = 15_000;

/** What the adapters need of a client: tests put something of their own before it. */
export type S3Sender = Pick<S3Client, "send">;

/** @param config what differs from the common settings, such as an endpoint */
export function createS3Client(config: S3ClientConfig = {}): S3Client {
  return new S3Client({ ...clientSettings(REQUEST_TIMEOUT_MS), ...config });
}
