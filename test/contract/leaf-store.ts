// The contract suite of the port LeafStore, run by every adapter. Each test works under a tenant of its own, so the log
// need not be empty, and other tests may have leaves between its own.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { freshTenant, idOf, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import type { LeafLine, LeafPage, LeafStore } from "#service/log-ports.ts";

/** A log, opened for one run of the suite. */
export interface LeavesUnderTest {
  readonly leaves: LeafStore;
  /** Stores lines in the order given; resolves when `findLeaf` sees them. None of them has a leaf then. */
  readonly put: (lines: readonly PreparedLine[]) => Promise<void>;
  /** Gives a leaf to every line that was put; answers the size of the published log. */
  readonly seal: () => Promise<number>;
  /** Whether other content with the id of a stored event is kept under a derived id. */
  readonly keepsConflicts: boolean;
  readonly close: () => Promise<void>;
}

type Subject = () => LeavesUnderTest;

/** As the port promises them. */
const MAX_PAGE_LEAVES = 2000;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const LARGE_MESSAGE = "x".repeat(9000);
/** Together more than a page may hold. */
const LARGE_LINES = 600;
const DERIVED_ID = /^same![0-9a-f]{32}$/;

/** @param openLog called once */
export function leafStoreContract(name: string, openLog: () => Promise<LeavesUnderTest>): void {
  describe(`${name} keeps the contract of LeafStore`, () => {
    let opened: LeavesUnderTest | undefined;
    const subject: Subject = () => {
      if (opened === undefined) throw new Error("the log is not open");
      return opened;
    };

    beforeAll(async () => {
      opened = await openLog();
    });

    afterAll(async () => {
      await opened?.close();
    });

    findContract(subject);
    readContract(subject);
    pageContract(subject);
    conflictContract(subject);
  });
}

function findContract(subject: Subject): void {
  describe("findLeaf", () => {
    it("answers undefined for what is not stored", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      await put([sampleLine({ tenant_id: tenantId, event_id: "one" })]);
      await seal();

      expect(await leaves.findLeaf({ tenantId, eventId: "on" })).toBeUndefined();
      expect(await leaves.findLeaf({ tenantId: freshTenant(), eventId: "one" })).toBeUndefined();
    });

    it("answers the exact line, and no leaf before it is sealed", async () => {
      const { leaves, put } = subject();
      const tenantId = freshTenant();
      const line = sampleLine({ tenant_id: tenantId, event_id: "one", message: 'quote " é 漢字 😀 \u2028' });
      await put([line]);

      const found = await leaves.findLeaf({ tenantId, eventId: "one" });

      expect(found).toMatchObject({ text: line.text, leaf: undefined });
      expect(found?.derivedId).toBeUndefined();
    });

    it("answers the leaf once it is sealed, always the same", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      await put([sampleLine({ tenant_id: tenantId, event_id: "one" })]);
      const size = await seal();
      const first = await leaves.findLeaf({ tenantId, eventId: "one" });
      await put([sampleLine({ tenant_id: tenantId, event_id: "two" })]);
      await seal();

      const again = await leaves.findLeaf({ tenantId, eventId: "one" });

      expect(first?.leaf).toBeGreaterThanOrEqual(0);
      expect(first?.leaf).toBeLessThan(size);
      expect(again).toEqual(first);
    });

    it("gives events of one id in two tenants a leaf each", async () => {
      const { leaves, put, seal } = subject();
      const tenants = [freshTenant(), freshTenant()];
      const lines = tenants.map((tenantId) => sampleLine({ tenant_id: tenantId, event_id: "same" }));
      await put(lines);
      await seal();

      const found = await Promise.all(
        tenants.map((tenantId) => leaves.findLeaf({ tenantId, eventId: "same" })),
      );

      expect(found.map((line) => line?.text)).toEqual(lines.map(({ text }) => text));
      expect(new Set(found.map((line) => line?.leaf)).size).toBe(2);
    });
  });
}

function readContract(subject: Subject): void {
  describe("readLeaves", () => {
    it("gives each leaf the line that findLeaf says stands there, in the order of leaves", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 30);
      await put(lines.slice(0, 12));
      const between = await seal();
      await put(lines.slice(12));
      const size = await seal();

      const read = (await readAll(leaves, 0, size)).filter(({ text }) => tenantOf(text) === tenantId);

      expect(read.map(({ text }) => text).toSorted()).toEqual(lines.map(({ text }) => text).toSorted());
      expect(read.filter(({ leaf }) => leaf < between)).toHaveLength(12);
      for (const { text, leaf } of read) {
        expect(await leaves.findLeaf({ tenantId, eventId: idOf(text) })).toMatchObject({ text, leaf });
      }
    });

    it("begins and ends where it is told to", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 9));
      const size = await seal();
      const all = await readAll(leaves, 0, size);

      const read = await readAll(leaves, size - 7, size - 2);

      expect(read).toEqual(all.filter(({ leaf }) => leaf >= size - 7 && leaf < size - 2));
      expect(read.length).toBeGreaterThan(0);
    });

    it("gives one leaf alone", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      await put(sampleLines(tenantId, 3));
      await seal();
      const eventId = "event-000001";
      const leaf = (await leaves.findLeaf({ tenantId, eventId }))?.leaf ?? -1;

      const page = await leaves.readLeaves(leaf, leaf + 1);

      expect(page.next).toBe(leaf + 1);
      expect(page.lines.map(({ text }) => idOf(text))).toEqual([eventId]);
    });
  });
}

