// The ledger, the marks and the directory of lanes in DynamoDB keep their contracts, whatever the service answers.
import { QueryCommand, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";

import { createDynamoDirectory } from "#adapters/aws/dynamo-directory.ts";
import { publishLanes } from "#adapters/aws/dynamo-directory-publish.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { createEventTableMark, createLedgerMark } from "#adapters/aws/dynamo-mark.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import type { BatchRecord } from "#service/ports.ts";
import { ledgerContract } from "#test/contract/ledger.ts";
import { freshBatchId } from "#test/contract/sample-batches.ts";
import { counting, fastTiming, intercept, vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

function freshRecord(): BatchRecord {
  return { batchId: freshBatchId(), lineCount: 2, winners: [0, 1], conflicts: [], unindexed: [1] };
}

function cancelled(...codes: readonly string[]): Error {
  const CancellationReasons = codes.map((Code) => ({ Code }));
  return new TransactionCanceledException({ message: "made to fail", $metadata: {}, CancellationReasons });
}

describeDynamo("DynamoDB", (dynamo) => {
  ledgerContract("the ledger in DynamoDB", async () => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    return { ledger: createDynamoLedger({ client, tableName }), close: async () => undefined };
  });

  describe("registering", () => {
    it("leaves a pending pointer for each batch", async () => {
      const { client, createTables } = dynamo();
      const { ledgerTable: tableName } = await createTables();
      const record = freshRecord();

      await createDynamoLedger({ client, tableName }).register(record);

      const pending = new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: "pk = :p",
        ExpressionAttributeValues: { ":p": { S: "pending" } },
      });
      const { Items: items } = await client.send(pending);
      expect(items).toEqual([{ pk: { S: "pending" }, sk: { S: record.batchId }, v: { N: "1" } }]);
    });

    it.each([
      ["another transaction", cancelled("TransactionConflict", "None", "None")],
      ["a throttled pointer", cancelled("None", "ThrottlingError", "None")],
      ["throttling of all", vendorError("ThrottlingException")],
    ])("goes on after %s stood in the way", async (_, error) => {
      const { client, createTables } = dynamo();
      const { ledgerTable: tableName } = await createTables();
      let calls = 0;
      const faulty = intercept(client, async (_sent, forward) => {
        if (++calls <= 2) throw error;
        return forward();
      });
      const record = freshRecord();

      await createDynamoLedger({ client: faulty, tableName, timing: fastTiming() }).register(record);

      expect(await createDynamoLedger({ client, tableName }).find(record.batchId)).toEqual(record);
    });

    it("is content when the answer was lost and the row is found", async () => {
      const { client, createTables } = dynamo();
      const { ledgerTable: tableName } = await createTables();
      let isLost = false;
      const faulty = intercept(client, async (_sent, forward) => {
        const answer = await forward();
        if (isLost) return answer;
        isLost = true;
        throw vendorError("InternalServerError");
      });
      const record = freshRecord();

      await createDynamoLedger({ client: faulty, tableName, timing: fastTiming() }).register(record);

      expect(await createDynamoLedger({ client, tableName }).find(record.batchId)).toEqual(record);
    });

    it.each([
      ["for good", cancelled("ValidationError", "None")],
      ["again and again", cancelled("TransactionConflict", "None")],
    ])("fails with a retryable error where it is refused %s", async (_, error) => {
      const { client, createTables } = dynamo();
      const { ledgerTable: tableName } = await createTables();
      const faulty = intercept(client, async () => Promise.reject(error));

      const failing = createDynamoLedger({ client: faulty, tableName, timing: fastTiming() }).register(
        freshRecord(),
      );

      await expect(failing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    });
  });

  it("has nothing left to be indexed in a batch that was marked, though its row stays as it is", async () => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    const ledger = createDynamoLedger({ client, tableName });
    const record = freshRecord();
    await ledger.register(record);

    await ledger.markIndexed(record.batchId);

    expect(await ledger.find(record.batchId)).toEqual({ ...record, unindexed: [] });
  });

  it("refuses a row of a newer format by name", async () => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    const ledger = createDynamoLedger({ client, tableName });
    const record = freshRecord();
    const newer = intercept(client, async ({ input }, forward) => {
      const text = JSON.stringify(input).replaceAll('"v":{"N":"1"}', '"v":{"N":"7"}');
      return forward(JSON.parse(text));
    });
    await createDynamoLedger({ client: newer, tableName }).register({ ...record, unindexed: [] });

    await expect(ledger.find(record.batchId)).rejects.toThrow(/is of format 7; .* reads 1/);
    expect(await ledger.registered([record.batchId])).toEqual(new Set([record.batchId]));
  });

  describe("marks", () => {
    it("are read with the identity of the table, and written once", async () => {
      const { client, createTables } = dynamo();
      const { eventTable, ledgerTable } = await createTables();
      const marks = [
        createEventTableMark({ client, tableName: eventTable }),
        createLedgerMark({ client, tableName: ledgerTable }),
      ];

      for (const mark of marks) {
        const { tableId, mark: none } = await mark.read();
        const written = { incarnation: "one", tableId };
        await mark.write(written);
        await mark.write({ incarnation: "two", tableId });

        expect(none).toBeUndefined();
        expect(await mark.read()).toEqual({ tableId, mark: written });
      }
      const ids = await Promise.all(marks.map(async (mark) => (await mark.read()).tableId));
      expect(new Set(ids).size).toBe(2);
    });

    it("fail where there is no table", async () => {
      const mark = createLedgerMark({ client: dynamo().client, tableName: "no-such-table" });

      await expect(mark.read()).rejects.toMatchObject({
        details: { vendorError: "ResourceNotFoundException" },
      });
    });
  });

  describe("the directory", () => {
    it("knows the first lanes, and every epoch that is published", async () => {
      const { client, createTables } = dynamo();
      const { ledgerTable: ledgerName } = await createTables();
      const timing = fastTiming();
      const options = { client, ledgerName, timing };

      const before = await createDynamoDirectory(options).epochs();
      const published = await publishLanes(options, { lanes: 16, spread: 4 });

      expect(before).toEqual([FIRST_EPOCH]);
      expect(published).toEqual({
        number: 1,
        lanes: 16,
        spread: 4,
        activeFromMs: timing.nowMs() + 15 * 60_000,
      });
      expect(await createDynamoDirectory(options).epochs()).toEqual([FIRST_EPOCH, published]);
    });

    it("asks once a minute, and sees what another process published a minute later", async () => {
      const { client, createTables } = dynamo();
      const { ledgerTable: ledgerName } = await createTables();
      const timing = fastTiming();
      const { client: counted, sent } = counting(client);
      const directory = createDynamoDirectory({ client: counted, ledgerName, timing });
      await directory.epochs();
      await publishLanes({ client, ledgerName, timing }, { lanes: 8, spread: 1 });

      timing.pass(59_999);
      const early = await directory.epochs();
      timing.pass(1);
      const late = await directory.epochs();

      expect([early.length, late.length]).toEqual([1, 2]);
      expect(sent).toEqual({ QueryCommand: 2 });
    });

    it("asks again after a failure", async () => {
      const { client, createTables } = dynamo();
      const { ledgerTable: ledgerName } = await createTables();
      let calls = 0;
      const faulty = intercept(client, async (_, forward) => {
        if (++calls === 1) throw vendorError("InternalServerError");
        return forward();
      });
      const directory = createDynamoDirectory({ client: faulty, ledgerName });

      await expect(directory.epochs()).rejects.toMatchObject({ code: "storage-unavailable" });
      expect(await directory.epochs()).toEqual([FIRST_EPOCH]);
    });

    it.each([
      { lanes: 3, spread: 1, problem: /only grow/ },
      { lanes: 4, spread: 1, problem: /^lanes are 4 and spread is 1 already; give more of at least one$/ },
      { lanes: 65, spread: 1, problem: /from 1 to 64/ },
      { lanes: 8, spread: 9, problem: /more than the 8 lanes/ },
      { lanes: 8.5, spread: 1, problem: /whole numbers/ },
      { lanes: 8, spread: 0, problem: /whole numbers/ },
    ])("refuses $lanes lanes with spread $spread", async ({ lanes, spread, problem }) => {
      const { client, createTables } = dynamo();
      const { ledgerTable: ledgerName } = await createTables();

      await expect(publishLanes({ client, ledgerName }, { lanes, spread })).rejects.toThrow(problem);
    });

    it("lets one of two publications at once win", async () => {
      const { client, createTables } = dynamo();
      const { ledgerTable: ledgerName } = await createTables();
      const publish = (lanes: number): Promise<unknown> =>
        publishLanes({ client, ledgerName }, { lanes, spread: 1 });

      const outcomes = await Promise.allSettled([publish(8), publish(16)]);

      const epochs = await createDynamoDirectory({ client, ledgerName }).epochs();
      const kept = outcomes.filter(({ status }) => status === "fulfilled");
      expect(epochs).toHaveLength(1 + kept.length);
      expect(kept.length).toBeGreaterThanOrEqual(1);
    });
  });
});
