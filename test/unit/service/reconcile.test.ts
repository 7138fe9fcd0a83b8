// The nightly equation over a log that real parts have sealed: what it says when all is well, and exactly what when an item,
// a segment, a manifest, a row or a place was removed or changed.
import { beforeEach, describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import { manifestKey } from "#service/log-layout.ts";
import type { ReconcileReport } from "#service/reconcile-note.ts";
import { createReconcile } from "#service/reconcile.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { itemPlaces } from "#test/support/memory-event-table.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { HOT_RETENTION_MS, startSealedService } from "#test/support/sealed-service.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NO_END = { untilMs: Number.POSITIVE_INFINITY };
const WELL = {
  missing_items: 0,
  missing_rows: 0,
  wrong_rows: 0,
  missing_segments: 0,
  late_duplicates: 0,
  log_size_difference: 0,
  problems: [],
};

let service: SealedService;
let batchIds: string[];

const line = (eventId: string, message = "first"): PreparedLine =>
  sampleLine({ tenant_id: "t", event_id: eventId, message });

/** Three seals of three leaves each; the second one holds other content of an event of the first. */
beforeEach(async () => {
  service = await startSealedService();
  batchIds = [];
  for (const [a, b] of [
    ["a", "b"],
    ["c", "a"],
    ["d", "e"],
  ] as const) {
    batchIds.push(await service.persist([line(a, `from ${a}${b}`), line(b, `from ${a}${b}`)]));
    batchIds.push(await service.persist([line(`${a}${b}`)]));
    await service.seal();
    service.pass(HOUR_MS);
  }
});

function depsOf({ ports, clock }: SealedService) {
  const { archive, ledger, table } = ports;
  const restore = { ledger, sealing: ledger };
  return { archive, ledger, items: itemPlaces(table), restore, clock, hotRetentionMs: HOT_RETENTION_MS };
}

const compare = (): Promise<ReconcileReport | undefined> => createReconcile(depsOf(service))(NO_END);

async function nextNight(): Promise<ReconcileReport | undefined> {
  service.pass(DAY_MS);
  return compare();
}

function segmentKeyAt(index: number): string {
  const keys = [...service.ports.archive.objects.keys()].filter((key) => key.startsWith("segments/"));
  return keys.sort()[index] ?? "";
}

describe("the nightly comparison", () => {
  it("finds rows, segments and log equal when all is well", async () => {
    expect(await compare()).toEqual({
      ...WELL,
      begun_at: "2026-03-01T15:00:00.000Z",
      finished_at: "2026-03-01T15:00:00.000Z",
      log_size: 9,
      row_leaves: 9,
      segment_lines: 9,
      reconciled_leaves: 9,
    });
  });

  it("notices a removed item", async () => {
    service.ports.table.items.delete("t#c");

    expect(await compare()).toMatchObject({
      ...WELL,
      missing_items: 1,
      problems: ["event c of tenant t, leaf 3, is missing in the hot store"],
    });
  });

  it("notices the removed item of other content, which stands under a derived id", async () => {
    const derived = [...service.ports.table.items.keys()].find((key) => key.includes("!")) ?? "";
    service.ports.table.items.delete(derived);

    const report = await compare();

    expect(report).toMatchObject({ missing_items: 1 });
    expect(report?.problems[0]).toMatch(/^event a![0-9a-f]{32} of tenant t, leaf 4, is missing/);
  });

  it("notices a removed segment, also one that it has looked at before", async () => {
    await compare();
    const key = segmentKeyAt(1);
    service.ports.archive.objects.delete(key);

    expect(await nextNight()).toMatchObject({
      ...WELL,
      missing_segments: 1,
      problems: ["the segment of leaves 3 to 5 is missing"],
    });
  });

  it("notices a segment that was removed before it was looked at, and what the log lacks by it", async () => {
    const key = segmentKeyAt(2);
    service.ports.archive.objects.delete(key);

    expect(await compare()).toMatchObject({
      row_leaves: 9,
      segment_lines: 6,
      log_size_difference: 3,
      missing_segments: 1,
      problems: ["the segment of leaves 6 to 8 is missing"],
    });
  });

  it("notices a segment that cannot be read", async () => {
    const key = segmentKeyAt(1);
    const stored = service.ports.archive.objects.get(key);
    if (stored !== undefined)
      service.ports.archive.objects.set(key, { ...stored, bytes: stored.bytes.subarray(9) });

    expect(await compare()).toMatchObject({
      missing_segments: 1,
      log_size_difference: 3,
      problems: [`segment ${key} is damaged: it is not gzip of UTF-8 text`],
    });
  });

  it("notices a removed manifest", async () => {
    service.ports.archive.objects.delete(manifestKey(6));

    expect(await compare()).toMatchObject({
      missing_segments: 1,
      log_size_difference: 3,
      problems: [`manifest ${manifestKey(6)} is missing`],
    });
  });

  it("notices a removed row of a batch, restores it with its place, and finds all well the night after", async () => {
    const [batchId = ""] = batchIds;
    const row = service.ports.ledger.rows.get(batchId);
    service.ports.ledger.rows.delete(batchId);

    const report = await compare();
    const after = await nextNight();

    expect(report).toMatchObject({
      ...WELL,
      missing_rows: 1,
      row_leaves: 7,
      log_size_difference: 2,
      problems: [`the row of batch ${batchId} was missing; restored from ${manifestKey(3)}`],
    });
    expect(service.ports.ledger.rows.get(batchId)).toEqual({ ...row, unindexed: [] });
    expect(service.ports.ledger.pointers.size).toBe(0);
    expect(after).toMatchObject({ ...WELL, row_leaves: 9 });
  });

  it("notices a row that does not say that its batch is sealed", async () => {
    const [batchId = ""] = batchIds;
    const { sealed, ...row } = service.ports.ledger.rows.get(batchId) ?? { batchId };
    service.ports.ledger.rows.set(batchId, {
      lineCount: 2,
      winners: [0, 1],
      conflicts: [],
      unindexed: [],
      ...row,
    });

    expect(await compare()).toMatchObject({
      missing_rows: 1,
      problems: [
        `the row of batch ${batchId} did not say that it is sealed; restored from ${manifestKey(3)}`,
      ],
    });
    expect(service.ports.ledger.rows.get(batchId)?.sealed).toEqual(sealed);
  });

  it("notices a row that says another place, and leaves it to a human", async () => {
    const [batchId = ""] = batchIds;
    const row = service.ports.ledger.rows.get(batchId);
    const sealed = { firstLeaf: 7, segment: segmentKeyAt(2) };
    if (row !== undefined) service.ports.ledger.rows.set(batchId, { ...row, sealed });

    expect(await compare()).toMatchObject({
      ...WELL,
      wrong_rows: 1,
      problems: [`the row of batch ${batchId} says leaf 7 of ${segmentKeyAt(2)}, unlike ${manifestKey(3)}`],
    });
    expect(service.ports.ledger.rows.get(batchId)).toMatchObject({ sealed });
  });

  it("reports an event that was sealed twice, because its first item was gone", async () => {
    service.ports.table.items.delete("t#d");
    const again = await service.persist([line("d", "from de")]);
    await service.seal();

    expect(await compare()).toMatchObject({
      ...WELL,
      log_size: 10,
      late_duplicates: 1,
      problems: [
        `event d of tenant t, leaf 6, is line 0 of batch ${batchIds[4]}; the hot store has line 0 of batch ${again}`,
      ],
    });
  });

  it("asks the hot store for nothing that it keeps no longer", async () => {
    service.ports.table.items.clear();
    service.pass(HOT_RETENTION_MS);

    expect(await compare()).toMatchObject(WELL);
  });

  it("reads each segment once, and what was not sound again until it is", async () => {
    const key = segmentKeyAt(0);
    const stored = service.ports.archive.objects.get(key);
    service.ports.archive.objects.delete(key);
    const first = await compare();
    const second = await nextNight();
    if (stored !== undefined) service.ports.archive.objects.set(key, stored);

    const third = await nextNight();
    const fourth = await nextNight();

    expect(first).toMatchObject({ reconciled_leaves: 6, log_size_difference: 3 });
    expect(second).toMatchObject({ reconciled_leaves: 0, log_size_difference: 3, missing_segments: 1 });
    expect(third).toMatchObject({ ...WELL, reconciled_leaves: 3 });
    expect(fourth).toMatchObject({ ...WELL, reconciled_leaves: 0, segment_lines: 9 });
  });

  it("runs once after 02:00 UTC", async () => {
    const first = await compare();
    const sameDay = await compare();
    service.pass(11 * HOUR_MS - 1);
    const before = await compare();
    service.pass(1);
    const after = await compare();

    expect([first?.log_size, sameDay, before, after?.log_size]).toEqual([9, undefined, undefined, 9]);
  });

  it("goes on in later runs where the time of one does not suffice", async () => {
    const { archive } = service.ports;
    const get: typeof archive.get = async (key) => {
      if (key.startsWith("manifests/")) service.pass(1000);
      return archive.get(key);
    };
    const slow = createReconcile({
      ...depsOf(service),
      archive: { get, list: (...args) => archive.list(...args) },
    });
    const run = () => slow({ untilMs: service.clock.nowMs() + 1 });

    const runs = [await run(), await run(), await run(), await run()];

    expect(runs.map((report) => report?.reconciled_leaves)).toEqual([undefined, undefined, 9, undefined]);
    expect(runs[2]).toMatchObject(WELL);
  });

  it("says nothing before there is a log", async () => {
    service.ports.archive.objects.clear();

    expect(await compare()).toBeUndefined();
  });
});
