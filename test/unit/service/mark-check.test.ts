// Reads from tables that lack what was stored are refused, not answered as nothing; a look that fails itself stops nobody.
import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { createCheckedLeaves, createCheckedStore, withMarks } from "#service/mark-check.ts";
import type { EventStore, StoreHealth } from "#service/ports.ts";
import type { Mark, ReadableMark } from "#service/table-mark.ts";
import { planFor } from "#test/contract/sample-lines.ts";
import { MemoryLeaves } from "#test/support/memory-leaves.ts";
import { MemoryStore } from "#test/support/memory-store.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

const AFTER_MS = 60_000;
const MARK: Mark = { incarnation: "one", tableId: "id" };
const REFUSED = expect.objectContaining({
  code: "storage-unavailable",
  retryable: false,
  message: expect.stringContaining("table events is empty") as string,
});
const DOWN = new AuditStorageError("storage-unavailable", "made to fail", { retryable: true });

/** Two tables, of which that of events is what the test makes of it. */
function tables() {
  const state = {
    mark: MARK as Mark | undefined,
    looks: 0,
    trouble: undefined as Promise<never> | undefined,
    onSeen: (): void => undefined,
  };
  const read: ReadableMark["read"] = async () => {
    state.looks++;
    await state.trouble;
    const seen = { tableId: MARK.tableId, mark: state.mark };
    state.onSeen();
    return seen;
  };
  const marks: readonly ReadableMark[] = [
    { table: "events", read },
    { table: "ledger", read: async () => ({ tableId: MARK.tableId, mark: MARK }) },
  ];
  return { state, marks };
}

function checkedStore() {
  const { state, marks } = tables();
  const { monotonicMs, sleep, pass } = virtualTime();
  const store = createCheckedStore(new MemoryStore(), { marks, afterMs: AFTER_MS, monotonicMs, sleep });
  const get = () => store.get({ tenantId: "t", eventId: "e" });
  return { state, store, get, pass };
}

describe("createCheckedLeaves", () => {
  it("finds no event where a table was emptied, and reads lines all the same", async () => {
    const { state, marks } = tables();
    const leaves = createCheckedLeaves(new MemoryLeaves(), { marks, afterMs: AFTER_MS, ...virtualTime() });
    state.mark = undefined;

    const finding = leaves.findLeaf({ tenantId: "t", eventId: "e" });

    await expect(finding).rejects.toEqual(REFUSED);
    expect(await leaves.readLeaves(0, 1)).toEqual({ lines: [], unreadable: [], next: 0 });
  });
});

describe("createCheckedStore", () => {
  it.each<readonly [string, (store: EventStore) => Promise<unknown>]>([
    ["get", (store) => store.get({ tenantId: "t", eventId: "e" })],
    ["page", (store) => store.page(planFor("t"))],
    ["count", (store) => store.count(planFor("t"), 10)],
  ])("refuses %s where a table was emptied", async (_, read) => {
    const { state, store } = checkedStore();
    state.mark = undefined;

    await expect(read(store)).rejects.toEqual(REFUSED);
  });

  it("looks once a minute, and sees a table that was replaced meanwhile", async () => {
    const { state, get, pass } = checkedStore();
    await get();
    await get();
    state.mark = undefined;

    pass(AFTER_MS - 1);
    const early = await get();
    const looks = state.looks;
    pass(1);

    expect([early, looks]).toEqual([undefined, 1]);
    await expect(get()).rejects.toEqual(REFUSED);
  });

  it("reads again as soon as the table is restored", async () => {
    const { state, get } = checkedStore();
    state.mark = undefined;
    await expect(get()).rejects.toEqual(REFUSED);

    state.mark = MARK;

    expect(await get()).toBeUndefined();
  });

  it("does not take a first start, which marks one table after the other, for a loss", async () => {
    const { state, get } = checkedStore();
    state.mark = undefined;

    state.onSeen = () => {
      state.mark = MARK;
    };

    expect(await get()).toBeUndefined();
    expect(state.looks).toBe(2);
  });

  it("reads on where the look fails for a while", async () => {
    const { state, get } = checkedStore();
    state.trouble = Promise.reject(DOWN);

    expect(await get()).toBeUndefined();
  });

  it("does not read where it has seen an emptied table, though the next look fails", async () => {
    const { state, get } = checkedStore();
    state.mark = undefined;
    await expect(get()).rejects.toEqual(REFUSED);

    state.trouble = Promise.reject(DOWN);

    await expect(get()).rejects.toEqual(REFUSED);
  });

  it("reads on where a look does not end", async () => {
    const { state, get } = checkedStore();
    const { promise, reject } = Promise.withResolvers<never>();
    state.trouble = promise;

    expect(await get()).toBeUndefined();
    reject(DOWN);
  });
});

describe("withMarks", () => {
  const HEALTHY: StoreHealth = { status: "healthy", problems: [], details: { type: "dynamodb" } };

  it("leaves a store alone whose tables belong together", async () => {
    const { marks } = tables();

    expect(await withMarks(async () => HEALTHY, marks)()).toEqual(HEALTHY);
  });

  it("finds a store unhealthy one of whose tables was emptied, and says which", async () => {
    const { state, marks } = tables();
    state.mark = undefined;

    expect(await withMarks(async () => HEALTHY, marks)()).toEqual({
      ...HEALTHY,
      status: "unhealthy",
      problems: [expect.stringContaining("table events is empty")],
    });
  });

  it("finds a store unhealthy whose marks do not answer", async () => {
    const { state, marks } = tables();
    state.trouble = Promise.reject(DOWN);

    expect(await withMarks(async () => HEALTHY, marks)()).toMatchObject({
      status: "unhealthy",
      problems: ["made to fail"],
    });
  });
});
