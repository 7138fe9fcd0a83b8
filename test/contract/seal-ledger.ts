// The contract suite of the port SealLedger, run by every adapter beside the suite of Ledger. The ledger need not be empty,
// but must hold fewer than 500 batches with a pending pointer.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { PendingBatch, SealLedger } from "#service/log-ports.ts";
import type { BatchRecord, Ledger, SealedPlace } from "#service/ports.ts";
import { BATCH_TIME_MS, freshBatchId } from "#test/contract/sample-batches.ts";

/** A ledger, opened for one run of the suite. */
export interface SealLedgerUnderTest {
  readonly ledger: Ledger & SealLedger;
  /** Puts a pending pointer where there may be no row, as nothing but damage leaves it. */
  readonly point: (batchId: string) => Promise<void>;
  /** Takes a pending pointer away, as nothing but damage does. */
  readonly unpoint: (batchId: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const MAX_PENDING = 1000;
const PLACE: SealedPlace = {
  firstLeaf: 70_001,
  segment: "segments/v1/dt=2026-03-01/hh=12/0000000000070001-2.jsonl.gz",
};

/** @param openLedger called once */
export function sealLedgerContract(name: string, openLedger: () => Promise<SealLedgerUnderTest>): void {
  describe(`${name} keeps the contract of SealLedger`, () => {
    let opened: SealLedgerUnderTest | undefined;
    const subject = (): SealLedgerUnderTest => {
      if (opened === undefined) throw new Error("the ledger is not open");
      return opened;
    };

    beforeAll(async () => {
      opened = await openLedger();
    });

    afterAll(async () => {
      await opened?.close();
    });

    pendingContract(subject);
    sealedContract(subject);
    repointContract(subject);
  });
}

function pendingContract(subject: () => SealLedgerUnderTest): void {
  describe("pending", () => {
    it("gives every batch that was registered, oldest first, with its row", async () => {
      const { ledger } = subject();
      const [middle, oldest, newest] = [1, 2, 0].map((hour) =>
        recordOf({ batchId: freshBatchId(BATCH_TIME_MS - hour * 3_600_000) }),
      );
      for (const record of [middle, oldest, newest]) await ledger.register(record!);

      const found = await pendingOf(ledger, [middle, oldest, newest]);

      expect(found).toEqual([oldest, middle, newest].map((row) => ({ batchId: row?.batchId, row })));
    });

    it("gives batches without a winner, and those with lines to be indexed later", async () => {
      const { ledger } = subject();
      const none = recordOf({ winners: [], conflicts: [] });
      const later = recordOf({ winners: [0, 7], conflicts: [3], lineCount: 9, unindexed: [3] });
      for (const record of [none, later]) await ledger.register(record);

      expect((await pendingOf(ledger, [none])).map(({ row }) => row)).toEqual([none]);
      expect((await pendingOf(ledger, [later])).map(({ row }) => row)).toEqual([later]);
    });

    it("gives at most as many as asked for, the oldest", async () => {
      const { ledger } = subject();
      const records = [3, 2, 1].map((year) =>
        recordOf({ batchId: freshBatchId(BATCH_TIME_MS - year * 31_536_000_000) }),
      );
      for (const record of records) await ledger.register(record);

      const found = await ledger.pending(2);

      expect(found.map(({ batchId }) => batchId)).toEqual(records.slice(0, 2).map(({ batchId }) => batchId));
      for (const { batchId } of records) await ledger.markSealed(batchId, PLACE);
    });

    it("gives a pointer without a row as one", async () => {
      const { ledger, point, unpoint } = subject();
      const batchId = freshBatchId();
      await point(batchId);

      const found = (await ledger.pending(MAX_PENDING)).filter((one) => one.batchId === batchId);

      expect(found).toEqual([{ batchId, row: undefined }]);
      await unpoint(batchId);
    });
  });
}

function sealedContract(subject: () => SealLedgerUnderTest): void {
  describe("markSealed", () => {
    it("notes the place in the row, changes nothing else of it, and takes the pointer away", async () => {
      const { ledger } = subject();
      const record = recordOf({ winners: [0, 4], conflicts: [2], lineCount: 5, unindexed: [2] });
      await ledger.register(record);

      await ledger.markSealed(record.batchId, PLACE);

      expect(await ledger.find(record.batchId)).toEqual({ ...record, sealed: PLACE });
      expect(await pendingOf(ledger, [record])).toEqual([]);
    });

    it("notes the place of a batch none of whose lines has a leaf", async () => {
      const { ledger } = subject();
      const record = recordOf({ winners: [] });
      await ledger.register(record);

      await ledger.markSealed(record.batchId, { firstLeaf: 0 });

      expect((await ledger.find(record.batchId))?.sealed).toEqual({ firstLeaf: 0 });
      expect(await pendingOf(ledger, [record])).toEqual([]);
    });

    it("keeps a leaf beyond 2^32", async () => {
      const { ledger } = subject();
      const record = recordOf({});
      const place = { ...PLACE, firstLeaf: Number.MAX_SAFE_INTEGER - 1 };
      await ledger.register(record);

      await ledger.markSealed(record.batchId, place);

      expect((await ledger.find(record.batchId))?.sealed).toEqual(place);
    });

    it("does nothing the second time, also by many at once", async () => {
      const { ledger } = subject();
      const record = recordOf({});
      await ledger.register(record);

      await Promise.all(Array.from({ length: 8 }, () => ledger.markSealed(record.batchId, PLACE)));
      await ledger.markSealed(record.batchId, PLACE);

      expect((await ledger.find(record.batchId))?.sealed).toEqual(PLACE);
      expect(await pendingOf(ledger, [record])).toEqual([]);
    });

    it("refuses another place than the row says, and leaves that", async () => {
      const { ledger } = subject();
      const record = recordOf({});
      await ledger.register(record);
      await ledger.markSealed(record.batchId, PLACE);

      const elsewhere = { ...PLACE, firstLeaf: PLACE.firstLeaf + 1 };
      await expect(ledger.markSealed(record.batchId, elsewhere)).rejects.toMatchObject({
        code: "log-diverged",
      });
      await expect(ledger.markSealed(record.batchId, { ...PLACE, segment: "other" })).rejects.toMatchObject({
        code: "log-diverged",
      });

      expect((await ledger.find(record.batchId))?.sealed).toEqual(PLACE);
    });

    it("refuses a batch without a row, and writes none", async () => {
      const { ledger } = subject();
      const batchId = freshBatchId();

      await expect(ledger.markSealed(batchId, PLACE)).rejects.toMatchObject({ code: "storage-unavailable" });

      expect(await ledger.find(batchId)).toBeUndefined();
    });

    it("takes a pointer away that outlived the sealing, which pending shows with its row", async () => {
      const { ledger, point } = subject();
      const record = recordOf({});
      await ledger.register(record);
      await ledger.markSealed(record.batchId, PLACE);
      await point(record.batchId);

      expect((await pendingOf(ledger, [record])).map(({ row }) => row?.sealed)).toEqual([PLACE]);
      await ledger.markSealed(record.batchId, PLACE);

      expect(await pendingOf(ledger, [record])).toEqual([]);
    });

    it("lets the lines of a sealed batch be indexed, and the row be registered again, without losing the place", async () => {
      const { ledger } = subject();
      const record = recordOf({ unindexed: [1] });
      await ledger.register(record);
      await ledger.markSealed(record.batchId, PLACE);

      await ledger.markIndexed(record.batchId);
      await ledger.register(record);

      expect((await ledger.find(record.batchId))?.sealed).toEqual(PLACE);
      expect(await pendingOf(ledger, [record])).toEqual([]);
    });
  });
}

function repointContract(subject: () => SealLedgerUnderTest): void {
  describe("repoint", () => {
    it("gives a batch its pointer back, however often", async () => {
      const { ledger, unpoint } = subject();
      const record = recordOf({});
      await ledger.register(record);
      await unpoint(record.batchId);
      expect(await pendingOf(ledger, [record])).toEqual([]);

      await ledger.repoint(record.batchId);
      await ledger.repoint(record.batchId);

      expect(await pendingOf(ledger, [record])).toEqual([{ batchId: record.batchId, row: record }]);
    });

    it("gives none to a batch that is sealed, or has no row", async () => {
      const { ledger } = subject();
      const sealed = recordOf({});
      const unknown = recordOf({});
      await ledger.register(sealed);
      await ledger.markSealed(sealed.batchId, PLACE);

      await ledger.repoint(sealed.batchId);
      await ledger.repoint(unknown.batchId);

      expect(await pendingOf(ledger, [sealed, unknown])).toEqual([]);
    });
  });
}

function recordOf(members: Partial<BatchRecord>): BatchRecord {
  return { batchId: freshBatchId(), lineCount: 2, winners: [0, 1], conflicts: [], unindexed: [], ...members };
}

async function pendingOf(
  ledger: SealLedger,
  records: readonly (BatchRecord | undefined)[],
): Promise<readonly PendingBatch[]> {
  const own = new Set(records.map((record) => record?.batchId));
  return (await ledger.pending(MAX_PENDING)).filter(({ batchId }) => own.has(batchId));
}
