// Lines for the log from batches: which, in what order, and what is passed over and named.
import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import { batchKey, outcomeKey } from "#service/batch-object.ts";
import type { BatchSealSourceDeps } from "#service/batch-seal-source.ts";
import { createBatchSealSource } from "#service/batch-seal-source.ts";
import { conflictIdOf } from "#service/conflict-id.ts";
import { manifestKey } from "#service/log-layout.ts";
import type { SealInput, SealSource } from "#service/log-ports.ts";
import { decodeManifest } from "#service/manifest.ts";
import { createPersist } from "#service/persist.ts";
import { decodeSegment } from "#service/segment.ts";
import type { PersistParts } from "#test/support/persist-fixtures.ts";
import { CONFLICT_KEY, line, persistParts } from "#test/support/persist-fixtures.ts";

interface Parts extends PersistParts {
  readonly persist: (lines: readonly PreparedLine[]) => Promise<string>;
  readonly source: (limits?: Pick<BatchSealSourceDeps, "maxLeaves" | "maxBytes">) => SealSource;
}

function parts(): Parts {
  const ports = persistParts();
  const persist = createPersist(ports);
  return {
    ...ports,
    persist: async (lines) => (await persist(lines)).batchId ?? "",
    source: (limits = {}) => createBatchSealSource({ ...ports, ...limits }),
  };
}

async function nextOf(source: SealSource, size = 0): Promise<SealInput> {
  const input = await source.next(size);
  if (input === undefined) throw new Error("there are no lines");
  return input;
}

function idsOf(input: SealInput): readonly string[] {
  return input.batches.map(({ batchId }) => batchId);
}

