// Keeping account on DynamoDB and S3: a removed item, segment, row and pointer are each noticed, with the exact report; and
// the command line compares everything.
import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { expect, it, onTestFinished } from "vitest";

import { itemKey } from "#adapters/aws/keys.ts";
import { batchKey, encodeBatch } from "#service/batch-object.ts";
import { manifestKey } from "#service/log-layout.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { auditlog } from "#test/support/auditlog.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { startDeployment } from "#test/support/aws-deployment.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { newFolder } from "#test/support/folders.ts";
import type { SealedDeployment } from "#test/support/sealed-deployment.ts";
import { openSealed } from "#test/support/sealed-deployment.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const NO_END = { untilMs: Number.POSITIVE_INFINITY };
const WELL = { missing_items: 0, missing_rows: 0, wrong_rows: 0, missing_segments: 0, late_duplicates: 0 };

const line = (eventId: string, message = "first") => sampleLine({ event_id: eventId, message });

interface Filled {
  readonly deployment: AwsDeployment;
  readonly sealed: SealedDeployment;
  readonly batchIds: readonly string[];
}

/** Two seals; the second batch holds other content of an event of the first. */
async function fill(dynamo: Parameters<typeof startDeployment>[0]): Promise<Filled> {
  const deployment = await startDeployment(dynamo);
  onTestFinished(deployment.close);
  const sealed = await openSealed(deployment);
  const first = await sealed.persist([line("a"), line("b")]);
  await sealed.seal();
  const second = await sealed.persist([line("c"), line("a", "other"), line("b")]);
  await sealed.seal();
  return { deployment, sealed, batchIds: [first, second] };
}

async function removeRow({ dynamo, tables }: AwsDeployment, pk: string, sk: string): Promise<void> {
  const Key = { pk: { S: pk }, sk: { S: sk } };
  await dynamo.client.send(new DeleteItemCommand({ TableName: tables.ledgerTable, Key }));
}

async function removeItem({ dynamo, tables }: AwsDeployment, eventId: string): Promise<void> {
  const Key = { pk: { S: itemKey("default", eventId) } };
  await dynamo.client.send(new DeleteItemCommand({ TableName: tables.eventTable, Key }));
}

async function segmentKeys({ store }: SealedDeployment): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.archive.list("segments/")) keys.push(key);
  return keys;
}

