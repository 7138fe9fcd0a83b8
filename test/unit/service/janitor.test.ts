// The janitor: which batches it finishes and when, how far it looks back, how it indexes later, and what it reports.
import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { batchKey, encodeBatch } from "#service/batch-object.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import type { JanitorReport } from "#service/janitor.ts";
import { createJanitor } from "#service/janitor.ts";
import { createPersist } from "#service/persist.ts";
import type { EventTable, Ledger } from "#service/ports.ts";
import { withFaults } from "#test/support/faults.ts";
import type { PersistParts } from "#test/support/persist-fixtures.ts";
import { leaveBatch, line, persistParts } from "#test/support/persist-fixtures.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const THROTTLED = new AuditStorageError("storage-unavailable", "throttled", { retryable: true });

function janitorOf(
  parts: PersistParts,
  others: { readonly table?: EventTable; readonly ledger?: Ledger } = {},
): () => Promise<JanitorReport> {
  const deps = { ...parts, ...others };
  return createJanitor({ ...deps, complete: createCompleteBatch(deps) });
}

describe("the janitor", () => {
  it("finishes a batch without a row once it is older than 15 minutes", async () => {
    const parts = persistParts();
    const batchId = await leaveBatch(parts, [line("a"), line("b")]);
    const janitor = janitorOf(parts);
    parts.pass(15 * MINUTE_MS);
    const early = await janitor();
    parts.pass(1);

    const report = await janitor();

    expect(early).toMatchObject({ examined: 0, completed: 0 });
    expect(report).toEqual({
      examined: 1,
      completed: 1,
      finished: [expect.any(String)],
      indexed: 0,
      unregistered: 0,
      problems: [],
      isFinished: true,
    });
    expect(await parts.ledger.find(batchId)).toMatchObject({ winners: [0, 1] });
    expect(parts.table.items.size).toBe(2);
  });

  it("leaves complete batches alone", async () => {
    const parts = persistParts();
    await createPersist(parts)([line("a")]);
    await createPersist(parts)([line("a"), line("b")]);
    parts.pass(HOUR_MS);

    expect(await janitorOf(parts)()).toMatchObject({
      examined: 2,
      completed: 0,
      unregistered: 0,
      problems: [],
    });
  });

  it("counts batches older than 20 minutes that had no row", async () => {
    const parts = persistParts();
    await leaveBatch(parts, [line("a")]);
    parts.pass(4 * MINUTE_MS);
    await leaveBatch(parts, [line("b")]);
    parts.pass(17 * MINUTE_MS);

    expect(await janitorOf(parts)()).toMatchObject({ completed: 2, unregistered: 1 });
  });

  it("begins an hour before the time up to which all is complete, and finds what was stored late", async () => {
    const parts = persistParts();
    const janitor = janitorOf(parts);
    const forgotten = parts.newBatchId();
    parts.pass(10 * MINUTE_MS);
    const lateId = parts.newBatchId();
    parts.pass(75 * MINUTE_MS);
    await janitor();
    for (const id of [forgotten, lateId])
      await parts.archive.putIfAbsent(batchKey(id), encodeBatch([line(id).text]));

    const report = await janitor();

    expect(report).toMatchObject({ examined: 1, completed: 1, unregistered: 1 });
    expect(await parts.ledger.find(lateId)).toBeDefined();
    expect(await parts.ledger.find(forgotten)).toBeUndefined();
  });

  it("leaves the rest to the next run when its time is over", async () => {
    const parts = persistParts();
    for (const id of ["a", "b", "c"]) await leaveBatch(parts, [line(id)]);
    parts.pass(16 * MINUTE_MS);
    const complete = createCompleteBatch(parts);
    const slow = createJanitor({
      ...parts,
      maxRunMs: MINUTE_MS,
      complete: async (batchId) => {
        parts.pass(40_000);
        await complete(batchId);
      },
    });

    const first = await slow();
    const second = await slow();

    expect(first).toMatchObject({ examined: 3, completed: 2, isFinished: false });
    expect(second).toMatchObject({ examined: 3, completed: 1, isFinished: true });
  });

  it("leaves the rest to the next run after five failures that time may heal", async () => {
    const parts = persistParts();
    for (let count = 0; count < 7; count++) await leaveBatch(parts, [line(`event-${count}`)]);
    parts.pass(30 * MINUTE_MS);
    const { port: table, fail, calls } = withFaults<EventTable>(parts.table);
    const janitor = janitorOf(parts, { table });
    fail("insert", THROTTLED, 5);

    const first = await janitor();
    const tries = calls("insert");
    const second = await janitor();

    expect(first).toMatchObject({ completed: 0, unregistered: 7, isFinished: false });
    expect(first.problems.map(({ error }) => error)).toEqual(Array.from({ length: 5 }, () => THROTTLED));
    expect(tries).toBe(5);
    expect(second).toMatchObject({ completed: 7, isFinished: true });
  });

  it("goes on behind what it has listed when its time is over, not behind what it has not", async () => {
    const parts = persistParts();
    for (let count = 0; count < 1100; count++) {
      const batchId = await leaveBatch(parts, [line("a")]);
      await parts.ledger.register({ batchId, lineCount: 1, winners: [0], conflicts: [], unindexed: [] });
      parts.pass(MINUTE_MS);
    }
    const left = await leaveBatch(parts, [line("b")]);
    parts.pass(3 * HOUR_MS);
    const registered: Ledger["registered"] = (batchIds) => {
      parts.pass(HOUR_MS);
      return parts.ledger.registered(batchIds);
    };
    const slow = new Proxy(parts.ledger, {
      get: (ledger, name) => (name === "registered" ? registered : Reflect.get(ledger, name).bind(ledger)),
    });

    const first = await janitorOf(parts, { ledger: slow })();
    const second = await janitorOf(parts)();

    expect(first).toMatchObject({ examined: 1000, completed: 0, isFinished: false });
    expect(second).toMatchObject({ completed: 1, isFinished: true });
    expect(second.examined).toBeLessThan(200);
    expect(await parts.ledger.find(left)).toBeDefined();
  });

  it("shows to the indexes what they did not take before, conflicts too", async () => {
    const parts = persistParts();
    parts.table.takesIndexKeys = () => false;
    await createPersist(parts)([line("a"), line("b"), line("a", "other")]);
    const janitor = janitorOf(parts);

    const report = await janitor();

    expect(report).toMatchObject({ examined: 0, indexed: 3, problems: [] });
    expect([...parts.table.items.values()].map(({ isIndexed }) => isIndexed)).toEqual([true, true, true]);
    expect(await parts.ledger.unindexed(10)).toEqual([]);
    expect(await janitor()).toMatchObject({ indexed: 0 });
  });

  it("keeps lines waiting that the indexes still do not take", async () => {
    const parts = persistParts();
    parts.table.takesIndexKeys = () => false;
    const { batchId } = await createPersist(parts)([line("a")]);
    const { port: table, fail } = withFaults<EventTable>(parts.table);
    const janitor = janitorOf(parts, { table });
    fail("index", THROTTLED);

    const first = await janitor();
    const second = await janitor();

    expect(first).toMatchObject({ indexed: 0, problems: [{ subject: batchId, error: THROTTLED }] });
    expect(second).toMatchObject({ indexed: 1, problems: [] });
  });

  it("refuses a note of a newer release", async () => {
    const parts = persistParts();
    await parts.ledger.writeNote("janitor", '{"format":2}');

    await expect(janitorOf(parts)()).rejects.toThrow("ledger note janitor is damaged or of a newer release");
  });
});
