/**
 * The port LogStore over S3: what is published is replaced with If-Match on its ETag, all else is put if absent, and what must
 * not go is locked as it is put. A replacement that is tried again after a lost answer can meet its own write and answer
 * `changed`: whoever reads again finds its own.
 */
import { DeleteObjectsCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import { chunksOf } from "#adapters/aws/parallel.ts";
import type { PutSettings } from "#adapters/aws/s3-archive.ts";
import { createS3Archive } from "#adapters/aws/s3-archive.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { LOG_PREFIX, MANIFEST_PREFIX, SEGMENT_PREFIX } from "#service/log-layout.ts";
import type { LogStore } from "#service/log-ports.ts";
import type { Clock } from "#service/ports.ts";

/** How long nobody may remove what was published. */
export interface LogLock {
  /** Of segments and manifests: GOVERNANCE lets those with a right of their own remove what must be erased. */
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly days: number;
}

export interface S3LogStoreOptions {
  readonly client: S3Sender;
  readonly bucket: string;
  readonly clock: Clock;
  /** @default nothing is locked */
  readonly lock?: LogLock | undefined;
}

/** Of one DeleteObjects. */
const MAX_DELETES = 1000;
const MS_PER_DAY = 86_400_000;
const TILE_PREFIX = `${LOG_PREFIX}tile/`;
/** Tiles that later ones take the place of. C2SP tlog-tiles lets them go; finding them would cost more than keeping them. */
const PARTIAL = ".p/";
const TEXT = "text/plain; charset=utf-8";

export function createS3LogStore({ client, bucket, clock, lock }: S3LogStoreOptions): LogStore {
  const settingsOf = (key: string): PutSettings => ({
    ...(isText(key) && { ContentType: TEXT }),
    ...(lock !== undefined && lockOf(key, lock, clock.nowMs())),
  });

  const readVersion: LogStore["readVersion"] = async (key) => {
    try {
      const { Body: body, ETag: version } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key }),
      );
      if (version === undefined)
        throw new AuditStorageError("storage-unavailable", `object ${key} has no ETag`);
      return { bytes: (await body?.transformToByteArray()) ?? new Uint8Array(), version };
    } catch (cause) {
      if (isVendorError(cause, "NoSuchKey")) return undefined;
      throw storageError(`reading object ${key}`, cause);
    }
  };

  const replace: LogStore["replace"] = async (key, bytes, version) => {
    const put = {
      Bucket: bucket,
      Key: key,
      Body: bytes,
      ...(isText(key) && { ContentType: TEXT }),
      ...(version === undefined ? { IfNoneMatch: "*" } : { IfMatch: version }),
    };
    try {
      await client.send(new PutObjectCommand(put));
      return "replaced";
    } catch (cause) {
      // The third: the object has gone, and with it the version.
      if (isVendorError(cause, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"))
        return "changed";
      throw storageError(`replacing object ${key}`, cause);
    }
  };

  const remove: LogStore["remove"] = async (keys) => {
    for (const part of chunksOf(keys, MAX_DELETES)) {
      const what = `the removal of ${part.length} objects`;
      const objects = { Quiet: true, Objects: part.map((Key) => ({ Key })) };
      let failed;
      try {
        const answer = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: objects }));
        failed = answer.Errors ?? [];
      } catch (cause) {
        throw storageError(what, cause);
      }
      const [first] = failed;
      if (first !== undefined) {
        const message = `${what} was answered by ${first.Code ?? "an error"} for ${failed.length}, first ${first.Key ?? ""}`;
        throw new AuditStorageError("storage-unavailable", message, { retryable: true });
      }
    }
  };

  return { ...createS3Archive({ client, bucket, settingsOf }), readVersion, replace, remove };
}

/** The checkpoint and the keys. */
function isText(key: string): boolean {
  return key.startsWith(LOG_PREFIX) && !key.startsWith(TILE_PREFIX);
}

/** Tiles and bundles are hashes and are never erased; lines may have to be. */
function lockOf(key: string, { mode, days }: LogLock, nowMs: number): PutSettings {
  const until = { ObjectLockRetainUntilDate: new Date(nowMs + days * MS_PER_DAY) };
  if (key.startsWith(TILE_PREFIX) && !key.includes(PARTIAL))
    return { ObjectLockMode: "COMPLIANCE", ...until };
  const holdsLines = key.startsWith(SEGMENT_PREFIX) || key.startsWith(MANIFEST_PREFIX);
  return holdsLines ? { ObjectLockMode: mode, ...until } : {};
}
