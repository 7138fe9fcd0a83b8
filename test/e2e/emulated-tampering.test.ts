// The deployment on AWS, altered behind its back: an item of the hot store, a segment, a tile. The bucket verifies as it is,
// and what was altered is refused and named.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { encodeBody } from "#adapters/aws/item-codec.ts";
import { ITEM } from "#adapters/aws/keys.ts";
import { createS3Client } from "#adapters/aws/s3-client.ts";
import { clientOptions } from "#infra/emulated/config.ts";
import { createBucketSource } from "#infra/local/bucket-source.ts";
import { auditlog } from "#test/support/auditlog.ts";
import type { TestStack } from "#test/support/emulated.ts";
import { emulatedStack } from "#test/support/emulated.ts";
import { newFolder } from "#test/support/folders.ts";
import { ask, LOGIN, post } from "#test/support/http-service.ts";
import { readKeys } from "#verify/keys.ts";
import type { Verdict } from "#verify/verify-log.ts";
import { verifyLog } from "#verify/verify-log.ts";

const IDS = ["one", "two", "three"];
const JSON_PROOF = { headers: { accept: "application/json" } };

interface Sealed {
  readonly stack: TestStack;
  readonly vkeys: string;
  readonly verify: () => Promise<Verdict>;
  /** Replaces the first object below a prefix. */
  readonly alter: (prefix: string, change: (bytes: Buffer) => Uint8Array) => Promise<string>;
}

async function sealedStack(): Promise<Sealed> {
  const stack = await emulatedStack({ isSealing: true });
  for (const event_id of IDS)
    await post(stack, "/events", { ...LOGIN, event_id, message: `number ${event_id}` });
  for (const id of IDS)
    expect(await ask(stack, `/events/${id}/proof?wait=20`)).toMatchObject({ status: 200 });
  const { text: vkeys } = await ask(stack, "/log/vkeys");
  const bucket = stack.names["ArchiveBucket"] ?? "";
  const s3 = createS3Client({ ...clientOptions(stack.endpoints.s3) });
  const source = createBucketSource(bucket, "", s3);
  return {
    stack,
    vkeys,
    verify: () => verifyLog({ source, keys: readKeys([vkeys]), witnessesRequired: 0, known: [] }),
    alter: async (prefix, change) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      const Key = Contents.at(-1)?.Key ?? "";
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: change(bytes) }));
      return Key;
    },
  };
}

function flipped(bytes: Buffer): Buffer {
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes;
}

describe("the bucket of a deployment", () => {
  it("verifies with all lines, entries, tiles and manifests", async () => {
    const { verify } = await sealedStack();

    expect(await verify()).toMatchObject({ isVerified: true, lines: { checked: 3 }, findings: [] });
  });

  it("is refused where a line of a segment was altered", async () => {
    const { verify, alter } = await sealedStack();
    const key = await alter("segments/", (bytes) =>
      gzipSync(gunzipSync(bytes).toString().replace("number", "numbed")),
    );

    const { isVerified, findings } = await verify();

    expect(isVerified).toBe(false);
    expect(findings[0]).toMatchObject({ kind: "line", object: key, line: 1 });
    expect(findings[0]?.meaning).toContain("it was altered");
  });

  it.each(["log/tile/0/", "log/tile/entries/"])(
    "is refused where an object below %s was altered",
    async (prefix) => {
      const { verify, alter } = await sealedStack();
      const key = await alter(prefix, flipped);

      expect(await verify()).toMatchObject({
        isVerified: false,
        findings: [{ object: key, leaf: expect.any(Number) as number }],
      });
    },
  );
});

describe("an item of the hot store that was altered", () => {
  it("is proven no more, and is not what a kept proof is about", async () => {
    const { stack, vkeys, verify } = await sealedStack();
    const folder = await newFolder();
    const { json: kept } = await ask(stack, "/events/two/proof", JSON_PROOF);
    const [proof, keys] = [join(folder, "two.tlog-proof"), join(folder, "vkeys")];
    await writeFile(proof, kept.proof);
    await writeFile(keys, vkeys);
    const dynamo = new DynamoDBClient(clientOptions(stack.endpoints.dynamodb));
    await dynamo.send(
      new UpdateItemCommand({
        TableName: stack.names["TableName"] ?? "",
        Key: { [ITEM.key]: { S: "default#two" } },
        UpdateExpression: "SET #b = :b",
        ExpressionAttributeNames: { "#b": ITEM.body },
        ExpressionAttributeValues: { ":b": { B: encodeBody(kept.line.replace("number two", "number 2.0")) } },
      }),
    );

    const proven = await ask(stack, "/events/two/proof");
    const fetched = await auditlog(["proof", "two", "--url", stack.url, "--key", keys, "--kept", proof], {
      folder,
    });

    expect(proven.status).toBe(503);
    expect(proven.json.detail).toContain(
      `the stored line is not what the log has as leaf ${kept.leaf_index}`,
    );
    expect(fetched.code).toBe(1);
    expect(fetched.stdout).toContain(
      `the stored line of event two is not what was sealed as leaf ${kept.leaf_index}`,
    );
    expect(await verify()).toMatchObject({ isVerified: true });
  });
});
