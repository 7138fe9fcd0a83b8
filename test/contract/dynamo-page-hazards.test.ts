// Pages of the store in DynamoDB where things move or lag: they go on across a growth of the lanes, end in time, and
// refuse what they cannot read instead of leaving it out.
import { randomBytes } from "node:crypto";

import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";

import { createDynamoDirectory } from "#adapters/aws/dynamo-directory.ts";
import { publishLanes } from "#adapters/aws/dynamo-directory-publish.ts";
import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import { createDynamoEventTable } from "#adapters/aws/dynamo-event-table.ts";
import { toItem } from "#adapters/aws/event-item.ts";
import { encodeBody } from "#adapters/aws/item-codec.ts";
import { ITEM } from "#adapters/aws/keys.ts";
import { FIRST_EPOCH } from "#adapters/aws/lanes.ts";
import type { EventStore, FoundLine, LinePage } from "#service/ports.ts";
import { entriesOf } from "#test/contract/sample-batches.ts";
import {
  findIds,
  freshTenant,
  idOf,
  idsOf,
  planFor,
  sampleLine,
  sampleLines,
  timeAt,
} from "#test/contract/sample-lines.ts";
import { fastTiming, intercept } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { FIRST_LANES, mixedLines, openDynamoStore } from "#test/support/dynamodb-store.ts";

