// The head of the log in DynamoDB keeps the contract of LogLedger, whatever the service answers.
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { DynamoLogLedgerOptions } from "#adapters/aws/dynamo-log-ledger.ts";
import { createDynamoLogLedger } from "#adapters/aws/dynamo-log-ledger.ts";
import type { LogHead, LogLedger } from "#service/log-ports.ts";
import { logLedgerContract } from "#test/contract/log-ledger.ts";
import { BATCH_TIME_MS } from "#test/contract/sample-batches.ts";
import { intercept, vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

const HEAD: LogHead = { checkpoint: "log.example\n0\nAA==\n", staging: undefined, sealedAtMs: BATCH_TIME_MS };

function headOf(size: number): LogHead {
  return {
    checkpoint: `log.example\n${size}\nAA==\n\n— log.example AAAA\n`,
    staging: `staging/${size}`,
    sealedAtMs: BATCH_TIME_MS + size,
  };
}

interface Subject extends DynamoLogLedgerOptions {
  readonly log: LogLedger;
}

describeDynamo("DynamoDB", (dynamo) => {
  const open = async (
    around: (client: DynamoSender) => DynamoSender = (client) => client,
  ): Promise<Subject> => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    return { client, tableName, log: createDynamoLogLedger({ client: around(client), tableName }) };
  };

  logLedgerContract("the head of the log in DynamoDB", async () => {
    const { client, createTables } = dynamo();
    const { ledgerTable: tableName } = await createTables();
    const ledger = createDynamoLogLedger({ client, tableName });
    return {
      ledger,
      reopen: async () => createDynamoLogLedger({ client, tableName }),
      close: async () => undefined,
    };
  });

  describe("the head of the log", () => {
    it("is absent until it is founded, then what was swapped in last, byte for byte", async () => {
      const { log } = await open();

      const none = await log.readHead();
      const founded = await log.swapHead(undefined, HEAD);
      const first = await log.readHead();
      const grown = await log.swapHead(HEAD, headOf(3));

      expect([none, founded, first, grown]).toEqual([undefined, "swapped", HEAD, "swapped"]);
      expect(await log.readHead()).toEqual(headOf(3));
    });

    it("is founded once, and swapped from nothing but the very head that stands", async () => {
      const { log } = await open();
      await log.swapHead(undefined, HEAD);
      await log.swapHead(HEAD, headOf(3));

      const again = await log.swapHead(undefined, headOf(9));
      const stale = await log.swapHead(HEAD, headOf(9));

      expect([again, stale]).toEqual(["lost", "lost"]);
      expect(await log.readHead()).toEqual(headOf(3));
    });

    it("lets one of many swaps at once win", async () => {
      const { log } = await open();
      await log.swapHead(undefined, HEAD);

      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => log.swapHead(HEAD, headOf(index + 1))),
      );

      expect(outcomes.filter((outcome) => outcome === "swapped")).toHaveLength(1);
      expect(await log.readHead()).toEqual(headOf(outcomes.indexOf("swapped") + 1));
    });

    it("says that a swap whose answer was lost may be done", async () => {
      const { log } = await open((client) =>
        intercept(client, async ({ name }, forward) => {
          const answer = await forward();
          if (name === "PutItemCommand") throw vendorError("TimeoutError");
          return answer;
        }),
      );

      const swapping = log.swapHead(undefined, HEAD);

      await expect(swapping).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
      expect(await log.readHead()).toEqual(HEAD);
    });

    it("answers lost where the client sent a swap twice and met its own write", async () => {
      const { log } = await open((client) =>
        intercept(client, async ({ name }, forward) => {
          if (name === "PutItemCommand") await forward();
          return forward();
        }),
      );

      const outcome = await log.swapHead(undefined, HEAD);

      expect(outcome).toBe("lost");
      expect(await log.readHead()).toEqual(HEAD);
    });

    it.each(["ProvisionedThroughputExceededException", "ThrottlingException", "InternalServerError"])(
      "is not touched, and may be tried again, after %s",
      async (name) => {
        const { log, client, tableName } = await open((inner) =>
          intercept(inner, async () => Promise.reject(vendorError(name))),
        );

        await expect(log.readHead()).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
        await expect(log.swapHead(undefined, HEAD)).rejects.toMatchObject({ retryable: true });

        expect(await createDynamoLogLedger({ client, tableName }).readHead()).toBeUndefined();
      },
    );

    it.each([
      [{ v: { N: "2" }, checkpoint: { S: "x" }, sealed_at_ms: { N: "1" } }, /is of format 2; .* reads 1/],
      [{ checkpoint: { S: "x" }, sealed_at_ms: { N: "1" } }, /is of format none/],
      [{ v: { N: "1" }, sealed_at_ms: { N: "1" } }, /lacks its checkpoint or its time/],
      [{ v: { N: "1" }, checkpoint: { S: "x" } }, /lacks its checkpoint or its time/],
    ] as const)("refuses %j for good", async (attributes, problem) => {
      const { log, client, tableName } = await open();
      const Item = { pk: { S: "log" }, sk: { S: "head" }, ...attributes };
      await client.send(new PutItemCommand({ TableName: tableName, Item }));

      const reading = log.readHead();

      await expect(reading).rejects.toThrow(problem);
      await expect(reading).rejects.toMatchObject({ code: "storage-unavailable", retryable: false });
    });
  });
});
