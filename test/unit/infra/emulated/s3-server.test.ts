// The stand-in for S3, spoken to by Amazon's own client: what the service rests on must be as strict here as there.
import type { ListObjectsV2CommandOutput, S3Client } from "@aws-sdk/client-s3";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from "@aws-sdk/client-s3";
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

let standIn: S3StandIn;
let client: S3Client;
let Bucket: string;

beforeAll(async () => {
  standIn = await startS3StandIn();
  client = standIn.client;
  Bucket = standIn.bucket;
});

afterAll(async () => {
  await standIn.close();
});

async function put(Key: string, text: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) {
  return client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(text), ...condition }));
}

async function read(Key: string, options: { Range?: string; VersionId?: string } = {}): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...options }));
  return (await Body?.transformToString()) ?? "";
}

describe("a conditional write", () => {
  it("creates an object once, however many race", async () => {
    const racing = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => put("race", `writer ${index}`, { IfNoneMatch: "*" })),
    );

    const winners = racing.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
    const losers = racing.flatMap((result) =>
      result.status === "rejected" ? [result.reason as unknown] : [],
    );
    expect(winners).toHaveLength(1);
    expect(losers).toEqual(
      Array.from({ length: 19 }, () => expect.objectContaining({ name: "PreconditionFailed" }) as unknown),
    );
    expect(await read("race")).toBe(`writer ${winners[0]}`);
  });

  it("replaces only the object that its ETag names", async () => {
    const first = await put("swap", "1");

    await put("swap", "2", { IfMatch: first.ETag ?? "" });

    await expect(put("swap", "3", { IfMatch: first.ETag ?? "" })).rejects.toMatchObject({
      name: "PreconditionFailed",
      $metadata: { httpStatusCode: 412 },
    });
    await expect(put("none", "1", { IfMatch: first.ETag ?? "" })).rejects.toMatchObject({
      name: "NoSuchKey",
    });
    expect(await read("swap")).toBe("2");
  });

  it("is answered 409 where the object is deleted meanwhile", async () => {
    await put("deleted", "1");
    const writing = slowPut("deleted", { "if-none-match": "*" });
    await writing.isUnderWay;

    await client.send(new DeleteObjectCommand({ Bucket, Key: "deleted" }));
    writing.finish();

    expect(await writing.status).toBe(409);
  });
});

describe("a locked object", () => {
  const lock = {
    ObjectLockMode: "COMPLIANCE" as const,
    ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
  };

  it("says so, and is hidden but not removed before its time", async () => {
    const locking = new PutObjectCommand({ Bucket, Key: "locked", Body: Buffer.from("1"), ...lock });
    const { VersionId = "" } = await client.send(locking);
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "locked" }));

    const removing = client.send(new DeleteObjectCommand({ Bucket, Key: "locked", VersionId }));

    await expect(removing).rejects.toMatchObject({ name: "AccessDenied" });
    await client.send(new DeleteObjectCommand({ Bucket, Key: "locked" }));
    expect(head).toMatchObject(lock);
    await expect(read("locked")).rejects.toMatchObject({ name: "NoSuchKey" });
    expect(await read("locked", { VersionId })).toBe("1");
  });

  it.each([
    { ObjectLockMode: "COMPLIANCE" as const },
    { ObjectLockRetainUntilDate: lock.ObjectLockRetainUntilDate },
    { ...lock, ObjectLockRetainUntilDate: new Date(0) },
  ])("is refused with %j", async (part) => {
    const putting = client.send(new PutObjectCommand({ Bucket, Key: "unlocked", Body: "1", ...part }));

    await expect(putting).rejects.toMatchObject({ name: "InvalidArgument" });
  });
});

describe("many objects", () => {
  it("are removed by one call, whatever they are called, and those that are gone are passed over", async () => {
    const keys = ["many/a & b", "many/<c> 'é' 漢", "many/\u0001"];
    for (const key of keys) await put(key, "1");

    const { Deleted } = await client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [...keys, "many/gone"].map((Key) => ({ Key })) },
      }),
    );

    expect(Deleted?.map(({ Key }) => Key)).toEqual([...keys, "many/gone"]);
    for (const key of keys) await expect(read(key)).rejects.toMatchObject({ name: "NoSuchKey" });
  });
});

