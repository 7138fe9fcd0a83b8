// Where batches stand in the log, and which stand nowhere yet, in DynamoDB: the contract of SealLedger, whatever it answers.
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoLedger } from "#adapters/aws/dynamo-ledger.ts";
import { createDynamoSealLedger } from "#adapters/aws/dynamo-seal-ledger.ts";
import type { SealLedger } from "#service/log-ports.ts";
import type { BatchRecord, Ledger } from "#service/ports.ts";
import { sealLedgerContract } from "#test/contract/seal-ledger.ts";
import { BATCH_TIME_MS, freshBatchId } from "#test/contract/sample-batches.ts";
import { fastTiming, intercept, vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

const PLACE = { firstLeaf: 7, segment: "segments/v1/dt=2026-03-01/hh=12/0000000000000007-2.jsonl.gz" };

function recordOf(batchId: string = freshBatchId()): BatchRecord {
  return { batchId, lineCount: 2, winners: [0, 1], conflicts: [], unindexed: [] };
}

interface Subject {
  readonly client: DynamoSender;
  readonly tableName: string;
  readonly ledger: Ledger;
  readonly seals: SealLedger;
  readonly pointers: () => Promise<readonly (string | undefined)[]>;
  readonly row: (batchId: string) => Promise<Record<string, AttributeValue> | undefined>;
}

describeDynamo("DynamoDB", (dynamo) => {
  const open = async (
    around: (client: DynamoSender) => DynamoSender = (client) => client,
  ): Promise<Subject> => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    const changed = { client: around(client), tableName, timing: fastTiming() };
    return {
      client,
      tableName,
      ledger: createDynamoLedger({ client, tableName }),
      seals: createDynamoSealLedger(changed),
      pointers: async () => {
        const { Items: items = [] } = await client.send(
          new QueryCommand({
            TableName: tableName,
            KeyConditionExpression: "pk = :p",
            ExpressionAttributeValues: { ":p": { S: "pending" } },
          }),
        );
        return items.map(({ sk }) => sk?.S);
      },
      row: async (batchId) => {
        const Key = { pk: { S: `b#${batchId}` }, sk: { S: "b" } };
        return (await client.send(new GetItemCommand({ TableName: tableName, Key }))).Item;
      },
    };
  };

  sealLedgerContract("the ledger in DynamoDB", async () => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    const options = { client, tableName };
    return {
      ledger: { ...createDynamoLedger(options), ...createDynamoSealLedger(options) },
      point: async (batchId) => {
        await client.send(new PutItemCommand({ TableName: tableName, Item: pointer(batchId) }));
      },
      unpoint: async (batchId) => {
        const { pk, sk } = pointer(batchId);
        await client.send(new DeleteItemCommand({ TableName: tableName, Key: { pk: pk!, sk: sk! } }));
      },
      close: async () => undefined,
    };
  });

  describe("batches to be sealed", () => {
    it("come oldest first, with their rows, at most as many as asked for", async () => {
      const { ledger, seals } = await open();
      const records = [3, 1, 2].map((hour) => recordOf(freshBatchId(BATCH_TIME_MS + hour * 3_600_000)));
      for (const record of records) await ledger.register(record);
      const [third, first, second] = records;

      const all = await seals.pending(10);
      const two = await seals.pending(2);

      expect(all.map(({ row }) => row)).toEqual([first, second, third]);
      expect(two.map(({ batchId }) => batchId)).toEqual([first?.batchId, second?.batchId]);
    });

    it("are found over the pages of a query", async () => {
      const { ledger, seals } = await open((client) =>
        intercept(client, async ({ name, input }, forward) =>
          forward(name === "QueryCommand" ? { ...input, Limit: 2 } : input),
        ),
      );
      const batchIds = Array.from({ length: 5 }, (_, hour) => freshBatchId(BATCH_TIME_MS + hour * 3_600_000));
      for (const batchId of batchIds) await ledger.register(recordOf(batchId));

      const found = await seals.pending(5);

      expect(found.map(({ batchId }) => batchId)).toEqual(batchIds);
    });

    it("have no row where it is gone", async () => {
      const { seals, client, tableName } = await open();
      const batchId = freshBatchId();
      await client.send(new PutItemCommand({ TableName: tableName, Item: pointer(batchId) }));

      expect(await seals.pending(10)).toEqual([{ batchId, row: undefined }]);
    });
  });

  describe("sealing a batch", () => {
    it.each([
      ["with its segment", PLACE],
      ["none of whose lines has a leaf", { firstLeaf: 7 }],
    ])("notes the place of one %s in its row, and takes the pointer away", async (_, place) => {
      const { ledger, seals, pointers } = await open();
      const record = recordOf();
      await ledger.register(record);

      await seals.markSealed(record.batchId, place);
      await seals.markSealed(record.batchId, place);

      expect(await ledger.find(record.batchId)).toEqual({ ...record, sealed: place });
      expect(await pointers()).toEqual([]);
    });

    it.each([
      { firstLeaf: 8, segment: PLACE.segment },
      { firstLeaf: 7, segment: "segments/v1/other" },
      { firstLeaf: 7 },
    ])("refuses another place, %j, and leaves row and pointer", async (other) => {
      const { ledger, seals } = await open();
      const record = recordOf();
      await ledger.register(record);
      await seals.markSealed(record.batchId, PLACE);

      const sealing = seals.markSealed(record.batchId, other);

      await expect(sealing).rejects.toMatchObject({ code: "log-diverged", retryable: false });
      expect(await ledger.find(record.batchId)).toMatchObject({ sealed: PLACE });
    });

    it("refuses a batch without a row, and makes none", async () => {
      const { seals, row } = await open();
      const batchId = freshBatchId();

      const sealing = seals.markSealed(batchId, PLACE);

      await expect(sealing).rejects.toMatchObject({ code: "storage-unavailable", retryable: false });
      await expect(sealing).rejects.toThrow(/has no row/);
      expect(await row(batchId)).toBeUndefined();
    });

    it("writes the row before it takes the pointer away", async () => {
      const { ledger, seals, row, pointers } = await open((client) =>
        intercept(client, async ({ name }, forward) => {
          if (name === "DeleteItemCommand") throw vendorError("ValidationException");
          return forward();
        }),
      );
      const record = recordOf();
      await ledger.register(record);

      await expect(seals.markSealed(record.batchId, PLACE)).rejects.toMatchObject({
        code: "storage-unavailable",
      });

      expect(await row(record.batchId)).toMatchObject({ f: { N: "7" }, sg: { S: PLACE.segment } });
      expect(await pointers()).toEqual([record.batchId]);
      expect(await seals.pending(10)).toMatchObject([{ row: { sealed: PLACE } }]);
    });

    it("goes on after throttling, and after an answer that was lost", async () => {
      let calls = 0;
      const { ledger, seals, pointers } = await open((client) =>
        intercept(client, async (_, forward) => {
          calls++;
          if (calls === 1) throw vendorError("ThrottlingException");
          const answer = await forward();
          if (calls === 2 || calls === 4) throw vendorError("InternalServerError");
          return answer;
        }),
      );
      const record = recordOf();
      await ledger.register(record);

      await seals.markSealed(record.batchId, PLACE);

      expect(await ledger.find(record.batchId)).toMatchObject({ sealed: PLACE });
      expect(await pointers()).toEqual([]);
    });

    it("is known at once where a batch is registered with its place", async () => {
      const { ledger, seals } = await open();
      const record = { ...recordOf(), sealed: PLACE };

      await ledger.register(record);

      expect(await ledger.find(record.batchId)).toEqual(record);
      expect(await seals.pending(10)).toEqual([]);
    });
  });

  describe("pointing to a batch again", () => {
    it("brings back a pointer that was lost", async () => {
      const { seals, client, tableName, pointers, ledger } = await open();
      const record = recordOf();
      await ledger.register({ ...record, sealed: PLACE });
      await client.send(new PutItemCommand({ TableName: tableName, Item: unsealedRow(record.batchId) }));

      await seals.repoint(record.batchId);
      await seals.repoint(record.batchId);

      expect(await pointers()).toEqual([record.batchId]);
    });

    it("never points to a batch that is sealed, or has no row", async () => {
      const { ledger, seals, pointers } = await open();
      const record = recordOf();
      await ledger.register(record);
      await seals.markSealed(record.batchId, PLACE);

      await seals.repoint(record.batchId);
      await seals.repoint(freshBatchId());

      expect(await pointers()).toEqual([]);
    });

    it("leaves none behind where it races with the sealing of the batch", async () => {
      const { ledger, seals, pointers } = await open();
      const batchIds = Array.from({ length: 20 }, () => freshBatchId());
      for (const batchId of batchIds) await ledger.register(recordOf(batchId));

      await Promise.all(
        batchIds.flatMap((batchId) => [seals.markSealed(batchId, PLACE), seals.repoint(batchId)]),
      );

      expect(await pointers()).toEqual([]);
    });

    it("goes on after another transaction stood in the way", async () => {
      let calls = 0;
      const { ledger, seals } = await open((client) =>
        intercept(client, async (_, forward) => {
          if (++calls > 1) return forward();
          const CancellationReasons = [{ Code: "TransactionConflict" }, { Code: "None" }];
          throw new TransactionCanceledException({
            message: "made to fail",
            $metadata: {},
            CancellationReasons,
          });
        }),
      );
      const record = recordOf();
      await ledger.register(record);

      await seals.repoint(record.batchId);

      expect(calls).toBe(2);
    });
  });
});

function pointer(batchId: string): Record<string, AttributeValue> {
  return { pk: { S: "pending" }, sk: { S: batchId }, v: { N: "1" } };
}

function unsealedRow(batchId: string): Record<string, AttributeValue> {
  return { pk: { S: `b#${batchId}` }, sk: { S: "b" }, v: { N: "1" }, l: { N: "2" } };
}
