// Leaves on AWS keep the contract of LeafStore over what the sealer has written, and name what is missing or damaged.
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createDynamoLeafStore } from "#adapters/aws/dynamo-leaf-store.ts";
import type { ObjectReader } from "#adapters/aws/s3-object-reader.ts";
import type { LeafStore } from "#service/log-ports.ts";
import { leafStoreContract } from "#test/contract/leaf-store.ts";
import { freshTenant, idOf, sampleLines } from "#test/contract/sample-lines.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { startDeployment } from "#test/support/aws-deployment.ts";
import type { AwsLog } from "#test/support/aws-log.ts";
import { openAwsLog } from "#test/support/aws-log.ts";
import type { Around } from "#test/support/dynamodb-faults.ts";
import { intercept, vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

describeDynamo("leaves on AWS", (dynamo) => {
  leafStoreContract("the store of leaves on AWS", async () => {
    const deployment = await startDeployment(dynamo());
    const { leaves, persist, sealer } = await openAwsLog(deployment);
    return {
      leaves,
      put: async (lines) => {
        await persist(lines);
      },
      seal: async () => (await sealer.run()).publishedSize,
      keepsConflicts: true,
      close: deployment.close,
    };
  });

  describe("a log", () => {
    let deployment: AwsDeployment;
    let log: AwsLog;

    beforeAll(async () => {
      deployment = await startDeployment(dynamo());
      log = await openAwsLog(deployment);
    });

    afterAll(async () => {
      await deployment.close();
    });

    const sealed = async (count: number): Promise<{ readonly tenantId: string; readonly size: number }> => {
      const tenantId = freshTenant();
      await log.persist(sampleLines(tenantId, count));
      return { tenantId, size: (await log.sealer.run()).publishedSize };
    };
    const keysOf = async (prefix: string): Promise<readonly string[]> =>
      (await Array.fromAsync(log.objects.list(prefix))).map(({ key }) => key);
    const textsOf = async (from: number, end: number): Promise<readonly string[]> =>
      (await log.leaves.readLeaves(from, end)).lines.map(({ text }) => text);

    it("gives leaves of many small segments as one page, in order", async () => {
      const from = (await sealed(1)).size;
      for (let seal = 0; seal < 12; seal++) await sealed(1 + (seal % 3));
      const { size } = await sealed(60);

      const page = await log.leaves.readLeaves(from, size);

      expect(page.next).toBe(size);
      expect(page.lines.map(({ leaf }) => leaf)).toEqual(
        Array.from({ length: size - from }, (_, index) => from + index),
      );
    });

    it("takes a segment from memory only while it is what is stored", async () => {
      const { size } = await sealed(100);
      const before = await textsOf(size - 100, size);
      const segment = (await keysOf("segments/")).find((key) => key.endsWith("-100.jsonl.gz")) ?? "";
      const bytes = (await log.objects.get(segment)) ?? new Uint8Array();

      const kept = await textsOf(size - 100, size);
      await log.objects.replace(
        segment,
        Buffer.from("other"),
        (await log.objects.readVersion(segment))?.version,
      );

      expect(kept).toEqual(before);
      await expect(textsOf(size - 100, size)).rejects.toThrow(`segment ${segment} is damaged`);
      await log.objects.replace(segment, bytes, (await log.objects.readVersion(segment))?.version);
      expect(await textsOf(size - 100, size)).toEqual(before);
    });

    it("names the manifest or segment that is gone", async () => {
      const { size } = await sealed(3);
      const manifest = (await keysOf("manifests/")).at(-1) ?? "";
      const segment = (await keysOf("segments/")).find((key) => key.includes(`${size - 3}-3.`)) ?? "";
      const [manifestBytes, segmentBytes] = [await log.objects.get(manifest), await log.objects.get(segment)];

      await log.objects.remove([segment]);
      const withoutSegment = await log.leaves.readLeaves(size - 3, size).catch(String);
      await log.objects.remove([manifest]);
      const withoutManifest = await log.leaves.readLeaves(size - 3, size).catch(String);

      expect(withoutSegment).toContain(`segment ${segment} is missing`);
      expect(withoutManifest).toContain(`no manifest holds leaf ${size - 3}`);
      await log.objects.putIfAbsent(segment, segmentBytes ?? new Uint8Array());
      await log.objects.putIfAbsent(manifest, manifestBytes ?? new Uint8Array());
    });

    it("makes up no lines where a manifest before the next one is gone", async () => {
      const { size } = await sealed(3);
      const gone = (await keysOf("manifests/")).at(-1) ?? "";
      const bytes = (await log.objects.get(gone)) ?? new Uint8Array();
      const later = await sealed(2);
      await log.objects.remove([gone]);

      const reading = log.leaves.readLeaves(size - 3, later.size);

      await expect(reading).rejects.toThrow(
        `no manifest holds leaf ${size - 3}, though the log does: the next one begins at leaf ${size}`,
      );
      await log.objects.putIfAbsent(gone, bytes);
    });

    it("says that it may be asked again where DynamoDB throttles, and refuses rows of a newer format", async () => {
      const { tenantId, size } = await sealed(1);
      const eventId = idOf((await textsOf(size - 1, size))[0] ?? "");
      const { client } = deployment.dynamo;
      const { eventTable: tableName, ledgerTable: ledgerName } = deployment.tables;
      const objects = {} as ObjectReader; // no line is read
      const leavesWith = (around: Around): LeafStore =>
        createDynamoLeafStore({ client: intercept(client, around), tableName, ledgerName, objects });
      const throttled = leavesWith(async () => Promise.reject(vendorError("ThrottlingException")));
      const newer = leavesWith(async ({ input }, forward) => {
        const answer = (await forward()) as { Item?: object };
        return input["TableName"] === ledgerName ? { Item: { ...answer.Item, v: { N: "7" } } } : answer;
      });

      const asked = throttled.findLeaf({ tenantId, eventId });

      await expect(asked).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
      await expect(newer.findLeaf({ tenantId, eventId })).rejects.toThrow(/is of format 7; .* reads 1/);
    });

    it("has no leaf for an event whose batch has no row, and refuses a line that its batch has no leaf for", async () => {
      const { tenantId, size } = await sealed(2);
      const { lines } = await log.leaves.readLeaves(size - 1, size);
      const eventId = idOf(lines[0]?.text ?? "");
      const { client } = deployment.dynamo;
      const { eventTable: TableName } = deployment.tables;
      const { Item: item = {} } = await client.send(
        new GetItemCommand({ TableName, Key: { pk: { S: `${tenantId}#${eventId}` } } }),
      );
      const orphan = { ...item, pk: { S: `${tenantId}#orphan` }, g: { B: new Uint8Array(16) } };
      const stray = { ...item, pk: { S: `${tenantId}#stray` }, n: { N: "9" } };
      for (const Item of [orphan, stray]) await client.send(new PutItemCommand({ TableName, Item }));

      const straying = log.leaves.findLeaf({ tenantId, eventId: "stray" });

      await expect(straying).rejects.toThrow(/has no leaf for line 9, though an item stands for it/);
      expect((await log.leaves.findLeaf({ tenantId, eventId: "orphan" }))?.leaf).toBeUndefined();
      expect((await log.leaves.findLeaf({ tenantId, eventId }))?.leaf).toBe(size - 1);
    });
  });
});
