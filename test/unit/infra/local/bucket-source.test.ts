// A log in a bucket verifies as one in a folder does, and what is altered there is named.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createBucketSource } from "#infra/local/bucket-source.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";
import { segmentKey, testLines } from "#test/support/tampered-logs.ts";
import type { MadeLog } from "#test/support/verified-logs.ts";
import { madeLog } from "#test/support/verified-logs.ts";
import { readKeys } from "#verify/keys.ts";
import type { Verdict } from "#verify/verify-log.ts";
import { verifyLog } from "#verify/verify-log.ts";

let s3: S3StandIn;
let log: MadeLog;
beforeAll(async () => {
  s3 = await startS3StandIn();
});
afterAll(() => s3.close());
beforeEach(async () => {
  log = await madeLog({ lines: testLines(600), form: "bucket" });
  const files = (await readdir(log.folder, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    const command = { Bucket: s3.bucket, Key: `some/prefix/${relative(log.folder, path)}` };
    await s3.client.send(new PutObjectCommand({ ...command, Body: await readFile(path) }));
  }
});

async function verdict(prefix = "some/prefix"): Promise<Verdict> {
  const source = createBucketSource(s3.bucket, prefix, s3.client);
  return verifyLog({ source, keys: readKeys([log.key.vkey]), witnessesRequired: 0, known: [] });
}

describe("a log in a bucket", () => {
  it("verifies with all its lines and manifests", async () => {
    expect(await verdict()).toMatchObject({ isVerified: true, lines: { checked: 600 }, findings: [] });
  });

  it("is refused where a segment was deleted", async () => {
    await s3.client.send(
      new DeleteObjectCommand({ Bucket: s3.bucket, Key: `some/prefix/${segmentKey(200, 100)}` }),
    );

    const { isVerified, findings } = await verdict();

    expect(isVerified).toBe(false);
    expect(findings).toContainEqual(expect.objectContaining({ kind: "lines-missing", leaves: [200, 300] }));
  });

  it("is refused where a segment was replaced", async () => {
    const key = `some/prefix/${segmentKey(200, 100)}`;
    const other = await readFile(join(log.folder, segmentKey(300, 100)));
    await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: key, Body: other }));

    const { findings } = await verdict();

    expect(findings[0]).toMatchObject({ object: segmentKey(200, 100), leaf: 200 });
    expect(findings[0]?.meaning).toContain("was sealed as leaf 300");
  });

  it("is refused where there is none", async () => {
    expect(await verdict("elsewhere")).toMatchObject({
      isVerified: false,
      findings: [{ kind: "checkpoint" }],
    });
  });

  it("is undecided where the bucket cannot be read", async () => {
    const source = createBucketSource("no-such-bucket", "", s3.client);
    const verifying = verifyLog({ source, keys: readKeys([log.key.vkey]), witnessesRequired: 0, known: [] });

    await expect(verifying).rejects.toThrow(/^s3:\/\/no-such-bucket\/log\/checkpoint cannot be read: /);
  });
});
