// The look at batches that should be in the log by now: what is late, what lost its pointer or row, what outlived its sealing;
// and that an orphan goes only where the log holds it.
import { beforeEach, describe, expect, it } from "vitest";

import { batchKey, encodeBatch, outcomeKey } from "#service/batch-object.ts";
import type { BatchSurvey } from "#service/inventory-batches.ts";
import { createBatchSurvey } from "#service/inventory-batches.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import { createInventory, readInventory } from "#service/inventory.ts";
import { createOrphanRemoval, writeOrphans } from "#service/janitor-orphans.ts";
import { createJanitor } from "#service/janitor.ts";
import { CHECKPOINT_KEY } from "#service/log-layout.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { startSealedService } from "#test/support/sealed-service.ts";

const MINUTE_MS = 60_000;
const WELL: BatchSurvey = {
  examined: 0,
  lateBatches: 0,
  lateEvents: 0,
  repointed: [],
  repointedEvents: 0,
  lostRows: [],
  orphans: [],
  isComplete: true,
};

let service: SealedService;

beforeEach(async () => {
  service = await startSealedService();
});

const linesOf = (...ids: readonly string[]) => ids.map((id) => sampleLine({ tenant_id: "t", event_id: id }));

function survey(limits: { readonly maxObjects?: number; readonly maxPending?: number } = {}) {
  const { archive, ledger } = service.ports;
  return createBatchSurvey({ archive, ledger, sealing: ledger, clock: service.clock, ...limits })();
}

describe("a survey of batches", () => {
  it("finds nothing where everything is sealed", async () => {
    await service.persist(linesOf("a"));
    await service.seal();
    service.pass(4 * MINUTE_MS);

    expect(await survey()).toEqual(WELL);
  });

  it("counts the events of batches that wait for more than three minutes", async () => {
    await service.persist(linesOf("a", "b"));
    await service.persist(linesOf("b", "c"));
    service.pass(3 * MINUTE_MS);
    const early = await survey();
    service.pass(1);

    expect(early).toEqual(WELL);
    expect(await survey()).toEqual({ ...WELL, examined: 2, lateBatches: 2, lateEvents: 3 });
  });

  it("notices a removed pending pointer, and writes it anew, so that the batch is sealed", async () => {
    const batchId = await service.persist(linesOf("a", "b"));
    service.ports.ledger.pointers.delete(batchId);
    service.pass(4 * MINUTE_MS);

    const found = await survey();
    const { leaves } = await service.seal();

    expect(found).toEqual({ ...WELL, examined: 1, repointed: [batchId], repointedEvents: 2 });
    expect(leaves).toBe(2);
    expect(await service.problems()).toEqual([]);
  });

  it("notices a removed row of a batch that is pending", async () => {
    const batchId = await service.persist(linesOf("a"));
    service.ports.ledger.rows.delete(batchId);
    service.pass(4 * MINUTE_MS);

    expect(await survey()).toEqual({ ...WELL, examined: 1, lostRows: [batchId] });
  });

  it("leaves a batch without a row to the janitor, which counts it", async () => {
    const batchId = await service.persist(linesOf("a"));
    service.ports.ledger.rows.delete(batchId);
    service.ports.ledger.pointers.delete(batchId);
    service.pass(21 * MINUTE_MS);

    expect(await survey()).toEqual({ ...WELL, examined: 1 });
  });

  it("gives what was finished just now its time to be sealed: whoever finished it did so late", async () => {
    const batchId = await service.persist(linesOf("a", "b"));
    service.ports.ledger.rows.delete(batchId);
    service.ports.ledger.pointers.delete(batchId);
    service.pass(16 * MINUTE_MS);
    const { archive, ledger } = service.ports;
    const deps = { archive, ledger, sealing: ledger, clock: service.clock };
    const places = { ...service.ports, conflictKey: service.conflictKey, clock: service.clock };
    const { finished } = await createJanitor({ ...places, complete: createCompleteBatch(places) })();

    const first = await createBatchSurvey(deps)(finished);
    const next = await createBatchSurvey(deps)();

    expect(finished).toEqual([batchId]);
    expect(first).toMatchObject({ lateBatches: 0, lateEvents: 0 });
    expect(next).toMatchObject({ lateBatches: 1, lateEvents: 2 });
  });

  it("does not point to a batch that is sealed between its two looks", async () => {
    const batchId = await service.persist(linesOf("a"));
    service.pass(4 * MINUTE_MS);
    const { ledger, archive } = service.ports;
    const pending: typeof ledger.pending = async (limit) => {
      await service.seal();
      return ledger.pending(limit);
    };
    const sealing = { pending, repoint: async (id: string) => ledger.repoint(id) };

    const found = await createBatchSurvey({ archive, ledger, sealing, clock: service.clock })();

    expect(found).toMatchObject({ repointed: [] });
    expect(ledger.pointers.has(batchId)).toBe(false);
  });

  it("lists behind what it found last time, and from the oldest object on that was still there", async () => {
    const { archive, ledger } = service.ports;
    const lists: (readonly [string, string | undefined])[] = [];
    const list: typeof archive.list = (prefix, after) => {
      lists.push([prefix, after]);
      return archive.list(prefix, after);
    };
    const look = async () => {
      lists.length = 0;
      const deps = { archive: { list }, ledger, sealing: ledger, clock: service.clock };
      const { examined } = await createBatchSurvey(deps)();
      return { examined, lists: lists.length };
    };
    service.pass(24 * 60 * MINUTE_MS);
    await look();
    await service.persist(linesOf("a"));
    service.pass(5 * MINUTE_MS);
    const young = await look();
    service.pass(3 * 24 * 60 * MINUTE_MS);
    const old = await look();
    await service.seal();
    await look();
    const sealed = await look();

    expect(young).toEqual({ examined: 1, lists: 1 });
    expect(old).toEqual({ examined: 1, lists: 4 });
    expect(sealed).toEqual({ examined: 0, lists: 1 });
  });

  it("says that it counts only some, and writes no pointer where it does not know all", async () => {
    for (const id of ["a", "b", "c"]) await service.persist(linesOf(id));
    service.pass(4 * MINUTE_MS);

    expect(await survey({ maxObjects: 2 })).toMatchObject({ examined: 2, isComplete: false });
    expect(await survey({ maxPending: 2 })).toMatchObject({
      lateBatches: 2,
      repointed: [],
      isComplete: false,
    });
  });
});

