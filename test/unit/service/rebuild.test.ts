// The rebuild of both tables from the archive: the same items, rows and notes as before, whatever came of the batches.
import { randomBytes, randomUUID } from "node:crypto";

import { describe, expect, it } from "vitest";

import { AuditStorageError } from "#lib/errors.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { batchKey } from "#service/batch-object.ts";
import type { TableMark } from "#service/table-mark.ts";
import { DEPLOYMENT_KEY, openDeployment } from "#service/deployment.ts";
import type { Persist } from "#service/persist.ts";
import { createPersist } from "#service/persist.ts";
import type { Ledger } from "#service/ports.ts";
import type { RebuildDeps, RebuildReport } from "#service/rebuild.ts";
import { createRebuild } from "#service/rebuild.ts";
import { RECEIVED_AT_MS, sampleLine } from "#test/contract/sample-lines.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { MemoryLogLedger } from "#test/support/memory-log-ledger.ts";
import { memoryMark } from "#test/support/memory-mark.ts";

const DAY_MS = 86_400_000;
const FRESH = { isResumed: false, isWithoutDamaged: false };

interface Tables {
  readonly table: MemoryEventTable;
  readonly ledger: MemoryLedger;
  readonly eventMark: TableMark;
  readonly ledgerMark: TableMark;
}

function newTables(): Tables {
  return {
    table: new MemoryEventTable(),
    ledger: new MemoryLedger(),
    eventMark: memoryMark("events"),
    ledgerMark: memoryMark("ledger"),
  };
}

interface Running extends Tables {
  readonly archive: MemoryArchive;
  readonly persist: Persist;
}

async function startService(): Promise<Running> {
  const archive = new MemoryArchive();
  const tables = newTables();
  const { conflictKey } = await openDeployment({
    archive,
    marks: [tables.eventMark, tables.ledgerMark],
    newIncarnation: randomUUID,
    fillRandom: (bytes) => bytes.set(randomBytes(bytes.length)),
  });
  const { newEventId: newBatchId } = createIdentifiers({
    nowMs: () => RECEIVED_AT_MS,
    fillRandom: (bytes) => bytes.set(randomBytes(bytes.length)),
  });
  const persist = createPersist({ archive, ...tables, conflictKey, newBatchId });
  return { ...tables, archive, persist };
}

/** Batches that hold what others hold, and other content under their ids. */
async function fillService(service: Running): Promise<void> {
  const line = (id: number, content: number): ReturnType<typeof sampleLine> =>
    sampleLine({ tenant_id: "acme", event_id: `event-${id}`, message: `content ${content}` });
  for (let batch = 0; batch < 40; batch++) {
    const ids = Array.from({ length: 12 }, (_, index) => batch * 5 + index);
    await service.persist(ids.map((id) => line(id, (id + batch) % 7 === 0 ? batch : 0)));
  }
}

function depsOf({ archive }: Running, tables: Tables, nowMs = RECEIVED_AT_MS): RebuildDeps {
  return {
    archive,
    ...tables,
    sealing: tables.ledger,
    logLedger: new MemoryLogLedger(),
    holdsEvents: async () => tables.table.items.size > 0,
    holdsRows: async () => tables.ledger.rows.size + tables.ledger.notes.size > 0,
    clock: { nowMs: () => nowMs },
    hotRetentionMs: 90 * DAY_MS,
  };
}

async function rebuild(service: Running, tables: Tables, nowMs?: number): Promise<RebuildReport> {
  return createRebuild(depsOf(service, tables, nowMs))(FRESH);
}

const itemsOf = ({ table }: Tables): readonly unknown[] =>
  [...table.items.values()]
    .map(({ conflicts, ...item }) => ({ ...item, conflicts: conflicts.toSorted() }))
    .sort((a, b) => (a.eventId < b.eventId ? -1 : 1));

const rowsOf = ({ ledger }: Tables): readonly unknown[] =>
  [...ledger.rows.values()].sort((a, b) => (a.batchId < b.batchId ? -1 : 1));

