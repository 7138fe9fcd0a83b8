// The contract suite of the port EventTable, run by every adapter. Each test works under a tenant of its own, so the table
// need not be empty.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { MAX_NOTED_CONFLICTS } from "#service/conflict-id.ts";
import type { EventKey, EventTable, FoundLine, InsertOutcome, TableEntry } from "#service/ports.ts";
import { entriesOf, freshBatchId } from "#test/contract/sample-batches.ts";
import { freshTenant, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";

/** A table, opened for one run of the suite. */
export interface TableUnderTest {
  readonly table: EventTable;
  /** What stands under an id, as `EventStore.get` gives it. */
  readonly find: (key: EventKey) => Promise<FoundLine | undefined>;
  /** Makes the indexes take no more entries until the function it answers is called; undefined where that cannot be done. */
  readonly refuseIndexKeys: (() => () => void) | undefined;
  readonly close: () => Promise<void>;
}

type TableSubject = () => TableUnderTest;

const INSERTED: InsertOutcome = { kind: "inserted", isIndexed: true };
const RACERS = 8;

/** @param openTable called once */
export function eventTableContract(name: string, openTable: () => Promise<TableUnderTest>): void {
  describe(`${name} keeps the contract of EventTable`, () => {
    let opened: TableUnderTest | undefined;
    const subject: TableSubject = () => {
      if (opened === undefined) throw new Error("the table is not open");
      return opened;
    };

    beforeAll(async () => {
      opened = await openTable();
    });

    afterAll(async () => {
      await opened?.close();
    });

    insertContract(subject);
    raceContract(subject);
    indexContract(subject);
    conflictContract(subject);
  });
}

function insertContract(subject: TableSubject): void {
  describe("insert", () => {
    it("inserts what is absent, one outcome per entry in order, over many calls' worth", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 260);
      await table.insert(entriesOf(lines).filter((_, index) => index % 50 === 7));

      const outcomes = await table.insert(entriesOf(lines));

      expect(outcomes.map(({ kind }) => kind)).toEqual(
        lines.map((_, index) => (index % 50 === 7 ? "exists" : "inserted")),
      );
      expect((await find({ tenantId, eventId: "event-000199" }))?.text).toBe(lines[199]?.text);
    });

    it("finds the same entry again where it stands", async () => {
      const { table } = subject();
      const entries = entriesOf(sampleLines(freshTenant(), 3));
      await table.insert(entries);

      const outcomes = await table.insert(entries);

      expect(outcomes).toEqual(
        entries.map(({ batchId, line, prepared: { contentHash } }) => {
          return { kind: "exists", at: { batchId, line }, contentHash, isIndexed: true };
        }),
      );
    });

    it("says of another line under the id where the first stands, and what its content is, and changes nothing", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      const first = sampleLine({ tenant_id: tenantId, event_id: "one", message: "first" });
      const second = sampleLine({ tenant_id: tenantId, event_id: "one", message: "second" });
      const standing = entriesOf([...sampleLines(tenantId, 2), first]);
      await table.insert(standing);

      const outcomes = await table.insert(entriesOf([second]));

      const at = { batchId: standing[0]?.batchId, line: 2 };
      expect(outcomes).toEqual([{ kind: "exists", at, contentHash: first.contentHash, isIndexed: true }]);
      const found = await find({ tenantId, eventId: "one" });
      expect(found?.text).toBe(first.text);
      expect(found?.conflicts ?? []).toEqual([]);
    });

    it("keeps an entry under the derived id that it names", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      const line = sampleLine({ tenant_id: tenantId, event_id: "one" });
      const [entry] = entriesOf([line]);
      const eventId = `one!${"a".repeat(32)}`;

      const outcomes = await table.insert([{ ...entry!, eventId }]);

      expect(outcomes).toEqual([INSERTED]);
      expect((await find({ tenantId, eventId }))?.text).toBe(line.text);
      expect(await find({ tenantId, eventId: "one" })).toBeUndefined();
    });

    it("keeps the same id of two tenants apart", async () => {
      const { table } = subject();
      const lines = [freshTenant(), freshTenant()].map((tenantId) =>
        sampleLine({ tenant_id: tenantId, event_id: "same" }),
      );

      expect(await table.insert(entriesOf(lines))).toEqual([INSERTED, INSERTED]);
    });

    it("takes no entries at all", async () => {
      expect(await subject().table.insert([])).toEqual([]);
    });

    it("keeps events with the longest ids and of the largest size", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant().padEnd(120, "x");
      const eventId = "y".repeat(128);
      const changes = Array.from({ length: 4 }, (_, index) => ({
        path: `/${index}`,
        after: "é".repeat(29_000),
      }));
      const line = sampleLine({
        tenant_id: tenantId,
        event_id: eventId,
        user_id: "u".repeat(256),
        resource_id: "r".repeat(1024),
        changes,
      });

      const outcomes = await table.insert(entriesOf([line]));

      expect(outcomes).toEqual([INSERTED]);
      expect((await find({ tenantId, eventId }))?.text).toBe(line.text);
    });
  });
}

