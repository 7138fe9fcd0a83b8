// Persisting: what a call leaves in archive, table and ledger, what it reports, and what it does with batches of others.
// Interleavings and faults are tried in test/property/persistence.test.ts.
import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { batchKey, decodeBatch, decodeOutcome, encodeBatch, outcomeKey } from "#service/batch-object.ts";
import { conflictIdOf } from "#service/conflict-id.ts";
import { createPersist } from "#service/persist.ts";
import type { EventTable, Ledger } from "#service/ports.ts";
import { withFaults } from "#test/support/faults.ts";
import { CONFLICT_KEY, leaveBatch, line, persistParts } from "#test/support/persist-fixtures.ts";

const UNAVAILABLE = new AuditStorageError("storage-unavailable", "made to fail", { retryable: true });

function derivedId(eventId: string, contentHash: string): string {
  return conflictIdOf({ conflictKey: CONFLICT_KEY, eventId, contentHash });
}

describe("persist", () => {
  it("archives the lines, stores each, and writes the row of the batch", async () => {
    const parts = persistParts();
    const lines = [line("a"), line("b")];

    const report = await createPersist(parts)(lines);

    const batchId = report.batchId ?? "";
    const bytes = (await parts.archive.get(batchKey(batchId)))!;
    expect(decodeBatch(bytes, batchId)).toEqual(lines.map(({ text }) => text));
    expect(parts.table.items.get("t#b")).toMatchObject({ at: { batchId, line: 1 }, text: lines[1]?.text });
    expect(await parts.ledger.find(batchId)).toEqual({
      batchId,
      lineCount: 2,
      winners: [0, 1],
      conflicts: [],
      unindexed: [],
    });
    expect([...parts.archive.objects.keys()]).toEqual([batchKey(batchId)]);
    expect(report).toEqual({
      batchId,
      lines: 2,
      stored: 2,
      duplicates: 0,
      conflicts: 0,
      conflictIds: [],
      unindexed: 0,
      completedBatches: 0,
      archivedBytes: bytes.byteLength,
    });
  });

  it("leaves nothing behind where there are no lines", async () => {
    const parts = persistParts();

    expect(await createPersist(parts)([])).toMatchObject({ batchId: undefined, lines: 0, stored: 0 });
    expect(parts.archive.objects.size).toBe(0);
  });

  it("archives a line once that comes twice in a call", async () => {
    const parts = persistParts();

    const report = await createPersist(parts)([line("a"), line("b"), line("a")]);

    expect(report).toMatchObject({ lines: 3, stored: 2, duplicates: 1, conflicts: 0 });
    expect(await parts.ledger.find(report.batchId ?? "")).toMatchObject({ lineCount: 2, winners: [0, 1] });
  });

  it("stores once what comes again, and says in an outcome object that it did not win", async () => {
    const parts = persistParts();
    const persist = createPersist(parts);
    const first = await persist([line("a")]);

    const again = await persist([line("b"), line("a")]);

    expect(again).toMatchObject({ stored: 1, duplicates: 1, completedBatches: 0 });
    expect(parts.table.items.get("t#a")?.at).toEqual({ batchId: first.batchId, line: 0 });
    const batchId = again.batchId ?? "";
    const outcome = { batchId, lineCount: 2, winners: [0], conflicts: [] };
    expect(decodeOutcome((await parts.archive.get(outcomeKey(batchId)))!, batchId)).toEqual(outcome);
    expect(await parts.ledger.find(batchId)).toMatchObject(outcome);
  });

  it("keeps other content with the same id under a derived id, notes it on the first, and stores it once", async () => {
    const parts = persistParts();
    const persist = createPersist(parts);
    const other = line("a", "other");
    await persist([line("a")]);

    const report = await persist([other]);
    const again = await persist([other, line("c")]);

    const id = derivedId("a", other.contentHash);
    expect(report).toMatchObject({ stored: 0, duplicates: 0, conflicts: 1 });
    expect(parts.table.items.get(`t#${id}`)).toMatchObject({ at: { batchId: report.batchId, line: 0 } });
    expect(parts.table.items.get("t#a")).toMatchObject({ conflicts: [id] });
    expect(await parts.ledger.find(report.batchId ?? "")).toMatchObject({ winners: [], conflicts: [0] });
    expect(again).toMatchObject({ stored: 1, duplicates: 1, conflicts: 0 });
  });

  it("keeps both of two contents with one id in one call", async () => {
    const parts = persistParts();

    const report = await createPersist(parts)([line("a"), line("a", "other")]);

    expect(report).toMatchObject({ stored: 1, conflicts: 1 });
    expect(parts.table.items.size).toBe(2);
  });

  it("finishes a batch that another left, before it acknowledges a line in it", async () => {
    const parts = persistParts();
    const lines = [line("a"), line("b"), line("c")];
    const left = await leaveBatch(parts, lines);
    await parts.table.insert([{ batchId: left, line: 1, eventId: "b", prepared: lines[1]! }]);

    const report = await createPersist(parts)([line("b")]);

    expect(report).toMatchObject({ stored: 0, duplicates: 1, completedBatches: 1 });
    expect(await parts.ledger.find(left)).toMatchObject({ lineCount: 3, winners: [0, 1, 2] });
    expect(parts.table.items.get("t#c")?.at).toEqual({ batchId: left, line: 2 });
  });

  it("asks for the rows of all other batches in one call", async () => {
    const parts = persistParts();
    for (const id of ["a", "b", "c"]) await createPersist(parts)([line(id)]);
    const { port: ledger, calls } = withFaults<Ledger>(parts.ledger);

    await createPersist({ ...parts, ledger })([line("a"), line("b"), line("c")]);

    expect(calls("registered")).toBe(1);
  });

  it("remembers lines that the indexes did not take", async () => {
    const parts = persistParts();
    parts.table.takesIndexKeys = ({ eventId }) => !eventId.startsWith("b");
    await createPersist(parts)([line("b")]);

    const report = await createPersist(parts)([line("a"), line("b", "other")]);

    expect(report).toMatchObject({ stored: 1, conflicts: 1, unindexed: 1 });
    expect(await parts.ledger.find(report.batchId ?? "")).toMatchObject({ unindexed: [1] });
  });

  it("writes no row where an item could not be stored, and a repetition in another batch finishes the first", async () => {
    const parts = persistParts();
    const { port: table, fail } = withFaults<EventTable>(parts.table);
    const persist = createPersist({ ...parts, table });
    const other = line("a", "other");
    await persist([line("a")]);
    fail("noteConflict", UNAVAILABLE);
    await expect(persist([line("b"), other])).rejects.toBe(UNAVAILABLE);
    const rows = parts.ledger.rows.size;

    const report = await persist([other]);

    expect(rows).toBe(1);
    expect(report).toMatchObject({ duplicates: 1, completedBatches: 1 });
    expect(parts.table.items.get("t#a")?.conflicts).toEqual([derivedId("a", other.contentHash)]);
  });

  it("refuses, for good, to go on from an item whose batch object is gone", async () => {
    const parts = persistParts();
    const batchId = parts.newBatchId();
    await parts.table.insert([{ batchId, line: 0, eventId: "a", prepared: line("a") }]);

    const persisting = createPersist(parts)([line("a")]);

    await expect(persisting).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: false,
      message: `batch object ${batchId} is missing from the archive`,
    });
  });

  it.each([
    {
      title: "of a newer release",
      text: '{"_v":2}',
      problem: "is of a newer release: line 1 has format version 2",
    },
    { title: "that is damaged", text: '{"_v":1}', problem: "is damaged: line 1 " },
  ])("refuses to finish a batch $title", async ({ text, problem }) => {
    const parts = persistParts();
    const batchId = parts.newBatchId();
    const first = line("a");
    await parts.archive.putIfAbsent(batchKey(batchId), encodeBatch([first.text, text]));
    await parts.table.insert([{ batchId, line: 0, eventId: "a", prepared: first }]);

    const persisting = createPersist(parts)([first]);

    await expect(persisting).rejects.toThrow(`batch object ${batchId} ${problem}`);
    expect(parts.ledger.rows.size).toBe(0);
  });

  it("refuses to go on where a derived id holds other content, which no key of this deployment leads to", async () => {
    const parts = persistParts();
    const other = line("a", "other");
    const eventId = derivedId("a", other.contentHash);
    const batchId = parts.newBatchId();
    await parts.table.insert([{ batchId, line: 0, eventId, prepared: line("a", "third") }]);
    const persist = createPersist(parts);
    await persist([line("a")]);

    await expect(persist([other])).rejects.toThrow(`other content stands under the derived id ${eventId}`);
  });

  it("does not take an object of other content for its own", async () => {
    const parts = persistParts();
    const batchId = await leaveBatch(parts, [line("z")]);

    const persisting = createPersist({ ...parts, newBatchId: () => batchId })([line("a")]);

    await expect(persisting).rejects.toThrow(
      `object ${batchKey(batchId)} is stored already, with other content`,
    );
    expect(parts.table.items.size).toBe(0);
  });

  it("notes the first 100 conflicts of one event per call, and the one kept longest", async () => {
    const parts = persistParts();
    const { port: table, calls } = withFaults<EventTable>(parts.table);
    const lines = Array.from({ length: 130 }, (_, index) => line("a", `content ${index}`));

    const report = await createPersist({ ...parts, table })(lines);

    expect(report).toMatchObject({ stored: 1, conflicts: 129 });
    expect(calls("noteConflict")).toBe(101);
  });
});
