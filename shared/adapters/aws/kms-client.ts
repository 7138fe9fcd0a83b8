/** The KMS client of a process. `AWS_ENDPOINT_URL_KMS` is honoured. */
import type { KMSClientConfig } from "@aws-sdk/client-kms";
import { KMSClient } from "@aws-sdk/client-kms";
import { clientSettings } from "#adapters/aws/client-settings.ts";

/** A signature takes tens of milliseconds. */
const REQUEST_TIMEOUT_MS = 3_000;

/** What the adapters need of a client: tests put something of their own before it. */
export type KmsSender = Pick<KMSClient, "send">;

/** @param config what differs from the common settings, such as an endpoint */
export function createKmsClient(config: KMSClientConfig = {}): KMSClient {
  return new KMSClient({ ...clientSettings(REQUEST_TIMEOUT_MS), ...config });
}
