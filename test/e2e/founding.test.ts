// The founding of a deployment, as each consumer does it at its first start, over S3 and DynamoDB on stand-ins: cut off at
// every single call, or by many consumers at once, it is the same deployment for all that come later.
import { randomFillSync, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";

import type { WritableStore } from "#adapters/aws/aws-parts-store.ts";
import { openWritableStore } from "#adapters/aws/aws-parts-store.ts";
import { createAwsStore } from "#test/support/aws-ports.ts";
import { CUT_KINDS, CutProcess, cutEverywhere, ignorePassing } from "#test/support/cut-process.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

const CONSUMERS = 8;

describeDynamo("the founding of a deployment", (dynamo) => {
  let s3: S3StandIn;
  let deployments = 0;

  beforeAll(async () => {
    s3 = await startS3StandIn();
  });

  afterAll(async () => {
    await s3.close();
  });

  /** Answers what opens the deployment that is founded by whoever is first. */
  async function prepare(): Promise<(process: CutProcess) => Promise<WritableStore>> {
    const names = await createAwsStore(dynamo(), s3, `founding-${++deployments}`);
    return (process) =>
      openWritableStore({
        dynamo: process.client(dynamo().client),
        s3: process.client(s3.client),
        tableName: names.eventTable,
        ledgerName: names.ledgerTable,
        archiveBucket: names.bucket,
        hotRetentionDays: 90,
        newIncarnation: randomUUID,
        fillRandom: randomFillSync,
      });
  }

  it.each(CUT_KINDS)("is finished by the next consumer, where one is cut off: %s", async (kind) => {
    const calls = await cutEverywhere(kind, async (cut) => {
      const open = await prepare();
      const process = new CutProcess(cut);
      const opening = open(process).catch(ignorePassing);

      await Promise.race([opening, process.stopped]);
      const { conflictKey } = await open(new CutProcess());
      process.wake();
      const late = await opening;
      const again = await open(new CutProcess());

      expect(again.conflictKey).toEqual(conflictKey);
      expect([undefined, conflictKey]).toContainEqual(late?.conflictKey);
      return process;
    });

    expect(new Set(calls)).toEqual(
      new Set([
        "GetObjectCommand",
        "DescribeTableCommand",
        "GetItemCommand",
        "ListObjectsV2Command",
        "PutObjectCommand",
        "PutItemCommand",
      ]),
    );
  });

  it("is one, where many consumers start at once", async () => {
    const open = await prepare();

    const stores = await Promise.all(Array.from({ length: CONSUMERS }, () => open(new CutProcess())));

    const keys = stores.map(({ conflictKey }) => Buffer.from(conflictKey).toString("hex"));
    expect(new Set(keys).size).toBe(1);
  });
});