describeDynamo("keeping account", (dynamo) => {
  it("finds rows, items, segments and log equal", async () => {
    const { sealed } = await fill(dynamo());

    const report = await sealed.reconcile(NO_END);

    expect(report).toMatchObject({ ...WELL, log_size: 4, row_leaves: 4, segment_lines: 4, problems: [] });
    expect(await sealed.survey()).toMatchObject({ examined: 0, lateEvents: 0, orphans: [] });
  });

  it("notices a removed item", async () => {
    const { deployment, sealed } = await fill(dynamo());
    await removeItem(deployment, "c");

    expect(await sealed.reconcile(NO_END)).toMatchObject({
      ...WELL,
      missing_items: 1,
      log_size_difference: 0,
      problems: ["event c of tenant default, leaf 2, is missing in the hot store"],
    });
  });

  it("notices a removed segment", async () => {
    const { deployment, sealed } = await fill(dynamo());
    const [key = ""] = await segmentKeys(sealed);
    await deployment.s3.client.send(new DeleteObjectCommand({ Bucket: deployment.bucket, Key: key }));

    expect(await sealed.reconcile(NO_END)).toMatchObject({
      missing_segments: 1,
      row_leaves: 4,
      segment_lines: 2,
      log_size_difference: 2,
      problems: ["the segment of leaves 0 to 1 is missing"],
    });
  });

  it("notices a removed row, restores it, and finds all equal the night after", async () => {
    const { deployment, sealed, batchIds } = await fill(dynamo());
    const [, batchId = ""] = batchIds;
    const row = await sealed.store.ledger.find(batchId);
    await removeRow(deployment, `b#${batchId}`, "b");

    const report = await sealed.reconcile(NO_END);
    sealed.pass(DAY_MS);
    const after = await sealed.reconcile(NO_END);

    expect(report).toMatchObject({
      ...WELL,
      missing_rows: 1,
      row_leaves: 2,
      log_size_difference: 2,
      problems: [`the row of batch ${batchId} was missing; restored from ${manifestKey(4)}`],
    });
    expect(await sealed.store.ledger.find(batchId)).toEqual(row);
    expect(after).toMatchObject({ ...WELL, row_leaves: 4, log_size_difference: 0, problems: [] });
    expect(await sealed.seal()).toMatchObject({ leaves: 0, size: 4 });
  });

  it("notices a removed pending pointer, and the batch is sealed", async () => {
    const { deployment, sealed } = await fill(dynamo());
    const batchId = await sealed.persist([line("d"), line("e")]);
    await removeRow(deployment, "pending", batchId);
    sealed.pass(4 * MINUTE_MS);
    const unseen = await sealed.seal();

    const survey = await sealed.survey();

    expect(unseen).toMatchObject({ leaves: 0 });
    expect(survey).toMatchObject({ examined: 1, repointed: [batchId], repointedEvents: 2, lateEvents: 0 });
    expect(await sealed.seal()).toMatchObject({ leaves: 2, size: 6 });
  });

  it("notices a row that is lost while its batch waits", async () => {
    const { deployment, sealed } = await fill(dynamo());
    const batchId = await sealed.persist([line("d")]);
    await removeRow(deployment, `b#${batchId}`, "b");
    sealed.pass(4 * MINUTE_MS);
    const survey = await sealed.survey();
    sealed.pass(20 * MINUTE_MS);

    const report = await sealed.janitor();

    expect(survey).toMatchObject({ examined: 1, lostRows: [batchId], lateEvents: 0 });
    expect(report).toMatchObject({ completed: 1, unregistered: 1, problems: [] });
    expect(await sealed.seal()).toMatchObject({ leaves: 1, size: 5 });
  });

  it("names an object that outlived its sealing, which the sealer removes", async () => {
    const { sealed } = await fill(dynamo());
    const lines = [line("d")];
    const batchId = await sealed.persist(lines);
    await sealed.seal();
    await sealed.store.archive.putIfAbsent(batchKey(batchId), encodeBatch(lines.map(({ text }) => text)));
    sealed.pass(4 * MINUTE_MS);
    const survey = await sealed.survey();
    await sealed.store.ledger.writeNote("orphans", JSON.stringify({ format: 1, batches: survey.orphans }));

    const report = await sealed.parts.removeOrphans();

    expect(survey.orphans).toEqual([batchId]);
    expect(report).toEqual({ removed: [batchId], kept: [] });
    expect(await sealed.store.archive.get(batchKey(batchId))).toBeUndefined();
  });

  it("is done for the whole log by auditlog reconcile", async () => {
    const { deployment, batchIds } = await fill(dynamo());
    const folder = await newFolder();
    const options = { folder, env: deployment.env };
    const outputs = await deployment.writeOutputs(folder);
    const equal = await auditlog(["reconcile", "--outputs", outputs], options);
    await removeRow(deployment, `b#${batchIds[0]}`, "b");

    const missing = await auditlog(["reconcile", "--outputs", outputs, "--restore-rows"], options);
    const again = await auditlog(["reconcile", "--outputs", outputs, "--json"], options);

    expect([equal.code, missing.code, again.code]).toEqual([0, 1, 0]);
    expect(equal.stdout).toContain("4 lines in segments\nAll is equal.\n");
    expect(missing.stdout).toContain(
      `the row of batch ${batchIds[0]} was missing; restored from ${manifestKey(2)}\n`,
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ ...WELL, log_size: 4 });
  });
});
