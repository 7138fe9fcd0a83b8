/**
 * The port Archive over S3. Objects are written with If-None-Match, so what is stored is never replaced whoever else
 * writes; S3 checks the CRC of what it receives, and the client the CRC of what it reads.
 */
import type { ListObjectsV2CommandOutput, PutObjectCommandInput } from "@aws-sdk/client-s3";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { Archive, ArchivedObject } from "#service/ports.ts";

export interface S3ArchiveOptions {
  readonly client: S3Sender;
  readonly bucket: string;
  /** What objects are stored with beside their content, by key. @default a type by the end of the key */
  readonly settingsOf?: (key: string) => PutSettings;
}

export type PutSettings = Pick<
  PutObjectCommandInput,
  "ContentType" | "ObjectLockMode" | "ObjectLockRetainUntilDate"
>;

/** Tries of a write that met another one under way; each takes a round trip, and one of those writes has succeeded. */
const MAX_TRIES = 5;

export function createS3Archive(options: S3ArchiveOptions): Archive {
  const { client, bucket } = options;
  return {
    putIfAbsent: (key, bytes) => putIfAbsent(options, key, bytes),
    get: async (key) => {
      try {
        const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return body === undefined ? new Uint8Array() : await body.transformToByteArray();
      } catch (cause) {
        if (isVendorError(cause, "NoSuchKey")) return undefined;
        throw storageError(`reading object ${key}`, cause);
      }
    },
    list: (prefix, after) => list(options, prefix, after),
  };
}

async function putIfAbsent(
  { client, bucket, settingsOf }: S3ArchiveOptions,
  key: string,
  bytes: Uint8Array,
): Promise<"created" | "exists"> {
  const put = {
    Bucket: bucket,
    Key: key,
    Body: bytes,
    IfNoneMatch: "*",
    ContentType: contentTypeOf(key),
    ...settingsOf?.(key),
  };
  let conflict: unknown;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      await client.send(new PutObjectCommand(put));
      return "created";
    } catch (cause) {
      if (isVendorError(cause, "PreconditionFailed")) return "exists";
      if (!isVendorError(cause, "ConditionalRequestConflict"))
        throw storageError(`writing object ${key}`, cause);
      conflict = cause;
    }
  }
  throw storageError(`writing object ${key}`, conflict);
}

async function* list(
  { client, bucket }: S3ArchiveOptions,
  prefix: string,
  after: string | undefined,
): AsyncIterable<ArchivedObject> {
  let token: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await listPage(
      client,
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(after !== undefined && after !== "" && { StartAfter: after }),
        ...(token !== undefined && { ContinuationToken: token }),
      }),
    );
    for (const { Key: key, Size: bytes, LastModified: modified } of page.Contents ?? []) {
      if (key === undefined) continue;
      yield { key, bytes: bytes ?? 0, modifiedMs: modified?.getTime() ?? 0 };
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (page.IsTruncated === true && token === undefined)
      throw new AuditStorageError("storage-unavailable", `the list of ${prefix} was cut off by S3`, {
        retryable: true,
      });
  } while (token !== undefined);
}

async function listPage(
  client: S3Sender,
  command: ListObjectsV2Command,
): Promise<ListObjectsV2CommandOutput> {
  try {
    return await client.send(command);
  } catch (cause) {
    throw storageError(`the list of ${command.input.Prefix ?? ""}`, cause);
  }
}

function contentTypeOf(key: string): string {
  if (key.endsWith(".json")) return "application/json";
  return key.endsWith(".gz") ? "application/gzip" : "application/octet-stream";
}
