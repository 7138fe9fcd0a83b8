/** The stand-in for S3, started for a test file, with a bucket and a client that talks to it. */
import type { S3Client } from "@aws-sdk/client-s3";
import { CreateBucketCommand, PutBucketVersioningCommand } from "@aws-sdk/client-s3";

import { createS3Client } from "#adapters/aws/s3-client.ts";
import { startS3Server } from "#infra/emulated/s3-server.ts";

export interface S3StandIn {
  readonly url: string;
  readonly bucket: string;
  readonly client: S3Client;
  readonly close: () => Promise<void>;
}

export const STAND_IN_CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };
const BUCKET = "archive";

/** Starts it with one versioned bucket. */
export async function startS3StandIn(): Promise<S3StandIn> {
  const server = await startS3Server();
  const client = createS3Client({
    region: "us-east-1",
    endpoint: server.url,
    credentials: STAND_IN_CREDENTIALS,
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const versioning = { Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } } as const;
  await client.send(new PutBucketVersioningCommand(versioning));
  return {
    url: server.url,
    bucket: BUCKET,
    client,
    close: async () => {
      client.destroy();
      await server.close();
    },
  };
}