describe("an object that outlived its sealing", () => {
  const lines = linesOf("a", "b");
  const bytes = encodeBatch(lines.map(({ text }) => text));

  async function orphan(stored: Uint8Array = bytes): Promise<string> {
    const batchId = await service.persist(lines);
    await service.seal();
    await service.ports.archive.putIfAbsent(batchKey(batchId), stored);
    service.pass(4 * MINUTE_MS);
    const { orphans } = await survey();
    await writeOrphans(service.ports.ledger, orphans);
    return batchId;
  }

  const remove = () => {
    const { archive, ledger } = service.ports;
    return createOrphanRemoval({ store: archive, ledger })();
  };

  it("is named by the survey, and removed where the log holds its lines", async () => {
    const batchId = await orphan();
    await service.ports.archive.putIfAbsent(outcomeKey(batchId), Buffer.from("{}"));

    const report = await remove();

    expect(report).toEqual({ removed: [batchId], kept: [] });
    expect(await service.problems()).toEqual([]);
    expect(await survey()).toEqual(WELL);
  });

  it.each([
    [
      "other lines",
      encodeBatch(linesOf("x", "y").map(({ text }) => text)),
      /line 0 is another one in the log/,
    ],
    [
      "more lines",
      encodeBatch([...lines, ...linesOf("c")].map(({ text }) => text)),
      /holds 3 lines, .* says 2/,
    ],
  ])("is kept where it holds %s", async (_, stored, reason) => {
    const batchId = await orphan(stored);

    const { removed, kept } = await remove();

    expect(removed).toEqual([]);
    expect(kept).toMatchObject([{ batchId, reason: expect.stringMatching(reason) }]);
    expect(service.ports.archive.objects.has(batchKey(batchId))).toBe(true);
  });

  it("is kept where the segment that its row names is gone", async () => {
    const batchId = await orphan();
    const segment = service.ports.ledger.rows.get(batchId)?.sealed?.segment ?? "";
    service.ports.archive.objects.delete(segment);

    expect((await remove()).kept).toEqual([{ batchId, reason: `segment ${segment} is missing` }]);
  });

  it("is kept until the checkpoint that covers it is published", async () => {
    await service.seal();
    const founded = service.ports.archive.objects.get(CHECKPOINT_KEY);
    const batchId = await orphan();
    if (founded !== undefined) service.ports.archive.objects.set(CHECKPOINT_KEY, founded);

    expect(await remove()).toEqual({ removed: [], kept: [] });
    expect(service.ports.archive.objects.has(batchKey(batchId))).toBe(true);
  });
});

describe("an inventory with a survey", () => {
  it("adds what waits for the log, in events, and names orphans for the sealer", async () => {
    const { archive, ledger } = service.ports;
    const found: BatchSurvey = {
      ...WELL,
      lateEvents: 30,
      repointed: ["g"],
      repointedEvents: 4,
      lostRows: ["h"],
      orphans: ["i"],
      isComplete: false,
    };
    const take = createInventory({
      ledger,
      archive,
      clock: service.clock,
      countDeadLetters: async () => 100,
      survey: async () => found,
      countLateMessages: async () => 1000,
    });

    const inventory = await take(0);

    expect(inventory).toMatchObject({
      late_messages: 1000,
      late_events: 30,
      unpointed_events: 4,
      lost_rows: 1,
      orphans: 1,
      is_at_least: true,
      unaccounted_events: 1135,
    });
    expect(await readInventory(ledger)).toEqual(inventory);
    expect(ledger.notes.get("orphans")).toContain('"i"');
  });

  it("cannot tell the sum where the queues do not tell how old their messages are", async () => {
    const { archive, ledger } = service.ports;
    const countLateMessages = async () => undefined;
    const deps = { ledger, archive, clock: service.clock, countDeadLetters: async () => 1 };

    const inventory = await createInventory({ ...deps, countLateMessages })(0);

    expect(inventory).toMatchObject({ late_messages: null, unaccounted_events: null });
  });
});
