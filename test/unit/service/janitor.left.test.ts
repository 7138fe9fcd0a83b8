// What the janitor does about batches that time will not heal: it names them, looks at them again, and goes on.
import { describe, expect, it } from "vitest";

import { batchKey, encodeBatch, keyBefore } from "#service/batch-object.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import type { JanitorReport } from "#service/janitor.ts";
import { createJanitor } from "#service/janitor.ts";
import { createPersist } from "#service/persist.ts";
import type { PersistParts } from "#test/support/persist-fixtures.ts";
import { leaveBatch, line, persistParts } from "#test/support/persist-fixtures.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function janitorOf(parts: PersistParts): () => Promise<JanitorReport> {
  return createJanitor({ ...parts, complete: createCompleteBatch(parts) });
}

describe("the janitor", () => {
  it("names a batch that it cannot finish at every run, and goes on with the others", async () => {
    const parts = persistParts();
    const broken = parts.newBatchId();
    await parts.archive.putIfAbsent(batchKey(broken), Buffer.from("no gzip"));
    parts.pass(MINUTE_MS);
    const sound = await leaveBatch(parts, [line("a")]);
    const janitor = janitorOf(parts);
    parts.pass(3 * HOUR_MS);

    const first = await janitor();
    parts.pass(3 * HOUR_MS);
    const second = await janitor();

    expect(first).toMatchObject({ examined: 2, completed: 1, unregistered: 2, isFinished: true });
    expect(first.problems).toMatchObject([{ subject: broken, error: { retryable: false } }]);
    expect(await parts.ledger.find(sound)).toBeDefined();
    expect(second).toMatchObject({
      examined: 1,
      completed: 0,
      unregistered: 1,
      problems: [{ subject: broken }],
    });
  });

  it("does not look at all batches behind one that it cannot finish again and again", async () => {
    const parts = persistParts();
    const broken = parts.newBatchId();
    await parts.archive.putIfAbsent(batchKey(broken), Buffer.from("no gzip"));
    for (let count = 0; count < 50; count++) {
      parts.pass(HOUR_MS);
      await createPersist(parts)([line(`event-${count}`)]);
    }
    const janitor = janitorOf(parts);
    parts.pass(HOUR_MS);
    await janitor();

    const report = await janitor();

    expect(report).toMatchObject({ unregistered: 1, problems: [{ subject: broken }] });
    expect(report.examined).toBeLessThan(5);
  });

  it("finishes such a batch once it is mended, and forgets it once it is deleted", async () => {
    const parts = persistParts();
    const [mended, deleted] = [parts.newBatchId(), parts.newBatchId()];
    for (const id of [mended, deleted]) await parts.archive.putIfAbsent(batchKey(id), Buffer.from("no gzip"));
    const janitor = janitorOf(parts);
    parts.pass(9 * HOUR_MS);
    await janitor();
    parts.archive.objects.delete(batchKey(deleted));
    parts.archive.objects.delete(batchKey(mended));
    await parts.archive.putIfAbsent(batchKey(mended), encodeBatch([line("a").text]));

    const first = await janitor();
    const second = await janitor();

    expect(first).toMatchObject({ completed: 1, problems: [] });
    expect(second).toMatchObject({ examined: 0, unregistered: 0, problems: [] });
    expect(await parts.ledger.find(mended)).toBeDefined();
  });

  it("goes on with the others where one trips a defect", async () => {
    const parts = persistParts();
    const bad = await leaveBatch(parts, [line("bad")]);
    await leaveBatch(parts, [line("a")]);
    const finish = createCompleteBatch(parts);
    const complete = async (batchId: string): Promise<void> => {
      if (batchId === bad) throw new TypeError("a line is quoted here");
      await finish(batchId);
    };
    parts.pass(HOUR_MS);

    const report = await createJanitor({ ...parts, complete })();

    expect(report).toMatchObject({ completed: 1, unregistered: 2, problems: [{ subject: bad }] });
    expect(report.problems[0]?.error.message).toBe(`batch ${bad} trips a defect: TypeError`);
  });

  it("leaves a batch to a human that is older than 30 days, since its events may have left the hot store", async () => {
    const parts = persistParts();
    const batchId = await leaveBatch(parts, [line("a")]);
    parts.pass(30 * 24 * HOUR_MS + 1);
    const janitor = janitorOf(parts);
    await janitor();

    const report = await janitor();

    expect(report).toMatchObject({ completed: 0, unregistered: 1 });
    expect(report.problems).toMatchObject([{ subject: batchId, error: { retryable: false } }]);
    expect(parts.table.items.size).toBe(0);
  });

  it("keeps naming an object that may be a batch of a newer release", async () => {
    const parts = persistParts();
    const key = `${keyBefore(parts.clock.nowMs())}.jsonl.zst`;
    await parts.archive.putIfAbsent(key, Buffer.from("?"));
    const janitor = janitorOf(parts);
    parts.pass(3 * HOUR_MS);
    await janitor();
    parts.pass(3 * HOUR_MS);

    const report = await janitor();

    expect(report.problems).toMatchObject([{ subject: key, error: { code: "storage-unavailable" } }]);
  });

  it("keeps looking at a batch that was stored late and that it cannot finish", async () => {
    const parts = persistParts();
    const late = parts.newBatchId();
    const janitor = janitorOf(parts);
    parts.pass(HOUR_MS);
    await janitor();
    await parts.archive.putIfAbsent(batchKey(late), Buffer.from("no gzip"));
    await janitor();
    parts.pass(9 * HOUR_MS);

    const report = await janitor();

    expect(report.problems).toMatchObject([{ subject: late }]);
  });
});
