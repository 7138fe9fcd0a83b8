// Contract of EventStore, part: counting matches, exactly or not at all.
import { describe, expect, it } from "vitest";

import type { StoreSubject } from "#test/contract/subjects.ts";
import { freshTenant, planFor, sampleLines, timeAt } from "#test/contract/sample-lines.ts";

export function countContract(subject: StoreSubject): void {
  describe("count", () => {
    it("counts a tenant's events, and none where there are none", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 7));

      expect((await store.count(planFor(tenantId), 100)).matches).toBe(7);
      expect((await store.count(planFor(freshTenant()), 100)).matches).toBe(0);
    });

    it("counts what filters and bounds leave", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const [ann, bob] = [{ user_id: "ann" }, { user_id: "bob", message: "Paid" }];
      await put([...sampleLines(tenantId, 5, ann), ...sampleLines(tenantId, 9, bob).slice(5)]);
      const count = async (query: Readonly<Record<string, unknown>>): Promise<number | null> =>
        (await store.count(planFor(tenantId, query), 100)).matches;

      expect(await count({ user_ids: ["ann"] })).toBe(5);
      expect(await count({ message_contains: "paid" })).toBe(4);
      expect(await count({ start_time: timeAt(3), end_time: timeAt(6) })).toBe(4);
      expect(await count({ user_ids: ["carl"] })).toBe(0);
    });

    it("is exact up to the limit and null beyond it", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 6, { user_id: "ann" }));
      const all = planFor(tenantId);
      const filtered = planFor(tenantId, { user_ids: ["ann"] });

      for (const plan of [all, filtered]) {
        expect((await store.count(plan, 6)).matches).toBe(6);
        expect((await store.count(plan, 5)).matches).toBeNull();
      }
    });

    it("counts from the beginning, whatever limit, offset and place the plan has", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 6, { user_id: "ann" });
      await put(lines);
      const after = { instant: lines[3]?.instant ?? { seconds: 0, nanos: 0 }, eventId: "event-000003" };

      for (const filter of [{}, { user_ids: ["ann"] }]) {
        const plan = planFor(tenantId, { limit: 1, offset: 2, ...filter }, after);
        expect((await store.count(plan, 100)).matches).toBe(6);
      }
    });
  });
}
