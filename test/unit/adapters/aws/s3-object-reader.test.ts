// Reading objects by signed requests, on the stand-in and on servers that answer as S3 does in trouble.
import type { RequestListener } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";

import type { ObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { createObjectReader } from "#adapters/aws/s3-object-reader.ts";
import { fastTiming } from "#test/support/dynamodb-faults.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { STAND_IN_CREDENTIALS, startS3StandIn } from "#test/support/s3-stand-in.ts";

const OPTIONS = { region: "us-east-1", credentials: STAND_IN_CREDENTIALS, timing: fastTiming() };
/** crc32 of "1", big-endian, base64. */
const CRC_OF_1 = "g9zvtw==";

let standIn: S3StandIn;

beforeAll(async () => {
  standIn = await startS3StandIn();
});

afterAll(async () => {
  await standIn.close();
});

async function put(Key: string, text: string): Promise<string> {
  const request = new PutObjectCommand({ Bucket: standIn.bucket, Key, Body: Buffer.from(text) });
  return (await standIn.client.send(request)).ETag ?? "";
}

function reader(bucket: string = standIn.bucket): ObjectReader {
  return createObjectReader(bucket, { ...OPTIONS, endpoint: standIn.url });
}

/** A reader of a server of its own. */
async function readerOf(listener: RequestListener): Promise<ObjectReader> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return createObjectReader("bucket", { ...OPTIONS, endpoint: `http://127.0.0.1:${port}/` });
}

describe("reading an object", () => {
  it.each([
    "segments/v1/dt=2026-03-01/hh=12/0000000000000000-3.jsonl.gz",
    "log/tile/0/x001/067.p/12",
    "a b!'(c)*é",
  ])("gives its exact bytes, under %s", async (key) => {
    const etag = await put(key, "bytes \u0000 é");

    expect(Buffer.from((await reader().get(key)) ?? []).toString()).toBe("bytes \u0000 é");
    expect(await reader().getVersion(key)).toMatchObject({ etag });
  });

  it("is undefined where there is none, and an error where there is no bucket", async () => {
    expect(await reader().get("none")).toBeUndefined();
    expect(await reader().getUnless("none", '"x"')).toBeUndefined();
    await expect(reader("no-bucket").get("none")).rejects.toThrow("was answered by 404 NoSuchBucket");
  });

  it("is known while it has the version that the caller has", async () => {
    const etag = await put("versions", "1");

    const known = await reader().getUnless("versions", etag);
    await put("versions", "2");
    const changed = await reader().getUnless("versions", etag);

    expect(known).toBe("known");
    expect(changed).toMatchObject({ bytes: Buffer.from("2") });
  });

  it("tries again when S3 is in trouble, and when the connection was closed meanwhile", async () => {
    let calls = 0;
    const own = await readerOf((request, response) => {
      calls++;
      if (calls === 1) response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
      else if (calls === 2) request.socket.destroy();
      else response.writeHead(200, { etag: '"e"', "x-amz-checksum-crc32": CRC_OF_1 }).end("1");
    });

    const found = await own.getVersion("x");

    expect(found).toEqual({ bytes: Buffer.from("1"), etag: '"e"' });
    expect(calls).toBe(3);
  });

  it.each<readonly [string, RequestListener, RegExp]>([
    ["trouble", (_, response) => response.writeHead(503).end("<Code>SlowDown</Code>"), /503 SlowDown/],
    ["silence", (request) => request.socket.destroy(), /was answered by/],
    [
      "a refusal",
      (_, response) => response.writeHead(403).end("<Code>AccessDenied</Code>"),
      /403 AccessDenied/,
    ],
  ])("ends with a retryable error after %s", async (_, listener, problem) => {
    const own = await readerOf(listener);

    const reading = own.get("x");

    await expect(reading).rejects.toThrow(problem);
    await expect(reading).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
  });

  it("hands on no bytes whose checksum is another", async () => {
    const own = await readerOf((_, response) => {
      response.writeHead(200, { "x-amz-checksum-crc32": CRC_OF_1 }).end("2");
    });

    await expect(own.get("x")).rejects.toThrow(/not what was stored/);
  });
});

describe("listing keys", () => {
  it("gives those behind a key, ascending, as many as asked for", async () => {
    for (const number of [3, 1, 2, 4]) await put(`manifests/000${number}.json`, "1");
    await put("manifestz", "1");

    const keys = await reader().keysAfter("manifests/", "manifests/0001.json", 2);
    const rest = await reader().keysAfter("manifests/", "manifests/0003.json", 1000);

    expect(keys).toEqual(["manifests/0002.json", "manifests/0003.json"]);
    expect(rest).toEqual(["manifests/0004.json"]);
  });

  it("fails where there is no bucket", async () => {
    await expect(reader("no-bucket").keysAfter("a", "a", 1)).rejects.toThrow("404 NoSuchBucket");
  });
});
