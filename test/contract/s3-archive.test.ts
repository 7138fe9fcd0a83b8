// The archive over S3 keeps the contract of Archive on a stand-in whose conditional writes hold, and meets the answers
// that S3 gives when writes race, or when it is in trouble.
import type { S3Client } from "@aws-sdk/client-s3";
import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createS3Archive } from "#adapters/aws/s3-archive.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { archiveContract } from "#test/contract/archive.ts";
import { withFaults } from "#test/support/faults.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

archiveContract("the archive over S3", async () => {
  const { client, bucket, close } = await startS3StandIn();
  return { archive: createS3Archive({ client, bucket }), close };
});

describe("the archive over S3", () => {
  let standIn: S3StandIn;

  beforeAll(async () => {
    standIn = await startS3StandIn();
  });

  afterAll(async () => {
    await standIn.close();
  });

  const faulty = () => {
    const { port: client, fail, calls } = withFaults<S3Sender>(standIn.client);
    return { archive: createS3Archive({ client, bucket: standIn.bucket }), fail, calls };
  };

  it("tries again when another write was under way", async () => {
    const { archive, fail, calls } = faulty();
    fail("send", vendorError("ConditionalRequestConflict", 409), 2);

    const outcome = await archive.putIfAbsent("raced", Buffer.from("1"));

    expect(outcome).toBe("created");
    expect(calls("send")).toBe(3);
  });

  it("gives up when other writes are always under way", async () => {
    const { archive, fail, calls } = faulty();
    fail("send", vendorError("ConditionalRequestConflict", 409), 100);

    const putting = archive.putIfAbsent("always raced", Buffer.from("1"));

    await expect(putting).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    expect(calls("send")).toBe(5);
  });

  it("finds its own object when the answer to its write was lost", async () => {
    const { archive } = faulty();
    const lost = createS3Archive({ client: losingAnswers(standIn.client), bucket: standIn.bucket });

    const putting = lost.putIfAbsent("lost", Buffer.from("1"));

    await expect(putting).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    expect(await archive.putIfAbsent("lost", Buffer.from("1"))).toBe("exists");
    expect(Buffer.from((await archive.get("lost")) ?? []).toString()).toBe("1");
  });

  it("makes one version of an object, however often it is put", async () => {
    const { archive } = faulty();

    for (let times = 0; times < 3; times++) await archive.putIfAbsent("once", Buffer.from(`${times}`));

    const { Versions } = await standIn.client.send(
      new ListObjectVersionsCommand({ Bucket: standIn.bucket, Prefix: "once" }),
    );
    expect(Versions).toHaveLength(1);
  });

  it.each([
    ["a write", async ({ archive }: ReturnType<typeof faulty>) => archive.putIfAbsent("x", Buffer.from("1"))],
    ["a read", async ({ archive }: ReturnType<typeof faulty>) => archive.get("x")],
    ["a list", async ({ archive }: ReturnType<typeof faulty>) => Array.fromAsync(archive.list("x"))],
  ])("says that %s can be tried again when S3 is in trouble", async (_, act) => {
    const subject = faulty();
    subject.fail("send", vendorError("SlowDown", 503));

    await expect(act(subject)).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
  });

  it("refuses a list that S3 cuts off without saying where it goes on", async () => {
    const client = { send: async () => ({ IsTruncated: true, Contents: [] }) } as unknown as S3Sender;
    const archive = createS3Archive({ client, bucket: standIn.bucket });

    const listing = Array.fromAsync(archive.list("batches/"));

    await expect(listing).rejects.toMatchObject({ code: "storage-unavailable" });
  });
});

/** An error as the SDK throws it. */
function vendorError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error("made to fail"), { name, $metadata: { httpStatusCode } });
}

/** A client whose calls work and whose answers never arrive. */
function losingAnswers(client: S3Client): S3Sender {
  const send = async (...args: unknown[]): Promise<never> => {
    await (client.send as (...given: unknown[]) => Promise<unknown>).apply(client, args);
    throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  };
  return { send } as S3Sender;
}