describeDynamo("DynamoDB", (dynamo) => {
  it("goes on with a cursor after the lanes have grown, and finds old and new events", async () => {
    const { client, createTables } = dynamo();
    const { eventTable: tableName, ledgerTable: ledgerName } = await createTables();
    const timing = fastTiming();
    const lanes = createDynamoDirectory({ client, ledgerName, timing });
    const parts = { client, tableName, directory: lanes, timing };
    const table = createDynamoEventTable({ ...parts, retentionDays: 90 });
    const store = createDynamoEventStore({ ...parts, isDrained: async () => true });
    const tenantId = freshTenant();
    const [earlier, later] = [mixedLines(tenantId, 30), mixedLines(tenantId, 30, 30)];
    await table.insert(entriesOf(earlier));
    const plan = planFor(tenantId, { limit: 12, order_desc: false });
    const first = await store.page(plan);

    await publishLanes({ client, ledgerName, timing }, { lanes: 16, spread: 4 });
    timing.pass(15 * 60_000);
    await table.insert(entriesOf(later));
    const rest: FoundLine[] = [];
    let after = first.next;
    while (after !== undefined) {
      const page: LinePage = await store.page({ ...plan, after });
      rest.push(...page.lines);
      after = page.next;
    }

    const all = [...earlier, ...later];
    expect([...first.lines, ...rest].map(({ text }) => idOf(text))).toEqual(idsOf(all));
    for (const service of ["service-1", "service-7"]) {
      expect(await findIds(store, tenantId, { service_names: [service] })).toHaveLength(6);
    }
  });

  it.each([true, false])(
    "keeps its order where one lane is read on before another (descending: %s)",
    async (order_desc) => {
      const { put, store } = await openDynamoStore(dynamo());
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 320).map((line, n) =>
        sampleLine({
          tenant_id: tenantId,
          event_id: line.event.event_id,
          timestamp: timeAt(n),
          service_name: n < 20 || n >= 300 ? "bank" : "shop",
        }),
      );
      await put(lines);

      const ids = await findIds(store, tenantId, { limit: 1000, order_desc });

      expect(ids).toEqual(order_desc ? idsOf(lines).toReversed() : idsOf(lines));
    },
  );

  it("asks twice for a line that is not there yet, and passes over one that has expired", async () => {
    const { client } = dynamo();
    const { put, tableName } = await openDynamoStore(dynamo());
    const tenantId = freshTenant();
    await put(sampleLines(tenantId, 4));
    const asked: boolean[] = [];
    const lagging = intercept(client, async ({ name, input }, forward) => {
      if (name !== "BatchGetItemCommand") return forward();
      const { [tableName]: request } = input["RequestItems"] as Record<
        string,
        {
          readonly Keys: readonly { readonly pk: { readonly S: string } }[];
          readonly ConsistentRead: boolean;
        }
      >;
      asked.push(request!.ConsistentRead);
      const isHidden = (key: string): boolean =>
        key.endsWith("event-000001") || (key.endsWith("event-000002") && !request!.ConsistentRead);
      const keys = request!.Keys.filter(({ pk }) => !isHidden(pk.S));
      if (keys.length === 0) return { Responses: {} };
      return forward({ ...input, RequestItems: { [tableName]: { ...request, Keys: keys } } });
    });
    const store = createDynamoEventStore({
      client: lagging,
      tableName,
      directory: FIRST_LANES,
      isDrained: async () => true,
    });

    const ids = await findIds(store, tenantId, { order_desc: false });

    expect(ids).toEqual(["event-000000", "event-000002", "event-000003"]);
    expect(asked).toEqual([false, true]);
  });

  it("refuses a page that holds an item of a newer version, and names the version", async () => {
    const { client } = dynamo();
    const { put, store, table, tableName } = await openDynamoStore(dynamo());
    const tenantId = freshTenant();
    const [one, two] = sampleLines(tenantId, 2);
    await put([one!]);
    const [entry] = entriesOf([two!]);
    const item = toItem(entry!, { epoch: FIRST_EPOCH, retentionDays: 90 });
    const newer = { ...item, [ITEM.version]: { N: "2" } };
    await client.send(new PutItemCommand({ TableName: tableName, Item: newer }));
    const error = { code: "storage-unavailable", message: expect.stringMatching(/version 2/) };

    await expect(store.page(planFor(tenantId))).rejects.toMatchObject(error);
    await expect(store.get({ tenantId, eventId: "event-000001" })).rejects.toMatchObject(error);
    expect(await table.insert([entry!])).toMatchObject([{ kind: "exists", at: { line: 0 } }]);
  });

  it("tells in a page which events other content was sent for", async () => {
    const { put, store, table } = await openDynamoStore(dynamo());
    const tenantId = freshTenant();
    await put(sampleLines(tenantId, 2));
    const [other] = entriesOf(sampleLines(tenantId, 1, { message: "other" }));
    await table.noteConflict({ ...other!, eventId: "event-000000!ff" });

    const { lines } = await store.page(planFor(tenantId, { order_desc: false }));

    expect(lines.map(({ conflicts }) => conflicts)).toEqual([["event-000000!ff"], undefined]);
  });

  it("ends a page after 5 s with what it has, and says where to go on", async () => {
    const timing = fastTiming();
    const { client } = dynamo();
    const { put, tableName } = await openDynamoStore(dynamo());
    const tenantId = freshTenant();
    await put(sampleLines(tenantId, 1_500));
    const slow = intercept(client, async (_, forward) => {
      timing.pass(3_000);
      return forward();
    });
    const parts = { client: slow, tableName, directory: FIRST_LANES, timing };
    const store = createDynamoEventStore({ ...parts, isDrained: async () => true });
    const plan = planFor(tenantId, { request_ids: ["none"], order_desc: false });

    const page = await store.page(plan);

    expect(page.lines).toEqual([]);
    expect(page.next).toBeDefined();
    expect(page.cost.entries).toBeLessThan(1_500);
  });

  it("looks at the time between lines too, where only they tell what matches", async () => {
    const timing = fastTiming();
    const { client } = dynamo();
    const { put, tableName } = await openDynamoStore(dynamo());
    const tenantId = freshTenant();
    await put(sampleLines(tenantId, 600, { user_id: "ann" }));
    const slow = intercept(client, async ({ name }, forward) => {
      if (name === "BatchGetItemCommand") timing.pass(4_000); // two for a wave of 200
      return forward();
    });
    const parts = { client: slow, tableName, directory: FIRST_LANES, timing };
    const store = createDynamoEventStore({ ...parts, isDrained: async () => true });
    const plan = planFor(tenantId, { user_ids: ["ann"], request_ids: ["none"], order_desc: false });

    const page = await store.page(plan);
    const count = await store.count(plan, 10_000);

    expect([page.cost.lines, page.lines.length]).toEqual([200, 0]);
    expect(page.next?.eventId).toBe("event-000199");
    expect([count.cost.lines, count.matches]).toEqual([200, null]);
  });

  it("holds few lines at once where they are large", async () => {
    const { client } = dynamo();
    const { put, tableName } = await openDynamoStore(dynamo());
    const tenantId = freshTenant();
    await put(sampleLines(tenantId, 900));
    const noise = String.fromCharCode(...randomBytes(50_000).map((byte) => byte | 0x80)); // hard to compress
    const { text } = sampleLine({
      tenant_id: tenantId,
      stack_trace: noise,
      error_message: noise.slice(0, 9_000),
    });
    const body = { B: encodeBody(text) };
    let asked = 0;
    let most = 0;
    const large = intercept(client, async ({ name, input }, forward) => {
      if (name !== "BatchGetItemCommand") return forward();
      const { [tableName]: request } = input["RequestItems"] as Record<string, { readonly Keys: unknown[] }>;
      asked += request!.Keys.length;
      most = Math.max(most, asked);
      const { Responses: responses } = (await forward()) as {
        readonly Responses: Record<string, readonly object[]>;
      };
      asked -= request!.Keys.length;
      return {
        Responses: { [tableName]: responses[tableName]!.map((item) => ({ ...item, [ITEM.body]: body })) },
      };
    });
    const parts = { client: large, tableName, directory: FIRST_LANES };
    const store = createDynamoEventStore({ ...parts, isDrained: async () => true });
    const plan = planFor(tenantId, { request_ids: ["none"] });

    const page = await store.page(plan);
    const { matches } = await store.count(plan, 10_000);

    expect([page.next, page.cost.lines, matches]).toEqual([undefined, 900, 0]);
    expect(body.B.length).toBeGreaterThan(32 * 1024);
    expect(most).toBeLessThanOrEqual(512); // of 32 KiB in 16 MiB
  });

  it("gives up where an index answers neither entries nor an end, instead of calling that the end", async () => {
    const timing = fastTiming();
    const { client } = dynamo();
    const { tableName } = await openDynamoStore(dynamo());
    const empty = intercept(client, async () => {
      timing.pass(100);
      return { Items: [], LastEvaluatedKey: { pk: { S: "somewhere" } } };
    });
    const store = createDynamoEventStore({
      client: empty,
      tableName,
      directory: FIRST_LANES,
      timing,
      isDrained: async () => true,
    });

    const failing = store.page(planFor(freshTenant()));

    await expect(failing).rejects.toMatchObject({ code: "storage-unavailable", retryable: true });
    expect((await store.count(planFor(freshTenant()), 10)).matches).toBeNull();
  });

  it("says what is wrong when the table cannot be read, and never rejects", async () => {
    const { client } = dynamo();
    const store = createDynamoEventStore({
      client,
      tableName: "absent",
      directory: FIRST_LANES,
      isDrained: async () => true,
    });

    const health = await store.probe();

    expect(health).toMatchObject({ status: "unhealthy", details: { type: "dynamodb", table: "absent" } });
    expect(health.problems[0]).toMatch(/ResourceNotFoundException/);
  });

  it("flushes once both queues are empty, and gives up where they stay full", async () => {
    const { client } = dynamo();
    const { tableName } = await openDynamoStore(dynamo());
    const asked: boolean[] = [];
    const answering = (...answers: readonly boolean[]): EventStore => {
      const isDrained = async (): Promise<boolean> => {
        const answer = answers[asked.length] ?? answers.at(-1) ?? false;
        asked.push(answer);
        return answer;
      };
      return createDynamoEventStore({
        client,
        tableName,
        directory: FIRST_LANES,
        timing: fastTiming(),
        isDrained,
      });
    };

    await answering(false, false, true).flush();

    expect(asked).toEqual([false, false, true]);
    await expect(answering(false).flush()).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
  });
});
