// What pages and counts of the store in DynamoDB cost: the same whatever is stored, and never more than their budgets.
import { beforeAll, describe, expect, it } from "vitest";

import { createDynamoEventStore } from "#adapters/aws/dynamo-event-store.ts";
import type { LinePage } from "#service/ports.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { freshTenant, idOf, planFor, timeAt } from "#test/contract/sample-lines.ts";
import { fastTiming, intercept } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import type { OpenedStore } from "#test/support/dynamodb-store.ts";
import { FIRST_LANES, mixedLines, openDynamoStore } from "#test/support/dynamodb-store.ts";

const QUERIES: readonly { readonly title: string; readonly query: Members }[] = [
  { title: "the latest", query: {} },
  { title: "the oldest", query: { order_desc: false } },
  { title: "of a user", query: { user_ids: ["user-7"] } },
  { title: "of a resource", query: { resource_ids: ["/r/3"] } },
  { title: "of a service", query: { service_names: ["service-3"] } },
  { title: "of a user from the middle", query: { user_ids: ["user-7"], end_time: timeAt(2300) } },
];

describeDynamo("DynamoDB", (dynamo) => {
  describe("a page of 100", () => {
    const SIZES = [2_500, 7_500] as const;
    const tenants = new Map<number, string>();
    let opened: OpenedStore | undefined;

    beforeAll(async () => {
      opened = await openDynamoStore(dynamo());
      for (const size of SIZES) {
        const tenantId = freshTenant();
        tenants.set(size, tenantId);
        await opened.put(mixedLines(tenantId, size));
      }
    }, 180_000);

    it.each(QUERIES)(
      "$title takes at most 3 round trips, and costs the same whatever is stored",
      async ({ query }) => {
        const pageOf = async (size: number): Promise<LinePage> =>
          opened!.store.page(planFor(tenants.get(size)!, query));

        const [small, large] = [await pageOf(SIZES[0]), await pageOf(SIZES[1])];

        expect([small.lines.length, large.lines.length]).toEqual([100, 100]);
        expect(large.cost.roundTrips).toBeLessThanOrEqual(3);
        expect(small.cost.roundTrips).toBe(large.cost.roundTrips);
        expect(large.cost.units).toBeGreaterThan(50); // 100 lines, half a unit each
        expect(large.cost.units).toBeLessThanOrEqual(75);
        expect(Math.abs(large.cost.units! - small.cost.units!)).toBeLessThanOrEqual(5); // the notable lane is read to its share
      },
    );

    it("of a service is dear for its lines, so a page of one is not", async () => {
      const plan = planFor(tenants.get(7_500)!, { service_names: ["service-3"], limit: 1 });

      const page = await opened!.store.page(plan);

      expect(page.lines).toHaveLength(1);
      expect(page.cost.units).toBeLessThan(3);
    });

    it("of errors reads the notable lane alone", async () => {
      const page = await opened!.store.page(planFor(tenants.get(7_500)!, { levels: ["ERROR"] }));

      expect(page.lines).toHaveLength(100);
      expect(page.cost.entries).toBe(150);
      expect(page.cost.lines).toBe(100);
    });

    it("keeps to 2,000 index entries where few events match, and goes on behind them", async () => {
      const { store } = opened!;
      const plan = planFor(tenants.get(2_500)!, { request_ids: ["request-10"] });

      const first = await store.page(plan);
      const rest = await store.page({ ...plan, after: first.next });

      expect(first.lines).toEqual([]);
      expect(first.cost.entries).toBeLessThanOrEqual(2_000);
      expect(first.cost.entries).toBeGreaterThan(1_500);
      expect(rest.lines.map(({ text }) => idOf(text))).toEqual(["event-000010"]);
      expect(rest.next).toBeUndefined();
    });

    it("passes over matches by the index alone where it answers every filter", async () => {
      const page = await opened!.store.page(planFor(tenants.get(2_500)!, { offset: 500, limit: 10 }));

      expect(page.skipped).toBe(500);
      expect(page.cost.lines).toBe(10);
      expect(page.lines.map(({ text }) => idOf(text))[0]).toBe("event-001999");
    });

    it("counts by the index alone where it answers every filter, and gives up beyond its budget", async () => {
      const { store } = opened!;
      const count = async (query: Members): Promise<number | null> =>
        (await store.count(planFor(tenants.get(7_500)!, query), 5_000)).matches;

      expect(await count({ levels: ["ERROR"], service_names: ["service-0"] })).toBe(150);
      expect(await count({ user_ids: ["user-1"], actions: ["read"] })).toBe(375);
      expect(await count({ user_ids: ["user-1"], request_ids: ["request-21"] })).toBe(1);
      expect(await count({})).toBeNull();
      const { cost } = await store.count(planFor(tenants.get(7_500)!, { levels: ["ERROR"] }), 5_000);
      expect(cost.lines).toBe(0);
    });

    it("counts by the lines, at most 800 at once, where the index does not answer a filter", async () => {
      const { tableName } = opened!;
      let [asked, most] = [0, 0];
      const client = intercept(dynamo().client, async ({ name, input }, forward) => {
        const keys = name === "BatchGetItemCommand" ? keysOf(input, tableName) : 0;
        most = Math.max(most, (asked += keys));
        return forward().finally(() => (asked -= keys));
      });
      const parts = { client, tableName, directory: FIRST_LANES };
      const store = createDynamoEventStore({ ...parts, timing: fastTiming(), isDrained: async () => true });

      const all = await store.count(planFor(tenants.get(2_500)!, { resource_types: ["file"] }), 10_000);
      const one = await store.count(planFor(tenants.get(7_500)!, { request_ids: ["request-21"] }), 10_000);

      expect([all.matches, all.cost.lines]).toEqual([2_500, 2_500]);
      expect([one.matches, one.cost.lines]).toEqual([1, 7_500]);
      expect(most).toBeGreaterThan(100);
      expect(most).toBeLessThanOrEqual(800);
    });

    it("stops reading lines where there are more matches than are counted", async () => {
      const plan = planFor(tenants.get(7_500)!, { resource_types: ["file"] });

      const { matches, cost } = await opened!.store.count(plan, 2_000);

      expect(matches).toBeNull();
      expect(cost.lines).toBeLessThan(3_500);
    });
  });
});

/** How many items a BatchGetItem asks for. */
function keysOf(input: Readonly<Record<string, unknown>>, tableName: string): number {
  const { RequestItems: requests } = input as {
    readonly RequestItems: Readonly<Record<string, { readonly Keys: readonly unknown[] }>>;
  };
  return requests[tableName]?.Keys.length ?? 0;
}
