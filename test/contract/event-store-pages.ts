// Contract of EventStore, part: what one query finds and in which order, bounds of time, tenants.
import { describe, expect, it } from "vitest";

import type { StoreSubject } from "#test/contract/subjects.ts";
import {
  findIds,
  freshTenant,
  idsOf,
  planFor,
  sampleLine,
  sampleLines,
  timeAt,
} from "#test/contract/sample-lines.ts";

export function pageContract(subject: StoreSubject): void {
  describe("page", () => {
    it("answers the newest first, or the oldest first where asked", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 9);
      await put(lines.toSorted((a, b) => (a.contentHash < b.contentHash ? -1 : 1)));

      expect(await findIds(store, tenantId, { order_desc: false })).toEqual(idsOf(lines));
      expect(await findIds(store, tenantId)).toEqual(idsOf(lines).toReversed());
    });

    it("answers the exact stored lines", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 3, { message: "é 漢字 😀 \n" });
      await put(lines);

      const page = await store.page(planFor(tenantId, { order_desc: false }));

      expect(page.lines).toEqual(lines.map(({ text }) => ({ text })));
    });

    it("orders ties in time by event id, by UTF-16 code units", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const ids = ["b", "a", "B", "a-", "a.", "a:", "a_", "aa", "10", "9", "-", "Z", "a0"];
      await put(ids.map((id) => sampleLine({ tenant_id: tenantId, event_id: id, timestamp: timeAt(5) })));

      const inOrder = ids.toSorted((a, b) => (a < b ? -1 : 1));
      expect(await findIds(store, tenantId, { order_desc: false })).toEqual(inOrder);
      expect(await findIds(store, tenantId)).toEqual(inOrder.toReversed());
    });

    it("compares times as instants to the nanosecond, however they are written", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const times = {
        a: "2026-02-01T00:00:00Z",
        b: "2026-02-01T00:00:00.000000001Z",
        c: "2026-02-01T01:00:00.000000002+01:00",
        d: "2026-01-31T23:00:00.1-01:00",
        e: "2026-02-01T00:00:00.100000001Z",
        f: "2026-02-01T05:30:01+05:30",
      };
      const lines = Object.entries(times).map(([id, timestamp]) =>
        sampleLine({ tenant_id: tenantId, event_id: id, timestamp }),
      );
      await put(lines.toReversed());

      expect(await findIds(store, tenantId, { order_desc: false })).toEqual(["a", "b", "c", "d", "e", "f"]);
    });

    it("reaches from 1970 to today", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const times = ["1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2025-02-28T00:00:00Z", timeAt(0)];
      await put(
        times.map((timestamp, index) => sampleLine({ tenant_id: tenantId, event_id: `${index}`, timestamp })),
      );

      expect(await findIds(store, tenantId)).toEqual(["3", "2", "1", "0"]);
    });

    it("takes both bounds of time as inclusive", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 10);
      await put(lines);
      const bounds = { start_time: timeAt(3), end_time: timeAt(6) };

      const inside = idsOf(lines).slice(3, 7);
      expect(await findIds(store, tenantId, bounds)).toEqual(inside.toReversed());
      expect(await findIds(store, tenantId, { ...bounds, order_desc: false })).toEqual(inside);
    });

    it("takes one bound alone, and bounds that hold nothing", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 4);
      await put(lines);
      const ascending = { order_desc: false };

      expect(await findIds(store, tenantId, { start_time: timeAt(2), ...ascending })).toEqual(
        idsOf(lines).slice(2),
      );
      expect(await findIds(store, tenantId, { end_time: timeAt(1), ...ascending })).toEqual(
        idsOf(lines).slice(0, 2),
      );
      expect(await findIds(store, tenantId, { start_time: timeAt(50) })).toEqual([]);
      expect(
        await findIds(store, tenantId, {
          start_time: "2026-02-01T00:00:01.000000001Z",
          end_time: "2026-02-01T00:00:01.999999999Z",
        }),
      ).toEqual([]);
    });

    it("shows a tenant its own events alone", async () => {
      const { store, put } = subject();
      const [mine, other] = [freshTenant(), freshTenant()];
      const lines = [...sampleLines(mine, 3), ...sampleLines(other, 4)];
      await put(lines.toSorted((a, b) => (a.contentHash < b.contentHash ? -1 : 1)));

      expect(await findIds(store, mine)).toEqual(idsOf(sampleLines(mine, 3)).toReversed());
      expect(await findIds(store, other, { service_names: ["shop"] })).toHaveLength(4);
    });

    it("answers a tenant without events with one empty page", async () => {
      const { store } = subject();

      const page = await store.page(planFor(freshTenant()));

      expect(page).toMatchObject({ lines: [], next: undefined, skipped: 0 });
    });

    it("states what a page cost", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 5));

      const { cost, lines } = await store.page(planFor(tenantId, { limit: 2 }));

      expect(lines).toHaveLength(2);
      expect(cost.entries).toBeGreaterThanOrEqual(2);
      expect(cost.lines).toBeGreaterThanOrEqual(2);
      expect(cost.bytes).toBeGreaterThan(0);
    });
  });
}
