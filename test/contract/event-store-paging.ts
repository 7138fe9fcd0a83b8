// Contract of EventStore, part: pages that follow each other. Nothing repeats and nothing is skipped, in either
// direction, with any limit, while events keep arriving.
import { describe, expect, it } from "vitest";

import type { StoreSubject } from "#test/contract/subjects.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import {
  findIds,
  freshTenant,
  idOf,
  idsOf,
  planFor,
  readPages,
  sampleLine,
  sampleLines,
  timeAt,
} from "#test/contract/sample-lines.ts";
import type { QueryPlan } from "#query/plan.ts";
import type { EventStore, LinePage } from "#service/ports.ts";

const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export function pagingContract(subject: StoreSubject): void {
  describe("paging", () => {
    it.each([1, 2, 3, 7, 20, 21, 1000])("by %i joins to the whole, in both directions", async (limit) => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 21);
      await put(lines.toReversed());

      expect(await findIds(store, tenantId, { limit, order_desc: false })).toEqual(idsOf(lines));
      expect(await findIds(store, tenantId, { limit })).toEqual(idsOf(lines).toReversed());
    });

    it("goes through events of one and the same time", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 12, { timestamp: timeAt(1) });
      await put(lines.toReversed());

      expect(await findIds(store, tenantId, { limit: 5, order_desc: false })).toEqual(idsOf(lines));
      expect(await findIds(store, tenantId, { limit: 5 })).toEqual(idsOf(lines).toReversed());
    });

    it("has no next page only at the end", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 4));

      const pages = await readPages(store, planFor(tenantId, { limit: 2 }));

      expect(pages.flat()).toHaveLength(4);
      expect((await store.page(planFor(tenantId, { limit: 3 }))).next).toBeDefined();
    });

    it("goes on behind a place where no event is", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 6);
      await put(lines);
      const instant = lines[3]?.instant ?? { seconds: 0, nanos: 0 };
      const ids = async (isDescending: boolean, eventId: string): Promise<readonly string[]> => {
        const plan = planFor(tenantId, { order_desc: isDescending }, { instant, eventId });
        return (await readPages(store, plan)).flat().map(idOf);
      };

      expect(await ids(false, "event-000003")).toEqual(["event-000004", "event-000005"]);
      expect(await ids(false, "a")).toEqual(["event-000003", "event-000004", "event-000005"]);
      expect(await ids(true, "event-000003")).toEqual(["event-000002", "event-000001", "event-000000"]);
      expect(await ids(true, "z")).toEqual(["event-000003", "event-000002", "event-000001", "event-000000"]);
    });

    it.each([true, false])(
      "finds each earlier event once while events arrive (descending: %s)",
      async (order_desc) => {
        const { store, put } = subject();
        const tenantId = freshTenant();
        const lines = sampleLines(tenantId, 40);
        await put(lines);
        const plan = planFor(tenantId, { limit: 3, order_desc });

        const found = await readWhileWriting(store, plan, (round) => put(arrivals(tenantId, round)));

        const earlier = new Set(idsOf(lines));
        const seen = found.filter((id) => earlier.has(id));
        expect(seen).toEqual(order_desc ? idsOf(lines).toReversed() : idsOf(lines));
        expect(new Set(found).size).toBe(found.length);
      },
    );

    it("passes over as many matches as asked", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 10);
      await put(lines);
      const oldest = { order_desc: false };

      expect(await findIds(store, tenantId, { offset: 4, ...oldest })).toEqual(idsOf(lines).slice(4));
      expect(await findIds(store, tenantId, { offset: 4, limit: 2, ...oldest })).toEqual(
        idsOf(lines).slice(4),
      );
      expect(await findIds(store, tenantId, { offset: 10 })).toEqual([]);
    });

    it.each([
      { offset: 500, skipped: 10, found: 0 },
      { offset: 10, skipped: 10, found: 0 },
      { offset: 3, skipped: 3, found: 7 },
      { offset: 0, skipped: 0, found: 10 },
    ])("says how many matches it passed over (offset $offset)", async ({ offset, skipped, found }) => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 10));

      const totals = { skipped: 0, found: 0 };
      let next: QueryPlan | undefined = planFor(tenantId, { offset });
      while (next !== undefined) {
        const page: LinePage = await store.page(next);
        totals.skipped += page.skipped;
        totals.found += page.lines.length;
        const skip: number = next.skip - page.skipped;
        next = page.next === undefined ? undefined : { ...next, after: page.next, skip };
      }

      expect(totals).toEqual({ skipped, found });
    });

    it("ends a page at 4 MiB and loses nothing", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const changes = Array.from({ length: 4 }, (_, index) => ({
        path: `/${index}`,
        after: "é".repeat(30_000),
      }));
      const lines = sampleLines(tenantId, 24, { changes });
      await put(lines);

      const pages = await readPages(store, planFor(tenantId, { order_desc: false }));

      const sizes = pages.map((page) => page.reduce((sum, line) => sum + Buffer.byteLength(line), 0));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_PAGE_BYTES);
      expect(pages.flat().map(idOf)).toEqual(idsOf(lines));
    });
  });
}

/** Reads page by page, and writes between two pages. */
async function readWhileWriting(
  store: EventStore,
  plan: QueryPlan,
  write: (round: number) => Promise<void>,
): Promise<readonly string[]> {
  const found: string[] = [];
  let next: QueryPlan | undefined = plan;
  for (let round = 0; next !== undefined && round < 500; round++) {
    const page = await store.page(next);
    found.push(...page.lines.map(({ text }) => idOf(text)));
    next = page.next === undefined ? undefined : { ...plan, after: page.next };
    if (round < 20) await write(round);
  }
  return found;
}

/** Events before, among and behind those that are being read; some share an instant with one of them. */
function arrivals(tenantId: string, round: number): PreparedLine[] {
  return [-1, round, 20, 39, 100].map((seconds, index) =>
    sampleLine({
      tenant_id: tenantId,
      event_id: `${index % 2 === 0 ? "a" : "z"}-late-${round}-${index}`,
      timestamp: timeAt(seconds),
    }),
  );
}