describe("an object", () => {
  it("is not sent again to who has it", async () => {
    const { ETag = "" } = await put("known", "1");

    const again = client.send(new GetObjectCommand({ Bucket, Key: "known", IfNoneMatch: ETag }));

    await expect(again).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    const other = await client.send(new GetObjectCommand({ Bucket, Key: "known", IfNoneMatch: '"x"' }));
    expect(await other.Body?.transformToString()).toBe("1");
  });

  it("is given back whole, in part, and by what it is called", async () => {
    const key = "batches/dt=2026-03-01/a & b <c> 'é' 漢.jsonl";
    await put(key, "0123456789");

    expect(await read(key)).toBe("0123456789");
    expect(await read(key, { Range: "bytes=2-4" })).toBe("234");
    expect(await read(key, { Range: "bytes=7-" })).toBe("789");
    expect(await read(key, { Range: "bytes=-2" })).toBe("89");
    await expect(read(key, { Range: "bytes=10-" })).rejects.toMatchObject({ name: "InvalidRange" });
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: key }));
    expect(head.ContentLength).toBe(10);
  });

  it("that is not there is a NoSuchKey", async () => {
    await expect(read("nothing")).rejects.toMatchObject({ name: "NoSuchKey" });
    await expect(client.send(new HeadObjectCommand({ Bucket, Key: "nothing" }))).rejects.toMatchObject({
      name: "NotFound",
    });
  });

  it("keeps its versions when it is overwritten and deleted", async () => {
    const first = await put("versions", "1");
    await put("versions", "2");

    await client.send(new DeleteObjectCommand({ Bucket, Key: "versions" }));

    await expect(read("versions")).rejects.toMatchObject({ name: "NoSuchKey" });
    expect(await read("versions", { VersionId: first.VersionId ?? "" })).toBe("1");
    await expect(read("versions", { VersionId: "unknown" })).rejects.toMatchObject({ name: "NoSuchVersion" });
    const { Versions, DeleteMarkers } = await client.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: "versions" }),
    );
    expect(Versions).toHaveLength(2);
    expect(DeleteMarkers).toMatchObject([{ Key: "versions", IsLatest: true }]);
  });

  it("whose checksum is wrong is refused", async () => {
    const sending = client.send(
      new PutObjectCommand({ Bucket, Key: "damaged", Body: Buffer.from("x"), ChecksumCRC32: "AAAAAA==" }),
    );

    await expect(sending).rejects.toMatchObject({ name: "BadDigest" });
  });
});

describe("a listing", () => {
  it("is by UTF-8 bytes, from behind a key, in pages", async () => {
    const names = ["list/\u{1f600}", "list/\uffee", "list/a", "list/B", "list/&<\">'", "list/é", "other"];
    for (const name of names) await put(name, name);

    const keys: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await client.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: "list/",
          StartAfter: "list/B",
          MaxKeys: 2,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ""));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);

    expect(keys).toEqual(["list/a", "list/é", "list/\uffee", "list/\u{1f600}"]);
  });
});

describe("what it does not know", () => {
  it.each([
    [
      "an operation",
      () => new PutObjectTaggingCommand({ Bucket, Key: "x", Tagging: { TagSet: [] } }),
      "tagging",
    ],
    ["a header", () => new CopyObjectCommand({ Bucket, Key: "x", CopySource: "y/z" }), "x-amz-copy-source"],
    ["a parameter", () => new ListObjectsV2Command({ Bucket, Delimiter: "/" }), "delimiter"],
  ])("such as %s is answered 501 by name", async (_, command, name) => {
    const sending = client.send(command() as PutObjectTaggingCommand);

    await expect(sending).rejects.toMatchObject({
      name: "NotImplemented",
      message: expect.stringContaining(name) as unknown,
    });
  });
});

/** A PUT whose body ends only when it is told to. */
function slowPut(key: string, headers: Record<string, string>) {
  const request = httpRequest(`${standIn.url}/${Bucket}/${key}`, {
    method: "PUT",
    headers: { ...headers, expect: "100-continue" },
  });
  const isUnderWay = new Promise<void>((resolve) => {
    request.once("continue", () => resolve());
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    request.once("response", (response) => resolve(response.resume().statusCode));
    request.once("error", reject);
  });
  request.flushHeaders();
  return { isUnderWay, status, finish: () => request.end("late") };
}
