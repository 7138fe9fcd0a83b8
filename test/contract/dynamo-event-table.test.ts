// The table in DynamoDB keeps the contract of EventTable, and its own hazards do no harm: throttled statements and
// indexes, batches that work in part, answers that are lost, writers that race.
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { ITEM } from "#adapters/aws/keys.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import type { EventStore, EventTable } from "#service/ports.ts";
import { eventTableContract } from "#test/contract/event-table.ts";
import { entriesOf, freshBatchId } from "#test/contract/sample-batches.ts";
import { freshTenant, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import {
  counting,
  fastTiming,
  hasIndexKeys,
  intercept,
  refusing,
  statementsOf,
  vendorError,
} from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";

const directory = { epochs: async () => [FIRST_EPOCH] };

function tableOn(client: DynamoSender, tableName: string): EventTable {
  return createDynamoEventTable({ client, tableName, directory, retentionDays: 90, timing: fastTiming() });
}

function storeOn(client: DynamoSender, tableName: string): EventStore {
  return createDynamoEventStore({ client, tableName, directory, isDrained: async () => true });
}

describeDynamo("DynamoDB", (dynamo) => {
  eventTableContract("the table in DynamoDB", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    let isRefusing = false;
    const faulty = refusing(client, (statement) =>
      isRefusing && hasIndexKeys(statement) ? "ThrottlingError" : undefined,
    );
    return {
      table: tableOn(faulty, eventTable),
      find: (key) => storeOn(client, eventTable).get(key),
      refuseIndexKeys: () => {
        isRefusing = true;
        return () => {
          isRefusing = false;
        };
      },
      close: async () => undefined,
    };
  });

  it("tries throttled statements again, and only those", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const throttled = new Map<string, number>();
    const seen: number[] = [];
    const faulty = intercept(
      refusing(client, (statement) => {
        const key = JSON.stringify(statement.Parameters[0]);
        const tries = throttled.get(key) ?? 0;
        throttled.set(key, tries + 1);
        return tries < 1 && /[02468]"\}$/.test(key) ? "ProvisionedThroughputExceeded" : undefined;
      }),
      async (sent, forward) => {
        seen.push(statementsOf(sent).length);
        return forward();
      },
    );

    const outcomes = await tableOn(faulty, eventTable).insert(entriesOf(sampleLines(freshTenant(), 20)));

    expect(outcomes).toEqual(Array.from({ length: 20 }, () => ({ kind: "inserted", isIndexed: true })));
    expect(seen).toEqual([20, 10]);
  });

  it.each(["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"])(
    "goes on after a call was answered by %s",
    async (name) => {
      const { client, createTables } = dynamo();
      const { eventTable } = await createTables();
      let calls = 0;
      const faulty = intercept(client, async (_, forward) => {
        if (++calls <= 2) throw vendorError(name);
        return forward();
      });

      const outcomes = await tableOn(faulty, eventTable).insert(entriesOf(sampleLines(freshTenant(), 3)));

      expect(outcomes.map(({ kind }) => kind)).toEqual(["inserted", "inserted", "inserted"]);
    },
  );

  it("gives up at its deadline with a retryable error, and succeeds when called again", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const entries = entriesOf(sampleLines(freshTenant(), 4));
    const throttled = refusing(client, ({ Parameters: [key] }) =>
      JSON.stringify(key).includes("event-000002") ? "ThrottlingError" : undefined,
    );

    const failing = tableOn(throttled, eventTable).insert(entries);

    await expect(failing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    const outcomes = await tableOn(client, eventTable).insert(entries);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["exists", "exists", "inserted", "exists"]);
  });

  it("gives up on a large call in the time that a consumer has, though each part gets through in the end", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const timing = fastTiming();
    const tries = new Map<string, number>();
    const busy = refusing(client, ({ Parameters: [key] }) => {
      const before = tries.get(JSON.stringify(key)) ?? 0;
      tries.set(JSON.stringify(key), before + 1);
      return before < 5 ? "ThrottlingError" : undefined;
    });
    const options = { client: busy, tableName: eventTable, directory, retentionDays: 90, timing };
    const entries = entriesOf(sampleLines(freshTenant(), 2_500));
    const beganMs = timing.monotonicMs();

    const failing = createDynamoEventTable(options).insert(entries);

    await expect(failing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    // Time that a test keeps adds the last pauses up, of up to 2 s, of the three other calls that were let wait just before.
    expect(timing.monotonicMs() - beganMs).toBeLessThan(60_000 + 3 * 2_000);
  });

  it.each(["ValidationError", "AccessDenied", "ResourceNotFound"] as const)(
    "does not try again what was refused for good (%s)",
    async (code) => {
      const { client, createTables } = dynamo();
      const { eventTable } = await createTables();
      const { client: counted, sent } = counting(client);
      const faulty = intercept(counted, async (command, forward) => {
        await forward();
        return { Responses: statementsOf(command).map(() => ({ Error: { Code: code } })) };
      });

      const failing = tableOn(faulty, eventTable).insert(entriesOf(sampleLines(freshTenant(), 2)));

      const retryable = code !== "ValidationError";
      await expect(failing).rejects.toMatchObject({ details: { vendorError: code }, retryable });
      expect(sent).toEqual({ BatchExecuteStatementCommand: 1 });
    },
  );

  it("knows its own entries when the answer to their insert was lost", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const entries = entriesOf(sampleLines(freshTenant(), 30));
    const lost = new Set<string>();
    const faulty = intercept(client, async (sent, forward) => {
      const answer = await forward();
      const first = JSON.stringify(statementsOf(sent)[0]?.Parameters[0]);
      if (lost.has(first)) return answer;
      lost.add(first);
      throw vendorError("InternalServerError");
    });

    const outcomes = await tableOn(faulty, eventTable).insert(entries);

    expect(outcomes).toEqual(
      entries.map(({ batchId, line, prepared: { contentHash } }) => {
        return { kind: "exists", at: { batchId, line }, contentHash, isIndexed: true };
      }),
    );
  });

  it("inserts again what expired between the insert and the look at what stood in the way", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    let isGone = false;
    const faulty = intercept(client, async (sent, forward) => {
      if (sent.name !== "BatchExecuteStatementCommand" || isGone) return forward();
      isGone = true;
      return { Responses: [{ Error: { Code: "DuplicateItem" } }] };
    });

    const outcomes = await tableOn(faulty, eventTable).insert(entriesOf(sampleLines(freshTenant(), 1)));

    expect(outcomes).toEqual([{ kind: "inserted", isIndexed: true }]);
  });

  it("gives up where something always stands in the way that cannot be read", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const faulty = refusing(client, () => "DuplicateItem");

    const failing = tableOn(faulty, eventTable).insert(entriesOf(sampleLines(freshTenant(), 2)));

    await expect(failing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
  });

  it("reads what stands in the way consistently", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const entries = entriesOf(sampleLines(freshTenant(), 2));
    await tableOn(client, eventTable).insert(entries);
    const reads: unknown[] = [];
    const watched = intercept(client, async ({ name, input }, forward) => {
      if (name === "BatchGetItemCommand") reads.push(input["RequestItems"]);
      return forward();
    });

    await tableOn(watched, eventTable).insert(entries);

    expect(reads).toMatchObject([{ [eventTable]: { ConsistentRead: true } }]);
  });

  it("reads what stands in the way to its end when parts of the read are left over", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const entries = entriesOf(sampleLines(freshTenant(), 25));
    await tableOn(client, eventTable).insert(entries);
    const faulty = intercept(client, async ({ name, input }, forward) => {
      if (name !== "BatchGetItemCommand") return forward();
      const { [eventTable]: request } = input["RequestItems"] as Record<string, { readonly Keys: unknown[] }>;
      const [now, later] = [request!.Keys.slice(0, 10), request!.Keys.slice(10)];
      const answer = (await forward({
        ...input,
        RequestItems: { [eventTable]: { ...request, Keys: now } },
      })) as object;
      return later.length === 0
        ? answer
        : { ...answer, UnprocessedKeys: { [eventTable]: { ...request, Keys: later } } };
    });

    const outcomes = await tableOn(faulty, eventTable).insert(entries);

    expect(outcomes.every(({ kind }) => kind === "exists")).toBe(true);
  });

  it("lets one of two writers win each id when they race over batches of other order", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const tenantId = freshTenant();
    const lines = sampleLines(tenantId, 200);
    const [one, other] = [entriesOf(lines), entriesOf(lines.toReversed())];

    const outcomes = await Promise.all(
      [one, other].map((entries) => tableOn(client, eventTable).insert(entries)),
    );

    const winners = outcomes.flat().filter(({ kind }) => kind === "inserted");
    expect(winners).toHaveLength(200);
    const { Count: count } = await client.send(new ScanCommand({ TableName: eventTable, Select: "COUNT" }));
    expect(count).toBe(200);
  });

  it("keeps an item for so many days behind received_at, not behind its timestamp", async () => {
    const { client, createTables } = dynamo();
    const { eventTable } = await createTables();
    const line = sampleLine({ tenant_id: freshTenant(), event_id: "old", timestamp: "1999-01-01T00:00:00Z" });

    await tableOn(client, eventTable).insert(entriesOf([line], freshBatchId()));

    const { Items: items } = await client.send(new ScanCommand({ TableName: eventTable }));
    const expiryS = Date.parse("2026-03-01T12:00:00.000Z") / 1000 + 90 * 86_400;
    expect(items?.[0]?.[ITEM.expiry]).toEqual({ N: String(expiryS) });
  });
});
