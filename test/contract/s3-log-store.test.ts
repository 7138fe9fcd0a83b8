// The objects of the log over S3 keep the contracts of their ports, are locked as they should be, and meet what S3 answers
// when writes race or it is in trouble.
import type { S3Client } from "@aws-sdk/client-s3";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { S3Sender } from "#adapters/aws/s3-client.ts";
import type { LogLock } from "#adapters/aws/s3-log-store.ts";
import { createS3LogStore } from "#adapters/aws/s3-log-store.ts";
import { CHECKPOINT_KEY, manifestKey, segmentKey, tileKey, VERIFIER_KEY_KEY } from "#service/log-layout.ts";
import type { LogStore } from "#service/log-ports.ts";
import { archiveContract } from "#test/contract/archive.ts";
import { logStoreContract } from "#test/contract/log-store.ts";
import { withFaults } from "#test/support/faults.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

const clock = { nowMs: Date.now };

archiveContract("the store of the log over S3", async () => {
  const { client, bucket, close } = await startS3StandIn();
  return { archive: createS3LogStore({ client, bucket, clock }), close };
});

logStoreContract("the store of the log over S3", async () => {
  const { client, bucket, close } = await startS3StandIn();
  return { store: createS3LogStore({ client, bucket, clock }), close };
});

describe("the store of the log over S3", () => {
  let standIn: S3StandIn;

  beforeAll(async () => {
    standIn = await startS3StandIn();
  });

  afterAll(async () => {
    await standIn.close();
  });

  const storeWith = (client: S3Sender, lock?: LogLock): LogStore =>
    createS3LogStore({ client, bucket: standIn.bucket, clock, lock });
  const headOf = (Key: string) => standIn.client.send(new HeadObjectCommand({ Bucket: standIn.bucket, Key }));

  it.each<readonly [string, string | undefined]>([
    [tileKey("tile/0/x001/067"), "COMPLIANCE"],
    [tileKey("tile/entries/x001/067"), "COMPLIANCE"],
    [tileKey("tile/0/x001/068.p/12"), undefined],
    [tileKey("tile/entries/x001/068.p/12"), undefined],
    [segmentKey(0, 1, 2), "GOVERNANCE"],
    [manifestKey(3), "GOVERNANCE"],
    ["staging/x", undefined],
    ["batches/x", undefined],
  ])("locks %s by %s where a lock is configured", async (key, mode) => {
    const store = storeWith(standIn.client, { mode: "GOVERNANCE", days: 30 });
    const earliestMs = clock.nowMs() + 30 * 86_400_000;

    await store.putIfAbsent(key, Buffer.from("1"));

    const { ObjectLockMode: found, ObjectLockRetainUntilDate: until } = await headOf(key);
    expect(found).toBe(mode);
    if (mode === undefined) expect(until).toBeUndefined();
    else expect(Math.abs((until?.getTime() ?? 0) - earliestMs)).toBeLessThan(60_000);
  });

  it("locks lines as strictly as it is told, and nothing where no lock is configured", async () => {
    const strict = storeWith(standIn.client, { mode: "COMPLIANCE", days: 1 });

    await strict.putIfAbsent(manifestKey(1001), Buffer.from("1"));
    await storeWith(standIn.client).putIfAbsent(tileKey("tile/0/001"), Buffer.from("1"));

    expect((await headOf(manifestKey(1001))).ObjectLockMode).toBe("COMPLIANCE");
    expect((await headOf(tileKey("tile/0/001"))).ObjectLockMode).toBeUndefined();
  });

  it("takes a locked object away by a marker, and puts another in its place: a rebuild does where a seal was cut off", async () => {
    const store = storeWith(standIn.client, { mode: "COMPLIANCE", days: 1 });
    const keys = [tileKey("tile/0/002"), segmentKey(0, 512, 10), manifestKey(522)];
    for (const key of keys) await store.putIfAbsent(key, Buffer.from("unpublished"));

    await store.remove(keys);

    for (const key of keys) {
      expect(await store.get(key)).toBeUndefined();
      expect(await store.putIfAbsent(key, Buffer.from("sealed anew"))).toBe("created");
      expect(Buffer.from((await store.get(key)) ?? []).toString()).toBe("sealed anew");
    }
  });

  it("publishes checkpoint and keys as text, without a lock", async () => {
    const store = storeWith(standIn.client, { mode: "GOVERNANCE", days: 1 });

    await store.replace(CHECKPOINT_KEY, Buffer.from("1"), undefined);
    await store.putIfAbsent(VERIFIER_KEY_KEY, Buffer.from("1"));

    for (const key of [CHECKPOINT_KEY, VERIFIER_KEY_KEY]) {
      const head = await headOf(key);
      expect(head.ContentType).toBe("text/plain; charset=utf-8");
      expect(head.ObjectLockMode).toBeUndefined();
    }
  });

  it("takes a replacement under way for a change", async () => {
    const { port: client, fail } = withFaults<S3Sender>(standIn.client);
    fail("send", vendorError("ConditionalRequestConflict", 409));

    expect(await storeWith(client).replace("raced", Buffer.from("1"), undefined)).toBe("changed");
  });

  it("says that a replacement whose answer was lost may be done, and then finds it", async () => {
    const store = storeWith(losingAnswers(standIn.client));

    const replacing = store.replace("lost", Buffer.from("1"), undefined);

    await expect(replacing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    expect(await storeWith(standIn.client).replace("lost", Buffer.from("1"), undefined)).toBe("changed");
    const found = await storeWith(standIn.client).readVersion("lost");
    expect(Buffer.from(found?.bytes ?? []).toString()).toBe("1");
  });

  it.each<readonly [string, (store: LogStore) => Promise<unknown>]>([
    ["a read", (store) => store.readVersion("x")],
    ["a replacement", (store) => store.replace("x", Buffer.from("1"), undefined)],
    ["a removal", (store) => store.remove(["x"])],
  ])("says that %s can be tried again when S3 is in trouble", async (_, act) => {
    const { port: client, fail } = withFaults<S3Sender>(standIn.client);
    fail("send", vendorError("SlowDown", 503));

    await expect(act(storeWith(client))).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
  });

  it("says which object S3 did not remove", async () => {
    const client = {
      send: async () => ({ Errors: [{ Key: "kept", Code: "InternalError" }] }),
    } as unknown as S3Sender;

    const removing = storeWith(client).remove(["kept", "gone"]);

    await expect(removing).rejects.toThrow(/InternalError for 1, first kept/);
  });

  it("refuses an object without a version for good", async () => {
    const client = { send: async () => ({}) } as unknown as S3Sender;

    await expect(storeWith(client).readVersion("x")).rejects.toMatchObject({ retryable: false });
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
