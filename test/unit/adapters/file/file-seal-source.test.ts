// What is sealed of a file log: every durable line under its own number, nothing else, and nothing where numbers are doubtful.
import { hash } from "node:crypto";
import { copyFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { createFileLogLedger } from "#adapters/file/file-log-ledger.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import { createFileSealSource } from "#adapters/file/file-seal-source.ts";
import type { FileStore } from "#adapters/file/file-store.ts";
import { repairLog } from "#adapters/file/repair.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { linesOnDisk, logFiles, newFolder, rewrite } from "#test/support/folders.ts";
import {
  checkFolder,
  readCheckpoint,
  rootOfFirst,
  sealAll,
  sealPasses,
} from "#test/support/sealed-folder.ts";
import { LIVE_NAME, testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 700);
const LINE_BYTES = Buffer.byteLength(LINES[0]?.text ?? "") + 1;
const FIVE_PER_FILE = { maxFileBytes: 5 * LINE_BYTES, backupCount: 100 };

async function logOf(count: number, options: object = {}) {
  const folder = await newFolder();
  const store = await testLog(folder, options);
  for (let at = 0; at < count; at += 5) await store.send(LINES.slice(at, Math.min(count, at + 5)));
  return { folder, store };
}

function sourceOf(store: FileStore, maxLines?: number) {
  const { paths, tail, recovered } = store;
  const objects = createFileLogStore({ folder: paths.folder });
  const ledger = createFileLogLedger(paths);
  return createFileSealSource({
    paths,
    tail,
    store: objects,
    ledger,
    uncertain: recovered.uncertain,
    maxLines,
  });
}

describe("lines without a leaf", () => {
  it("are the durable ones behind the size, by their hashes and the time of the first", async () => {
    const { store } = await logOf(12);

    const input = await sourceOf(store).next(7);

    const entries = Buffer.concat(LINES.slice(7, 12).map(({ text }) => hash("sha256", text, "buffer")));
    expect(Buffer.from(input?.entries ?? [])).toEqual(entries);
    expect(input).toMatchObject({
      objects: [],
      batches: [],
      oldestMs: Date.parse("2026-03-01T12:00:00.000Z"),
    });
  });

  it("come in portions, and are none once all are sealed", async () => {
    const { store } = await logOf(12);
    const source = sourceOf(store, 5);

    const sizes = [];
    for (let size = 0; size < 12; ) {
      const portion = ((await source.next(size))?.entries.length ?? 0) / 32;
      sizes.push(portion);
      size += portion;
    }

    expect(sizes).toEqual([5, 5, 2]);
    expect(await source.next(12)).toBeUndefined();
  });

  it("are sealed from the first on of a log that an older release has written", async () => {
    const { folder, store } = await logOf(700, { maxFileBytes: 200 * LINE_BYTES, backupCount: 1 });
    expect(await readdir(folder)).not.toContain("log");

    expect(await sealAll(store, { maxLines: 300 })).toMatchObject({ size: 700, problems: [] });

    expect(await checkFolder(folder)).toMatchObject({ size: 700 });
  });
});

describe("a log that was sealed", () => {
  it("grows: the root of each size is that of its first lines", async () => {
    const { folder, store } = await logOf(0);
    const passes = sealPasses(store);

    for (const [from, to] of [
      [0, 1],
      [1, 255],
      [255, 256],
      [256, 257],
      [257, 600],
    ] as const) {
      await store.send(LINES.slice(from, to));
      await passes.run({ isOverdue: () => false });
      const { size, rootHex } = await readCheckpoint(folder);
      expect([size, rootHex]).toEqual([to, await rootOfFirst(folder, to)]);
    }

    await checkFolder(folder);
    expect((await readdir(join(folder, "log/tile/0"))).toSorted()).toEqual(["000", "001", "002.p"]);
    expect((await readdir(join(folder, "log/tile/entries"))).toSorted()).toEqual(["000", "001", "002.p"]);
  });

  it("keeps its leaves through repair: what was damaged has the numbers it had", async () => {
    const { folder, store } = await logOf(23, FIVE_PER_FILE);
    await sealAll(store);
    const before = await readCheckpoint(folder);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await rewrite(join(folder, second), (bytes) => bytes.fill("x", LINE_BYTES, 3 * LINE_BYTES));
    const { sealedLines } = await repairLog({ path: join(folder, LIVE_NAME), isDryRun: false });

    expect(sealedLines).toBe(3);
    const repaired = await testLog(folder, FIVE_PER_FILE);
    await repaired.send(LINES.slice(23, 30));
    await sealAll(repaired);

    const after = await readCheckpoint(folder);
    expect([before.size, after.size]).toEqual([23, 30]);
    const lines = await linesOnDisk(folder);
    expect(lines.slice(-7)).toEqual(LINES.slice(23, 30).map(({ text }) => text));
    expect(repaired.recovered.numbers.lineOf(repaired.recovered.index.rows - 1)).toBe(29);
  });

  it("names the lines that have moved, as where damage of the live file has swallowed others", async () => {
    const { folder, store } = await logOf(20);
    await sealAll(store);
    await store.close();
    await rewrite(join(folder, LIVE_NAME), (bytes) => bytes.fill("x", 5 * LINE_BYTES, 7 * LINE_BYTES));
    const damaged = await testLog(folder);
    await damaged.send(LINES.slice(20, 25));

    const passes = sealPasses(damaged);
    const first = await passes.run({ isOverdue: () => false });
    const again = await passes.run({ isOverdue: () => false });

    const moved = expect.stringMatching(/line 17 is not what was sealed as leaf 17.*#lost-lines$/);
    expect(first).toMatchObject({ size: 25, problems: [moved] });
    expect(again).toMatchObject({ size: 25, problems: first.problems });
  });

  it("is sealed further behind a last line that was damaged since, which has its number still", async () => {
    const { folder, store } = await logOf(20);
    await sealAll(store);
    await store.close();
    await rewrite(join(folder, LIVE_NAME), (bytes) => bytes.fill("x", 18 * LINE_BYTES, 18 * LINE_BYTES + 20));
    await rewrite(join(folder, LIVE_NAME), (bytes) => bytes.fill("x", 19 * LINE_BYTES, 19 * LINE_BYTES + 20));
    const damaged = await testLog(folder);
    await damaged.send(LINES.slice(20, 25));

    expect(await sealAll(damaged)).toMatchObject({ size: 25 });
  });
});

describe("numbers that nobody can tell", () => {
  it("of a file that is missing stop sealing there, until it is back", async () => {
    const { folder, store } = await logOf(23, FIVE_PER_FILE);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await rename(join(folder, second), join(folder, "away"));
    const gapped = await testLog(folder, FIVE_PER_FILE);

    await expect(sealAll(gapped)).rejects.toThrow("lines 5 to 9 are missing or damaged");
    expect(await readCheckpoint(folder)).toMatchObject({ size: 5 });

    await gapped.close();
    await rename(join(folder, "away"), join(folder, second));
    await sealAll(await testLog(folder, FIVE_PER_FILE));
    expect(await checkFolder(folder)).toMatchObject({ size: 23 });
  });

  it("behind damage that has swallowed lines stop sealing before it, until it is repaired", async () => {
    const { folder, store } = await logOf(23, FIVE_PER_FILE);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await rewrite(join(folder, second), (bytes) => bytes.fill("x", LINE_BYTES, 3 * LINE_BYTES));
    const damaged = await testLog(folder, FIVE_PER_FILE);

    await expect(sealAll(damaged)).rejects.toThrow("lines 6 to 9 are missing or damaged");
    expect(await readCheckpoint(folder)).toMatchObject({ size: 6 });

    await damaged.close();
    await repairLog({ path: join(folder, LIVE_NAME), isDryRun: false });
    expect(await sealAll(await testLog(folder, FIVE_PER_FILE))).toMatchObject({ size: 23 });
  });

  it("do not matter once what lies behind them is sealed", async () => {
    const { folder, store } = await logOf(23, FIVE_PER_FILE);
    await sealAll(store);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await rm(join(folder, second));
    const gapped = await testLog(folder, FIVE_PER_FILE);
    await gapped.send(LINES.slice(23, 25));

    expect(await sealAll(gapped)).toMatchObject({ size: 25 });
  });

  it("of a damaged line that stands alone are certain: it is sealed as the bytes it has", async () => {
    const { folder, store } = await logOf(23, FIVE_PER_FILE);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await rewrite(join(folder, second), (bytes) => bytes.fill("x", LINE_BYTES, LINE_BYTES + 20));

    await sealAll(await testLog(folder, FIVE_PER_FILE));

    expect(await checkFolder(folder)).toMatchObject({ size: 23 });
  });

  it("are not made by a copy that lies among the files", async () => {
    const { folder, store } = await logOf(23, FIVE_PER_FILE);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await copyFile(join(folder, second), join(folder, "audit-0000000000000007.jsonl"));

    const input = await sourceOf(await testLog(folder, FIVE_PER_FILE)).next(0);

    expect((input?.entries.length ?? 0) / 32).toBeGreaterThanOrEqual(7);
  });
});
