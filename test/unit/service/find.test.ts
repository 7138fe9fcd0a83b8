// Finding by id and by query, over a naive store.
import { describe, expect, it } from "vitest";
import { AuditQueryError } from "#lib/errors.ts";
import { parseQuery } from "#query/audit-query.ts";
import type { Find } from "#service/find.ts";
import { createFind, foundPageJson, MAX_COUNTED_MATCHES, readFoundPage } from "#service/find.ts";
import { accepted } from "#test/support/event-fixtures.ts";
import { withFaults } from "#test/support/faults.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

describe("byId", () => {
  it("answers the event without what only the stored line holds", async () => {
    const { find } = await withEvents(1);

    const json = await find.byId({ tenantId: "default", eventId: "e0" });

    expect(JSON.parse(json ?? "")).toMatchObject({ event_id: "e0", content_hash: expect.any(String) });
    expect(json).not.toContain('"_');
  });

  it("answers undefined for another tenant", async () => {
    const { find } = await withEvents(1);

    expect(await find.byId({ tenantId: "acme", eventId: "e0" })).toBeUndefined();
  });

  it("asks again, with growing pauses, until the time is up", async () => {
    const faulty = withFaults(new MemoryStore());
    const time = virtualTime();
    const find = createFind({ store: faulty.port, ...time });

    expect(await find.byId({ tenantId: "default", eventId: "e0" }, 20_000)).toBeUndefined();

    expect(time.monotonicMs()).toBe(20_000);
    expect(faulty.calls("get")).toBeGreaterThan(10);
    expect(faulty.calls("get")).toBeLessThan(100);
  });
});

describe("page", () => {
  it("pages through everything once, whatever the read budget", async () => {
    const { find } = await withEvents(25, new MemoryStore({ maxReads: 4 }));

    const ids = await idsOfAllPages(find, { limit: 10, user_ids: ["even"] });

    expect(ids).toEqual(Array.from({ length: 13 }, (_, index) => `e${24 - index * 2}`));
  });

  it("counts on request, and says null where that goes too far", async () => {
    const { find, store } = await withEvents(3);
    const query = parseQuery({ limit: 1, include_total: true });

    expect((await find.page({ tenantId: "default", query })).total_count).toBe(3);
    store.count = async (_, max) => ({
      matches: max === MAX_COUNTED_MATCHES ? null : 0,
      cost: { entries: 0, lines: 0, bytes: 0 },
    });
    expect((await find.page({ tenantId: "default", query })).total_count).toBeNull();
  });

  it("does not count where a later page ends the matches, unless asked", async () => {
    const { find } = await withEvents(3);
    const first = await find.page({ tenantId: "default", query: parseQuery({ limit: 2 }) });

    const query = parseQuery({ limit: 2, cursor: first.next_cursor });

    expect((await find.page({ tenantId: "default", query })).total_count).toBeNull();
    expect(
      (await find.page({ tenantId: "default", query: { ...query, include_total: true } })).total_count,
    ).toBe(3);
  });

  it("counts what was skipped where an offset lies beyond the end", async () => {
    const { find } = await withEvents(3);

    const page = await find.page({ tenantId: "default", query: parseQuery({ offset: 10 }) });

    expect(page).toMatchObject({ events: [], has_more: false, total_count: 3 });
  });

  it("refuses an offset that the read budget does not reach", async () => {
    const { find } = await withEvents(5, new MemoryStore({ maxReads: 2 }));

    const page = find.page({ tenantId: "default", query: parseQuery({ offset: 4 }) });

    await expect(page).rejects.toMatchObject({ code: "use-cursor" });
    await expect(page).rejects.toBeInstanceOf(AuditQueryError);
  });

  it("adds up what page and count read, on explain", async () => {
    const { find } = await withEvents(3);

    const { plan } = await find.page({
      tenantId: "default",
      query: parseQuery({ limit: 1, include_total: true, explain: true }),
    });

    expect(plan).toMatchObject({ access_path: "timeline", filters_left: [], lines_read: 4 });
  });

  it("makes a body of the very texts, the same as of their values", async () => {
    const { find } = await withEvents(3);
    const page = await find.page({ tenantId: "default", query: parseQuery({ explain: true }) });

    expect(JSON.parse(foundPageJson(page))).toEqual(readFoundPage(page));
    expect(foundPageJson(page)).toContain(page.events.join(","));
  });
});

interface Fixture {
  readonly find: Find;
  readonly store: MemoryStore;
}

async function withEvents(count: number, store = new MemoryStore()): Promise<Fixture> {
  const lines = Array.from({ length: count }, (_, index) =>
    accepted({
      event_id: `e${index}`,
      user_id: index % 2 === 0 ? "even" : "odd",
      timestamp: new Date(Date.parse("2026-01-01T00:00:00Z") + index * 1000).toISOString(),
    }),
  );
  await store.send(lines);
  return { store, find: createFind({ store, ...virtualTime() }) };
}

async function idsOfAllPages(find: Find, draft: object): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = readFoundPage(
      await find.page({ tenantId: "default", query: parseQuery({ ...draft, cursor }) }),
    );
    ids.push(...page.events.map(({ event_id }) => event_id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return ids;
}
