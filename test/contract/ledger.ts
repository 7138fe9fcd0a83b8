// The contract suite of the port Ledger, run by every adapter. The ledger need not be empty, but must hold fewer than 500
// batches with lines to be indexed.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { BatchRecord, Ledger } from "#service/ports.ts";
import { BATCH_TIME_MS, freshBatchId } from "#test/contract/sample-batches.ts";

/** A ledger, opened for one run of the suite. */
export interface LedgerUnderTest {
  readonly ledger: Ledger;
  readonly close: () => Promise<void>;
}

const MAX_UNINDEXED = 500;
const RACERS = 10;

/** @param openLedger called once */
export function ledgerContract(name: string, openLedger: () => Promise<LedgerUnderTest>): void {
  describe(`${name} keeps the contract of Ledger`, () => {
    let opened: LedgerUnderTest | undefined;
    const subject = (): Ledger => {
      if (opened === undefined) throw new Error("the ledger is not open");
      return opened.ledger;
    };

    beforeAll(async () => {
      opened = await openLedger();
    });

    afterAll(async () => {
      await opened?.close();
    });

    rowContract(subject);
    registeredContract(subject);
    unindexedContract(subject);
    noteContract(subject);
  });
}

function rowContract(subject: () => Ledger): void {
  describe("register and find", () => {
    it.each<{ readonly title: string; readonly outcome: Omit<BatchRecord, "batchId"> }>([
      {
        title: "whose lines all won",
        outcome: { lineCount: 3, winners: [0, 1, 2], conflicts: [], unindexed: [] },
      },
      { title: "of which none won", outcome: { lineCount: 9, winners: [], conflicts: [], unindexed: [] } },
      {
        title: "of conflicts alone",
        outcome: { lineCount: 2, winners: [], conflicts: [0, 1], unindexed: [1] },
      },
      {
        title: "of all kinds of lines",
        outcome: { lineCount: 20, winners: [0, 8, 19], conflicts: [7, 9], unindexed: [0, 9] },
      },
      {
        title: "of the largest size",
        outcome: { lineCount: 10_000, winners: even(10_000), conflicts: [1, 9999], unindexed: even(10_000) },
      },
    ])("keeps the row of a batch $title", async ({ outcome }) => {
      const ledger = subject();
      const record = { batchId: freshBatchId(), ...outcome };

      await ledger.register(record);

      expect(await ledger.find(record.batchId)).toEqual(record);
    });

    it("answers undefined for a batch without a row", async () => {
      expect(await subject().find(freshBatchId())).toBeUndefined();
    });

    it("leaves the first row of a batch as it is", async () => {
      const ledger = subject();
      const first = recordOf({ winners: [0, 1], unindexed: [] });
      await ledger.register(first);

      await ledger.register({ ...first, winners: [0], conflicts: [1], unindexed: [0] });

      expect(await ledger.find(first.batchId)).toEqual(first);
      expect(await waiting(ledger)).not.toContain(first.batchId);
    });

    it("takes the same row from many at once", async () => {
      const ledger = subject();
      const record = recordOf({ winners: [0], unindexed: [0] });

      await Promise.all(Array.from({ length: RACERS }, () => ledger.register(record)));

      expect(await ledger.find(record.batchId)).toEqual(record);
      expect((await waiting(ledger)).filter((batchId) => batchId === record.batchId)).toHaveLength(1);
    });
  });
}

function registeredContract(subject: () => Ledger): void {
  describe("registered", () => {
    it("tells which of many batches have a row", async () => {
      const ledger = subject();
      const batchIds = Array.from({ length: 230 }, () => freshBatchId());
      const chosen = batchIds.filter((_, index) => index % 20 === 3);
      for (const batchId of chosen) await ledger.register({ ...recordOf({}), batchId });

      const registered = await ledger.registered(batchIds);

      expect([...registered].toSorted()).toEqual(chosen.toSorted());
    });

    it("takes no batches, and one named twice", async () => {
      const ledger = subject();
      const record = recordOf({});
      await ledger.register(record);

      expect(await ledger.registered([])).toEqual(new Set());
      expect(await ledger.registered([record.batchId, record.batchId])).toEqual(new Set([record.batchId]));
    });
  });
}

function unindexedContract(subject: () => Ledger): void {
  describe("unindexed", () => {
    it("gives batches with lines to be indexed, oldest first, until they are marked", async () => {
      const ledger = subject();
      const records = [2, 0, 1].map((hour) => {
        const batchId = freshBatchId(BATCH_TIME_MS - hour * 3_600_000);
        return { ...recordOf({ unindexed: [0] }), batchId };
      });
      const complete = recordOf({});
      for (const record of [...records, complete]) await ledger.register(record);
      const own = new Set([...records, complete].map(({ batchId }) => batchId));
      const left = async (): Promise<readonly BatchRecord[]> =>
        (await ledger.unindexed(MAX_UNINDEXED)).filter(({ batchId }) => own.has(batchId));
      const [oldest, newest, middle] = records;

      expect(await left()).toEqual([oldest, middle, newest]);
      await ledger.markIndexed(middle!.batchId);
      await ledger.markIndexed(middle!.batchId);

      expect(await left()).toEqual([oldest, newest]);
      expect(await ledger.registered([middle!.batchId])).toEqual(new Set([middle!.batchId]));
    });

    it("gives at most as many as asked for", async () => {
      const ledger = subject();
      for (let count = 0; count < 3; count++) await ledger.register(recordOf({ unindexed: [0] }));

      expect(await ledger.unindexed(2)).toHaveLength(2);
    });

    it("marks a batch that nothing is known of without harm", async () => {
      await expect(subject().markIndexed(freshBatchId())).resolves.toBeUndefined();
    });
  });
}

function noteContract(subject: () => Ledger): void {
  describe("notes", () => {
    it("are undefined until written, then what was written last", async () => {
      const ledger = subject();
      const [name, other] = [randomUUID(), randomUUID()];

      expect(await ledger.readNote(name)).toBeUndefined();
      await ledger.writeNote(name, "first");
      await ledger.writeNote(name, '{"é":"😀"}');

      expect(await ledger.readNote(name)).toBe('{"é":"😀"}');
      expect(await ledger.readNote(other)).toBeUndefined();
    });
  });
}

function recordOf(members: Partial<BatchRecord>): BatchRecord {
  return { batchId: freshBatchId(), lineCount: 2, winners: [0, 1], conflicts: [], unindexed: [], ...members };
}

/** The even numbers below `end`. */
function even(end: number): readonly number[] {
  return Array.from({ length: end / 2 }, (_, index) => index * 2);
}

async function waiting(ledger: Ledger): Promise<readonly string[]> {
  return (await ledger.unindexed(MAX_UNINDEXED)).map(({ batchId }) => batchId);
}