describe("the source of lines in batches", () => {
  it("has none where none is pending", async () => {
    expect(await parts().source().next(0)).toBeUndefined();
  });

  it("gives winners and conflicts of all batches, oldest first, in the order of their lines", async () => {
    const { persist, source } = parts();
    const [a, other, b, c] = [line("a"), line("a", "other"), line("b"), line("c")];
    const first = await persist([a, b]);
    const second = await persist([line("b"), other, c]);

    const input = await nextOf(source(), 70_001);

    expect(input.batches).toMatchObject([
      { batchId: first, lineCount: 2, winners: [0, 1], conflicts: [], firstLeaf: 70_001 },
      { batchId: second, lineCount: 3, winners: [2], conflicts: [1], firstLeaf: 70_003 },
    ]);
    const texts = [a, b, other, c].map(({ text }) => text);
    expect(Buffer.from(input.entries)).toEqual(
      Buffer.concat(texts.map((text) => hash("sha256", text, "buffer"))),
    );
    const [segment, manifest] = input.objects;
    expect(decodeSegment(segment!.bytes, segment!.key)).toEqual(texts);
    const eventId = "a";
    const conflictId = conflictIdOf({ conflictKey: CONFLICT_KEY, eventId, contentHash: other.contentHash });
    expect(manifest?.key).toBe(manifestKey(70_005));
    expect(decodeManifest(manifest!.bytes, manifest!.key).derivedIds).toEqual(
      new Map([[70_003, conflictId]]),
    );
  });

  it("tells when the oldest line was accepted", async () => {
    const { persist, source } = parts();
    await persist([line("a"), line("b")]);

    expect((await nextOf(source())).oldestMs).toBe(Date.parse("2026-03-01T12:00:00.000Z"));
  });

  it.each([
    { title: "lines", limits: { maxLeaves: 3 } },
    { title: "bytes", limits: { maxBytes: 3 * (Buffer.byteLength(line("a").text) + 2) } },
  ])("stops in front of the batch with which the $title would be too many", async ({ limits }) => {
    const { persist, source } = parts();
    const batches = [
      await persist([line("a"), line("b")]),
      await persist([line("c")]),
      await persist([line("d"), line("e")]),
    ];

    expect(idsOf(await nextOf(source(limits)))).toEqual(batches.slice(0, 2));
  });

  it("gives one batch at least, however large", async () => {
    const { persist, source } = parts();
    const batchId = await persist([line("a"), line("b")]);

    expect(idsOf(await nextOf(source({ maxLeaves: 1, maxBytes: 1 })))).toEqual([batchId]);
  });

  it("places a batch without a line in the log at leaf 0, and needs no object for it", async () => {
    const { persist, source, archive } = parts();
    await persist([line("a")]);
    const batchId = await persist([line("a")]);
    await archive.remove([batchKey(batchId)]);

    const input = await nextOf(source(), 5);

    expect(input.batches[1]).toMatchObject({ batchId, firstLeaf: 0, segment: undefined });
  });

  it("settles all batches and removes their objects", async () => {
    const { persist, source, archive, ledger } = parts();
    const batchId = await persist([line("a")]);
    const duplicate = await persist([line("a"), line("b")]);
    const { batches, objects } = await nextOf(source());

    await source().settle(batches);
    await source().tidy(batches);

    const segment = objects[0]?.key;
    expect((await ledger.find(batchId))?.sealed).toEqual({ firstLeaf: 0, segment });
    expect((await ledger.find(duplicate))?.sealed).toEqual({ firstLeaf: 1, segment });
    expect(await archive.get(outcomeKey(duplicate))).toBeUndefined();
    expect(archive.objects.size).toBe(0);
    expect(await source().next(2)).toBeUndefined();
  });

  it("removes no outcome object where there is none: each removal leaves a marker in a versioned bucket", async () => {
    const { persist, source, archive } = parts();
    const batchId = await persist([line("a")]);
    const duplicate = await persist([line("a"), line("b")]);
    const { batches } = await nextOf(source());
    const removed: string[] = [];
    const remove = archive.remove.bind(archive);
    archive.remove = async (keys) => {
      removed.push(...keys);
      await remove(keys);
    };

    await source().tidy(batches);

    expect(removed).toEqual([batchKey(batchId), batchKey(duplicate), outcomeKey(duplicate)]);
  });

  it("takes a pointer away that outlived the sealing of its batch", async () => {
    const { persist, source, ledger } = parts();
    const batchId = await persist([line("a")]);
    await ledger.markSealed(batchId, { firstLeaf: 0, segment: "s" });
    ledger.pointers.add(batchId);

    expect(await source().next(1)).toBeUndefined();

    expect(ledger.pointers.size).toBe(0);
  });

  it.each<{
    readonly title: string;
    readonly harm: (parts: Parts, batchId: string) => unknown;
    readonly says: string;
  }>([
    {
      title: "whose object is missing",
      harm: ({ archive }, batchId) => archive.remove([batchKey(batchId)]),
      says: "its object is missing",
    },
    {
      title: "whose object is damaged",
      harm: ({ archive }, batchId) =>
        archive.objects.set(batchKey(batchId), { bytes: Buffer.of(1), modifiedMs: 0 }),
      says: "is damaged: it is not gzip",
    },
    {
      title: "whose row counts other lines",
      harm: ({ ledger }, batchId) => ledger.rows.set(batchId, { ...ledger.rows.get(batchId)!, lineCount: 7 }),
      says: "holds 1 lines, its row says 7",
    },
    {
      title: "without a row",
      harm: ({ ledger }, batchId) => ledger.rows.delete(batchId),
      says: "it is pending and has no row",
    },
  ])("passes over a batch $title, names it, and goes on with the next", async ({ harm, says }) => {
    const all = parts();
    const bad = await all.persist([line("a")]);
    await harm(all, bad);
    const alone = await nextOf(all.source());
    const good = await all.persist([line("b")]);

    const input = await nextOf(all.source());

    const problems = [{ subject: bad, problem: expect.stringContaining(says) }];
    expect(alone).toMatchObject({ batches: [], problems });
    expect(idsOf(input)).toEqual([good]);
    expect(input.problems).toEqual(problems);
  });

  it("looks behind however many batches that cannot be read", async () => {
    const { persist, source, ledger, newBatchId } = parts();
    for (let count = 0; count < 300; count++) ledger.pointers.add(newBatchId());
    const good = await persist([line("a")]);

    const input = await nextOf(source());

    expect(idsOf(input)).toEqual([good]);
    expect(input.problems).toHaveLength(300);
  });
});