function pageContract(subject: Subject): void {
  describe("a page of readLeaves", () => {
    it("passes at most 2,000 leaves", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      for (let part = 0; part < 3; part++) {
        const lines = sampleLines(tenantId, 900).map(({ text }) => `${idOf(text)}-${part}`);
        await put(lines.map((eventId) => sampleLine({ tenant_id: tenantId, event_id: eventId })));
      }
      const size = await seal();

      const pages = await readPages(leaves, size - 2700, size);

      expect(pages.length).toBeGreaterThan(1);
      expect(Math.max(...pages.map(({ passed }) => passed))).toBeLessThanOrEqual(MAX_PAGE_LEAVES);
      expect(pages.flatMap(({ lines }) => lines).map(({ leaf }) => leaf)).toEqual(range(size - 2700, size));
    });

    it("holds about 4 MiB", async () => {
      const { leaves, put, seal } = subject();
      const tenantId = freshTenant();
      const members = { message: LARGE_MESSAGE };
      await put(sampleLines(tenantId, LARGE_LINES, members));
      const size = await seal();

      const pages = await readPages(leaves, size - LARGE_LINES, size);

      const bytes = pages.map(({ lines }) => lines.reduce((sum, { text }) => sum + text.length, 0));
      expect(Math.max(...bytes)).toBeLessThanOrEqual(MAX_PAGE_BYTES * 1.1);
      expect(pages.flatMap(({ lines }) => lines)).toHaveLength(LARGE_LINES);
    });
  });
}

function conflictContract(subject: Subject): void {
  describe("other content under the id of a stored event", () => {
    it("has a leaf of its own, and is found by its derived id, where it is kept", async () => {
      const { leaves, put, seal, keepsConflicts } = subject();
      if (!keepsConflicts) return;
      const tenantId = freshTenant();
      await put([sampleLine({ tenant_id: tenantId, event_id: "same", action: "first" })]);
      const pushedAside = sampleLine({ tenant_id: tenantId, event_id: "same", action: "second" });
      await put([pushedAside]);
      const size = await seal();

      const first = await leaves.findLeaf({ tenantId, eventId: "same" });
      const [derivedId = ""] = first?.conflicts ?? [];
      const second = await leaves.findLeaf({ tenantId, eventId: derivedId });

      expect(derivedId).toMatch(DERIVED_ID);
      expect(second).toMatchObject({ text: pushedAside.text, derivedId });
      expect(second?.leaf).not.toBe(first?.leaf);
      const read = await readAll(leaves, 0, size);
      expect(read.find(({ leaf }) => leaf === second?.leaf)).toMatchObject({
        text: pushedAside.text,
        derivedId,
      });
      expect(read.find(({ leaf }) => leaf === first?.leaf)?.derivedId).toBeUndefined();
    });
  });
}

interface ReadPage {
  readonly lines: readonly LeafLine[];
  readonly passed: number;
}

/** Page after page; fails where one does not keep to what every page promises. */
async function readPages(leaves: LeafStore, from: number, end: number): Promise<readonly ReadPage[]> {
  const pages: ReadPage[] = [];
  let at = from;
  while (at < end) {
    const page: LeafPage = await leaves.readLeaves(at, end);
    // Each leaf that is passed has its line or is named, once, in order.
    const places = page.lines.map(({ leaf }) => leaf);
    const named = [...places, ...page.unreadable].toSorted((a, b) => a - b);
    if (page.next <= at || page.next > end) throw new Error(`from ${at} to ${end} goes on at ${page.next}`);
    expect(named).toEqual(range(at, page.next));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(page.unreadable).toEqual(page.unreadable.toSorted((a, b) => a - b));
    pages.push({ lines: page.lines, passed: page.next - at });
    at = page.next;
  }
  return pages;
}

async function readAll(leaves: LeafStore, from: number, end: number): Promise<readonly LeafLine[]> {
  return (await readPages(leaves, from, end)).flatMap(({ lines }) => lines);
}

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}

function tenantOf(line: string): string {
  const { tenant_id: tenantId } = JSON.parse(line) as { readonly tenant_id: string };
  return tenantId;
}