function raceContract(subject: TableSubject): void {
  describe("entries with one id", () => {
    it("within one call: one is inserted, the other finds it", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      const lines = ["first", "second"].map((message) =>
        sampleLine({ tenant_id: tenantId, event_id: "one", message }),
      );
      const entries = entriesOf([...sampleLines(tenantId, 30), ...lines]);

      const pair = (await table.insert(entries)).slice(30);

      const winner = pair.findIndex(({ kind }) => kind === "inserted");
      const { batchId, line } = entries[30 + winner]!;
      const { contentHash, text } = lines[winner]!;
      expect(pair[1 - winner]).toEqual({
        kind: "exists",
        at: { batchId, line },
        contentHash,
        isIndexed: true,
      });
      expect((await find({ tenantId, eventId: "one" }))?.text).toBe(text);
    });

    it("in calls at once: one is inserted, all others find it", async () => {
      const { table } = subject();
      const lines = sampleLines(freshTenant(), 40);
      const batches = Array.from({ length: RACERS }, () => entriesOf(lines));

      const outcomes = await Promise.all(batches.map((entries) => table.insert(entries)));

      for (const [line] of lines.entries()) {
        const ofLine = outcomes.map((batch) => batch[line]!);
        const winner = ofLine.findIndex(({ kind }) => kind === "inserted");
        const others = ofLine.flatMap((outcome) => (outcome.kind === "exists" ? [outcome.at] : []));
        expect(others).toEqual(
          Array.from({ length: RACERS - 1 }, () => ({ batchId: batches[winner]?.[line]?.batchId, line })),
        );
      }
    });
  });
}

function indexContract(subject: TableSubject): void {
  describe("index", () => {
    it("is idempotent, and passes over entries that stand elsewhere or nowhere", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, 2);
      const entries = entriesOf(lines);
      await table.insert(entries);

      await table.index([...entries, ...entriesOf(lines), ...entriesOf(sampleLines(freshTenant(), 1))]);
      await table.index(entries);

      expect((await table.insert(entries)).map(({ isIndexed }) => isIndexed)).toEqual([true, true]);
      expect((await find({ tenantId, eventId: "event-000000" }))?.text).toBe(lines[0]?.text);
    });

    it("brings no entry about that was not inserted", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();

      await table.index(entriesOf(sampleLines(tenantId, 1)));

      expect(await find({ tenantId, eventId: "event-000000" })).toBeUndefined();
    });

    it("shows later what was inserted while the indexes took nothing", async ({ skip }) => {
      const { table, refuseIndexKeys } = subject();
      skip(refuseIndexKeys === undefined, "the indexes cannot be made to refuse");
      const entries = entriesOf(sampleLines(freshTenant(), 30));
      const heal = refuseIndexKeys?.();
      const outcomes = await table.insert(entries);
      heal?.();

      const before = await table.insert(entries);
      await table.index(entries);
      const after = await table.insert(entries);

      expect(new Set(outcomes.map(({ kind, isIndexed }) => `${kind} ${isIndexed}`))).toEqual(
        new Set(["inserted false"]),
      );
      expect(new Set(before.map(({ isIndexed }) => isIndexed))).toEqual(new Set([false]));
      expect(new Set(after.map(({ isIndexed }) => isIndexed))).toEqual(new Set([true]));
    });
  });
}

function conflictContract(subject: TableSubject): void {
  describe("noteConflict", () => {
    /** Other content for the id `one`, under a derived id. */
    const conflictOf = (tenantId: string, derivedId: string): TableEntry => {
      const other = sampleLine({ tenant_id: tenantId, event_id: "one", message: derivedId });
      const [entry] = entriesOf([other], freshBatchId());
      return { ...entry!, eventId: derivedId };
    };

    it("notes ids on the event, each once, and leaves its line alone", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      const line = sampleLine({ tenant_id: tenantId, event_id: "one" });
      const entries = entriesOf([line]);
      await table.insert(entries);

      for (const id of ["one!b", "one!a", "one!b"]) await table.noteConflict(conflictOf(tenantId, id));

      const found = await find({ tenantId, eventId: "one" });
      expect(found?.conflicts?.toSorted()).toEqual(["one!a", "one!b"]);
      expect(found?.text).toBe(line.text);
      const { batchId } = entries[0]!;
      expect(await table.insert(entries)).toMatchObject([{ kind: "exists", at: { batchId, line: 0 } }]);
    });

    it(`keeps the first ${MAX_NOTED_CONFLICTS}`, async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();
      await table.insert(entriesOf([sampleLine({ tenant_id: tenantId, event_id: "one" })]));
      const ids = Array.from(
        { length: MAX_NOTED_CONFLICTS + 2 },
        (_, index) => `one!${String(index).padStart(3, "0")}`,
      );

      for (const id of ids) await table.noteConflict(conflictOf(tenantId, id));
      await table.noteConflict(conflictOf(tenantId, ids[0]!));

      const found = await find({ tenantId, eventId: "one" });
      expect(found?.conflicts?.toSorted()).toEqual(ids.slice(0, MAX_NOTED_CONFLICTS));
    });

    it("brings no event about", async () => {
      const { table, find } = subject();
      const tenantId = freshTenant();

      await table.noteConflict(conflictOf(tenantId, "one!a"));

      expect(await find({ tenantId, eventId: "one" })).toBeUndefined();
      const [entry] = entriesOf([sampleLine({ tenant_id: tenantId, event_id: "one" })], freshBatchId());
      expect(await table.insert([entry!])).toEqual([INSERTED]);
    });
  });
}