describe("a rebuild", () => {
  it("restores every item, note and row as it was, and marks the tables", async () => {
    const service = await startService();
    await fillService(service);
    const tables = newTables();

    const report = await rebuild(service, tables);

    expect(report).toMatchObject({ batches: 40, lines: 480, expired: 0, overlaps: 0, damaged: [] });
    expect(report.isFinished).toBe(true);
    expect(report.conflicts).toBe(10);
    expect(itemsOf(tables)).toEqual(itemsOf(service));
    expect(rowsOf(tables)).toEqual(rowsOf(service));
    expect((await tables.eventMark.read()).mark).toBeDefined();
    expect((await tables.ledgerMark.read()).mark).toBeDefined();
  });

  it("stores each event once where a batch without a row holds what others hold", async () => {
    const service = await startService();
    await fillService(service);
    const young = await startYoung(service);
    const tables = newTables();

    await rebuild(service, tables);

    expect(tables.ledger.rows.has(young)).toBe(true);
    const winners = [...tables.ledger.rows.values()].reduce((sum, row) => sum + row.winners.length, 0);
    const conflicts = [...tables.ledger.rows.values()].reduce((sum, row) => sum + row.conflicts.length, 0);
    expect(winners + conflicts).toBe(tables.table.items.size);
    expect([...tables.table.items.keys()].sort()).toEqual([...service.table.items.keys()].sort());
    expect(await rebuild(service, newTables())).toMatchObject({ isFinished: true, overlaps: 0 });
  });

  it("writes the row of a batch whose outcome an earlier run wrote before it was cut off", async () => {
    const service = await startService();
    await fillService(service);
    const young = await startYoung(service);
    const tables = newTables();
    const register: Ledger["register"] = async (record) => {
      if (record.batchId === young)
        throw new AuditStorageError("storage-unavailable", "cut", { retryable: true });
      await MemoryLedger.prototype.register.call(tables.ledger, record);
    };
    const cutTables = { ...tables, ledger: Object.assign(new MemoryLedger(), tables.ledger, { register }) };
    const cut = createRebuild(depsOf(service, cutTables));

    await expect(cut(FRESH)).rejects.toThrow("cut");
    const report = await createRebuild(depsOf(service, tables))({ ...FRESH, isResumed: true });

    expect(report.isFinished).toBe(true);
    expect(tables.ledger.rows.has(young)).toBe(true);
  });

  it("goes on where it was stopped, and gives the same in the end", async () => {
    const service = await startService();
    await fillService(service);
    const tables = newTables();
    const stop = new AbortController();
    const onProgress = async (): Promise<void> => stop.abort();

    const cut = await createRebuild(depsOf(service, tables))({ ...FRESH, stop: stop.signal, onProgress });
    const again = createRebuild(depsOf(service, tables));
    await expect(again(FRESH)).rejects.toThrow("--resume");
    const rest = await again({ ...FRESH, isResumed: true });

    expect(cut.isFinished).toBe(false);
    expect(rest.isFinished).toBe(true);
    expect(cut.batches + rest.batches).toBe(40);
    expect(itemsOf(tables)).toEqual(itemsOf(service));
    expect(rowsOf(tables)).toEqual(rowsOf(service));
  });

  it("restores the items where the ledger alone is left", async () => {
    const service = await startService();
    await fillService(service);
    const { table, eventMark } = newTables();
    const tables = { ...service, table, eventMark };

    const report = await createRebuild(depsOf(service, tables))({ ...FRESH, isResumed: true });

    expect(report.isFinished).toBe(true);
    expect(itemsOf(tables)).toEqual(itemsOf(service));
  });

  it("indexes what an index did not take at first, where the ledger alone is left", async () => {
    const service = await startService();
    await fillService(service);
    const { table, eventMark } = newTables();
    table.takesIndexKeys = () => false;
    const tables = { ...service, table, eventMark };
    const index: MemoryEventTable["index"] = async () => {
      throw new AuditStorageError("storage-unavailable", "throttled", { retryable: true });
    };
    const throttled = { ...tables, table: Object.assign(new MemoryEventTable(), table, { index }) };
    const resumed = { ...FRESH, isResumed: true };

    await expect(createRebuild(depsOf(service, throttled))(resumed)).rejects.toThrow("throttled");
    const report = await createRebuild(depsOf(service, tables))(resumed);

    expect(report.isFinished).toBe(true);
    expect(itemsOf(tables)).toEqual(itemsOf(service));
  });

  it("notes what an index did not take with the rows that it writes", async () => {
    const service = await startService();
    await fillService(service);
    const tables = newTables();
    tables.table.takesIndexKeys = ({ line }) => line !== 3;

    await rebuild(service, tables);

    const unindexed = [...tables.table.items.values()].filter(({ isIndexed }) => !isIndexed);
    const noted = [...tables.ledger.rows.values()].flatMap((row) => row.unindexed);
    expect(unindexed.length).toBeGreaterThan(0);
    expect(noted).toHaveLength(unindexed.length);
  });

  it("refuses a table of events whose lanes nobody knows any more", async () => {
    const service = await startService();
    await fillService(service);
    const { ledger, ledgerMark } = newTables();
    const run = createRebuild(depsOf(service, { ...service, ledger, ledgerMark }));

    await expect(run({ ...FRESH, isResumed: true })).rejects.toThrow("create events anew, empty, too");
  });

  it("refuses a copy of a table, which lacks what came later", async () => {
    const service = await startService();
    const tables = { ...newTables(), eventMark: memoryMark("events", await service.eventMark.read()) };

    await expect(rebuild(service, tables)).rejects.toThrow("table events is a copy");
  });

  it("refuses an archive that was never used", async () => {
    const service = await startService();
    service.archive.objects.delete(DEPLOYMENT_KEY);

    await expect(rebuild(service, newTables())).rejects.toThrow(AuditStorageError);
  });

  it("leaves out lines whose retention is over, and keeps their rows", async () => {
    const service = await startService();
    await fillService(service);
    const tables = newTables();

    const report = await rebuild(service, tables, RECEIVED_AT_MS + 90 * DAY_MS);

    expect(report.expired).toBe(service.table.items.size);
    expect(tables.table.items.size).toBe(0);
    expect(rowsOf(tables)).toEqual(rowsOf(service));
  });

  it("names a damaged batch, restores the rest, and marks the tables only when told to", async () => {
    const service = await startService();
    const kept = sampleLine({ event_id: "kept" });
    const { batchId = "" } = await service.persist([sampleLine({ event_id: "lost" })]);
    await service.persist([kept]);
    service.archive.objects.set(batchKey(batchId), {
      bytes: randomBytes(50),
      modifiedMs: 0,
      version: "",
    });
    const tables = newTables();

    const report = await rebuild(service, tables);
    const markBefore = (await tables.eventMark.read()).mark;
    const run = createRebuild(depsOf(service, tables));
    const told = await run({ isResumed: true, isWithoutDamaged: true });

    expect(report).toMatchObject({ isFinished: false, damaged: [{ key: batchKey(batchId) }] });
    expect(markBefore).toBeUndefined();
    expect([...tables.table.items.keys()]).toEqual(["default#kept"]);
    expect(told).toMatchObject({ isFinished: true, damaged: [{ key: batchKey(batchId) }] });
    expect((await tables.eventMark.read()).mark).toBeDefined();
  });
});

/** A batch object that was stored by a consumer which went no further; it holds what others hold. */
async function startYoung({ archive, ledger }: Running): Promise<string> {
  const { newEventId: newBatchId } = createIdentifiers({
    nowMs: () => RECEIVED_AT_MS - 1000,
    fillRandom: (bytes) => bytes.set(randomBytes(bytes.length)),
  });
  const insert = async (): Promise<never> => {
    throw new AuditStorageError("storage-unavailable", "the consumer is gone");
  };
  let batchId = "";
  const persist = createPersist({
    archive,
    table: Object.assign(new MemoryEventTable(), { insert }),
    ledger,
    conflictKey: randomBytes(32),
    newBatchId: () => (batchId = newBatchId()),
  });
  const lines = Array.from({ length: 30 }, (_, id) =>
    sampleLine({ tenant_id: "acme", event_id: `event-${id}`, message: "content 0" }),
  );
  await persist(lines).catch(() => undefined);
  return batchId;
}
