/** A log in a bucket, as the verifier reads it: with the credentials and the region of the AWS SDK. */
import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, S3ServiceException } from "@aws-sdk/client-s3";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { UndecidedError } from "#verify/finding.ts";
import type { LogSource } from "#verify/log-source.ts";

const PARALLEL = 32;

/** @param prefix of all keys, with or without a slash at its end */
export function createBucketSource(
  bucket: string,
  prefix: string,
  client: S3Sender = createS3Client(),
): LogSource {
  const before = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  const undecided = (what: string, cause: unknown): UndecidedError =>
    new UndecidedError(`s3://${bucket}/${what} cannot be read: ${reasonOf(cause)}`, cause);

  const get = async (key: string): Promise<GetObjectCommandOutput | undefined> => {
    try {
      return await client.send(new GetObjectCommand({ Bucket: bucket, Key: before + key }));
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw undecided(key, error);
    }
  };

  return {
    name: `s3://${bucket}/${prefix}`,
    parallel: PARALLEL,
    read: async (key, maxBytes) => {
      const answer = await get(key);
      if (answer === undefined) return undefined;
      const parts: Uint8Array[] = [];
      let bytes = 0;
      try {
        for await (const part of bodyOf(answer)) {
          bytes += part.length;
          if (bytes > maxBytes) throw new UndecidedError(`${key} is more than ${maxBytes} bytes`);
          parts.push(part);
        }
      } catch (error) {
        throw error instanceof UndecidedError ? error : undecided(key, error);
      }
      return Buffer.concat(parts);
    },
    list: async (below) => {
      const found: string[] = [];
      let token: string | undefined;
      do {
        const command = new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: before + below,
          ContinuationToken: token,
        });
        const page = await client.send(command).catch((error: unknown) => {
          throw undecided(below, error);
        });
        for (const { Key } of page.Contents ?? []) {
          if (Key !== undefined) found.push(Key.slice(before.length));
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return found;
    },
    open: async function* open(key) {
      const answer = await get(key);
      if (answer?.Body === undefined) throw new UndecidedError(`${key} is gone`);
      yield* bodyOf(answer);
    },
  };
}

function bodyOf({ Body }: GetObjectCommandOutput): AsyncIterable<Uint8Array> {
  // cast: in Node the body is a readable stream of bytes
  return Body as unknown as AsyncIterable<Uint8Array>;
}

function reasonOf(error: unknown): string {
  if (error instanceof S3ServiceException) return `${error.name}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
