// The rebuild of tables whose lines are in the log: items, rows, notes and the head as they were, and sealing goes on.
import { describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import { batchKey, encodeBatch, outcomeKey } from "#service/batch-object.ts";
import { CHECKPOINT_KEY, manifestKey } from "#service/log-layout.ts";
import { createRebuild } from "#service/rebuild.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { HOT_RETENTION_MS, startSealedService } from "#test/support/sealed-service.ts";

const FRESH = { isResumed: false, isWithoutDamaged: false };
const HOUR_MS = 3_600_000;

const line = (id: number, message = "first"): PreparedLine =>
  sampleLine({ tenant_id: "t", event_id: `event-${id}`, message });

/** Three seals; batches share events, and hold other content under known ids. */
async function fill(service: SealedService): Promise<void> {
  for (let seal = 0; seal < 3; seal++) {
    for (let batch = 0; batch < 4; batch++) {
      const first = (seal * 4 + batch) * 6;
      const ids = Array.from({ length: 10 }, (_, index) => first + index);
      await service.persist(ids.map((id) => line(id, id % 6 === 1 ? `content ${batch}` : "first")));
      service.pass(1000);
    }
    await service.seal();
    service.pass(HOUR_MS);
  }
}

const itemsOf = ({ ports }: SealedService): readonly unknown[] =>
  [...ports.table.items.values()]
    .map((item) => ({ ...item, isIndexed: true, conflicts: item.conflicts.toSorted() }))
    .sort((a, b) => (a.eventId < b.eventId ? -1 : 1));

/** What an index refused in the one service, it may have taken in the other. */
const rowsOf = ({ ports }: SealedService): readonly unknown[] =>
  [...ports.ledger.rows.values()]
    .map((row) => ({ ...row, unindexed: [] }))
    .sort((a, b) => (a.batchId < b.batchId ? -1 : 1));

describe("a rebuild of a log", () => {
  it("restores every item, note, row and the head from segments alone", async () => {
    const service = await startSealedService();
    await fill(service);
    const lost = service.loseTables();

    const report = await createRebuild(lost.rebuildDeps())(FRESH);

    expect(report).toMatchObject({ batches: 12, unpublished: 0, overlaps: 0, damaged: [], isFinished: true });
    expect(report.lines).toBe(report.logSize);
    expect(itemsOf(lost)).toEqual(itemsOf(service));
    expect(rowsOf(lost)).toEqual(rowsOf(service));
    expect(lost.ports.log.head).toMatchObject({
      checkpoint: service.ports.log.head?.checkpoint,
      sealedAtMs: service.ports.log.head?.sealedAtMs,
      staging: undefined,
    });
    expect(await lost.problems()).toEqual([]);
  });

  it("lets sealing go on behind it, with batches that had no leaf yet", async () => {
    const service = await startSealedService();
    await fill(service);
    await service.persist([line(900), line(2), line(901, "other")]);
    const lost = service.loseTables();
    await createRebuild(lost.rebuildDeps())(FRESH);
    await lost.persist([line(902), line(900)]);

    const report = await lost.seal();

    expect(report).toMatchObject({ leaves: 3, problems: [] });
    expect(await lost.problems()).toEqual([]);
  });

  it("places nothing twice where the object of a batch outlived its sealing", async () => {
    const service = await startSealedService();
    const lines = [line(1), line(2)];
    const batchId = await service.persist(lines);
    await service.seal();
    await service.ports.archive.putIfAbsent(batchKey(batchId), encodeBatch(lines.map(({ text }) => text)));
    const lost = service.loseTables();

    const report = await createRebuild(lost.rebuildDeps())(FRESH);

    expect(report).toMatchObject({ batches: 1, lines: 2, logSize: 2 });
    expect(await lost.seal()).toMatchObject({ leaves: 0 });
    expect(lost.ports.ledger.pointers.size).toBe(0);
  });

  it("misses nothing where the outcome of a batch of copies is all that is left of it", async () => {
    const service = await startSealedService();
    await service.persist([line(1)]);
    await service.seal();
    const batchId = await service.persist([line(1)]);
    const outcome = await service.ports.archive.get(outcomeKey(batchId));
    await service.seal();
    await service.ports.archive.putIfAbsent(outcomeKey(batchId), outcome ?? Buffer.from(""));
    const lost = service.loseTables();

    const report = await createRebuild(lost.rebuildDeps())(FRESH);

    expect(report).toMatchObject({ isFinished: true, damaged: [], logSize: 1 });
  });

  it("goes on where it was stopped, and gives the same in the end", async () => {
    const service = await startSealedService();
    await fill(service);
    const lost = service.loseTables();
    const stop = new AbortController();
    const onProgress = async (): Promise<void> => stop.abort();

    const cut = await createRebuild(lost.rebuildDeps())({ ...FRESH, stop: stop.signal, onProgress });
    const headThen = lost.ports.log.head;
    const rest = await createRebuild(lost.rebuildDeps())({ ...FRESH, isResumed: true });

    expect([cut.isFinished, headThen]).toEqual([false, undefined]);
    expect(rest.isFinished).toBe(true);
    expect(await lost.problems()).toEqual([]);
  });

  it("leaves out lines whose retention is over, and keeps their rows and leaves", async () => {
    const service = await startSealedService();
    await fill(service);
    service.pass(HOT_RETENTION_MS);
    const lost = service.loseTables();

    const report = await createRebuild(lost.rebuildDeps())(FRESH);

    expect(report.expired).toBe(report.lines);
    expect(lost.ports.table.items.size).toBe(0);
    expect(rowsOf(lost)).toEqual(rowsOf(service));
  });

  it("writes the items back where the ledger alone is left, and leaves the head alone", async () => {
    const service = await startSealedService();
    await fill(service);
    const { table } = service.loseTables().rebuildDeps();
    const head = { ...service.ports.log.head };

    const report = await createRebuild({ ...service.rebuildDeps(), table })({ ...FRESH, isResumed: true });

    expect(report).toMatchObject({ isFinished: true, lines: report.logSize });
    expect(service.ports.log.head).toEqual(head);
  });

  it.each(["manifests/", CHECKPOINT_KEY])(
    "writes the items back where the ledger is left with a seal that was cut off before %s",
    async (prefix) => {
      const service = await startSealedService();
      await fill(service);
      await service.persist([line(900), line(901)]);
      const { archive } = service.ports;
      const stop = new Error("cut off");
      const cut = <Result>(key: string, work: () => Promise<Result>): Promise<Result> =>
        key.startsWith(prefix) ? Promise.reject(stop) : work();
      const sealing = service.seal(({ log, sealing: batches }) => ({
        log,
        sealing: batches,
        store: Object.assign(Object.create(archive), {
          putIfAbsent: (key: string, bytes: Uint8Array) => cut(key, () => archive.putIfAbsent(key, bytes)),
          replace: (key: string, bytes: Uint8Array, version: string | undefined) =>
            cut(key, () => archive.replace(key, bytes, version)),
        }),
      }));
      await expect(sealing).rejects.toBe(stop);
      const items = service.ports.table.items.size;
      const lost = { ...service.rebuildDeps(), table: service.loseTables().ports.table };

      const report = await createRebuild(lost)({ ...FRESH, isResumed: true });
      await service.seal();

      expect(report).toMatchObject({ isFinished: true, damaged: [] });
      expect(lost.table.items.size).toBe(items);
      expect(await service.problems()).toEqual([]);
    },
  );

  it.each([
    ["segment", (service: SealedService) => segmentOf(service, 0), /is missing$/],
    ["manifest", () => "manifests/", /have no manifest$/],
  ])("names a %s that is missing, and marks nothing", async (_, keyOf, reason) => {
    const service = await startSealedService();
    await fill(service);
    const prefix = keyOf(service);
    const key = [...service.ports.archive.objects.keys()].sort().find((one) => one.startsWith(prefix)) ?? "";
    service.ports.archive.objects.delete(key);
    const lost = service.loseTables();

    const report = await createRebuild(lost.rebuildDeps())(FRESH);

    expect(report).toMatchObject({ isFinished: false, damaged: [{ reason: expect.stringMatching(reason) }] });
    expect(lost.ports.log.head).toBeUndefined();
  });

  it("refuses a published checkpoint that was set back, and takes nothing away", async () => {
    const service = await startSealedService();
    const { objects } = service.ports.archive;
    await service.persist([line(1)]);
    await service.seal();
    const old = objects.get(CHECKPOINT_KEY);
    await service.persist([line(2)]);
    await service.seal();
    if (old !== undefined) objects.set(CHECKPOINT_KEY, old);
    service.pass(HOUR_MS);
    const lost = service.loseTables();

    await expect(createRebuild(lost.rebuildDeps())(FRESH)).rejects.toThrow(
      /of size 1, but the log was larger: batch object .* is gone; bring the newest version/,
    );

    expect(objects.has(manifestKey(2))).toBe(true);
    expect(lost.ports.ledger.rows.size).toBe(0);
  });

  it("waits where a sealer was at work just now, which may publish yet", async () => {
    const service = await startSealedService();
    await service.seal();
    const founded = service.ports.archive.objects.get(CHECKPOINT_KEY);
    await service.persist([line(1)]);
    await service.seal();
    if (founded !== undefined) service.ports.archive.objects.set(CHECKPOINT_KEY, founded);

    const rebuilding = createRebuild(service.loseTables().rebuildDeps())(FRESH);

    await expect(rebuilding).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^a sealer was at work within the last 15 minutes/),
    });
  });

  it("writes no head where the log has moved on meanwhile", async () => {
    const service = await startSealedService();
    await fill(service);
    const lost = service.loseTables();
    const onProgress = async (): Promise<void> => {
      service.ports.archive.objects.delete(CHECKPOINT_KEY);
    };

    await expect(createRebuild(lost.rebuildDeps())({ ...FRESH, onProgress })).rejects.toThrow(
      /a sealer is at work/,
    );

    expect(lost.ports.log.head).toBeUndefined();
  });

  it("refuses a checkpoint that does not fit the tiles", async () => {
    const service = await startSealedService();
    await service.persist([line(1)]);
    await service.seal();
    service.ports.archive.objects.delete("log/tile/0/000.p/1");
    const lost = service.loseTables();

    await expect(createRebuild(lost.rebuildDeps())(FRESH)).rejects.toMatchObject({ code: "log-diverged" });
  });

  it("refuses segments of a log whose checkpoint is gone", async () => {
    const service = await startSealedService();
    await service.persist([line(1)]);
    await service.seal();
    service.ports.archive.objects.delete(CHECKPOINT_KEY);
    const lost = service.loseTables();

    await expect(createRebuild(lost.rebuildDeps())(FRESH)).rejects.toMatchObject({ code: "log-diverged" });
  });
});

function segmentOf({ ports }: SealedService, at: number): string {
  return [...ports.archive.objects.keys()].filter((key) => key.startsWith("segments/")).sort()[at] ?? "";
}
