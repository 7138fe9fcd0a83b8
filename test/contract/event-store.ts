/**
 * The contract suite of the port EventStore, published as `audit-service/testing`: whoever writes a backend runs it
 * to prove that it keeps what the port promises. Registers vitest tests; each works under a tenant of its own, so the
 * store need not be empty.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { countContract } from "#test/contract/event-store-counts.ts";
import { filterContract } from "#test/contract/event-store-filters.ts";
import { pageContract } from "#test/contract/event-store-pages.ts";
import { pagingContract } from "#test/contract/event-store-paging.ts";
import { freshTenant, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import type { StoreSubject, StoreUnderTest } from "#test/contract/subjects.ts";

/**
 * Registers the suite.
 * @param name what the backend is called in the report
 * @param openStore opens the store; called once
 * @example
 * import { eventStoreContract } from "audit-service/testing";
 *
 * eventStoreContract("my store", async () => {
 *   const store = await openMyStore();
 *   return { store, put: (lines) => store.append(lines), close: () => store.close() };
 * });
 */
export function eventStoreContract(name: string, openStore: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of EventStore`, () => {
    let opened: StoreUnderTest | undefined;
    const subject: StoreSubject = () => {
      if (opened === undefined) throw new Error("the store is not open");
      return opened;
    };

    beforeAll(async () => {
      opened = await openStore();
    });

    afterAll(async () => {
      await opened?.close();
    });

    getContract(subject);
    pageContract(subject);
    filterContract(subject);
    pagingContract(subject);
    countContract(subject);
    conditionContract(subject);
  });
}

function getContract(subject: StoreSubject): void {
  describe("get", () => {
    it("answers the exact stored line", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const line = sampleLine({
        tenant_id: tenantId,
        event_id: "one",
        message: 'quote " backslash \\ newline \n \u2028 é 漢字 😀',
        metadata: { b: [1.5, null, { "": "" }], a: "\u0001" },
      });

      await put([line]);

      expect(await store.get({ tenantId, eventId: "one" })).toEqual({ text: line.text });
    });

    it("answers undefined where nothing is stored under the id", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 3));

      expect(await store.get({ tenantId, eventId: "event-9" })).toBeUndefined();
      expect(await store.get({ tenantId: freshTenant(), eventId: "event-000001" })).toBeUndefined();
    });

    it("keeps the same id of two tenants apart", async () => {
      const { store, put } = subject();
      const [first, second] = [freshTenant(), freshTenant()];
      const lines = [first, second].map((tenantId) => sampleLine({ tenant_id: tenantId, event_id: "same" }));

      await put(lines);

      expect(await store.get({ tenantId: first, eventId: "same" })).toEqual({ text: lines[0]?.text });
      expect(await store.get({ tenantId: second, eventId: "same" })).toEqual({ text: lines[1]?.text });
    });

    it("tells ids apart that differ in case alone, or in one character", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const ids = ["abc", "ABC", "abcd", "ab", "a.c", "a:c", "a-c", "a_c", "x".repeat(128)];

      await put(
        ids.map((eventId) => sampleLine({ tenant_id: tenantId, event_id: eventId, message: eventId })),
      );

      for (const eventId of ids) {
        expect((await store.get({ tenantId, eventId }))?.text).toContain(`"message":"${eventId}"`);
      }
    });

    it("reads a line of the largest size", async () => {
      const { store, put } = subject();
      const tenantId = freshTenant();
      const changes = Array.from({ length: 4 }, (_, index) => ({
        path: `/${index}`,
        after: "x".repeat(60_000),
      }));
      const line = sampleLine({ tenant_id: tenantId, event_id: "large", changes });

      await put([line]);

      expect(await store.get({ tenantId, eventId: "large" })).toEqual({ text: line.text });
    });
  });
}

function conditionContract(subject: StoreSubject): void {
  describe("flush and probe", () => {
    it("flush resolves, with nothing to do too", async () => {
      const { store, put } = subject();
      await put(sampleLines(freshTenant(), 2));

      await expect(store.flush()).resolves.toBeUndefined();
      await expect(store.flush()).resolves.toBeUndefined();
    });

    it("probe finds a store in order healthy, with nothing to complain about", async () => {
      const { store } = subject();

      expect(await store.probe()).toMatchObject({ status: "healthy", problems: [] });
    });

    it("probes may run side by side", async () => {
      const { store } = subject();

      const found = await Promise.all(Array.from({ length: 8 }, () => store.probe()));

      expect(found.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => "healthy"));
    });
  });
}
