// The cursor gives every line its number, in one go or in steps, whatever form files have and while they change it.
import { readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import type { FileStore } from "#adapters/file/file-store.ts";
import { LineCursor } from "#adapters/file/line-cursor.ts";
import { repairLog } from "#adapters/file/repair.ts";
import { sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import {
  isCompressed,
  linesOnDisk,
  logFiles,
  newFolder,
  rewrite,
  untilFiles,
} from "#test/support/folders.ts";
import { LIVE_NAME, testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 60);
const TEXTS = LINES.map(({ text }) => text);
const LINE_BYTES = Buffer.byteLength(TEXTS[0] ?? "") + 1;
const FIVE_PER_FILE = { maxFileBytes: 5 * LINE_BYTES, backupCount: 100 };

async function logOf(count: number, options: object = FIVE_PER_FILE) {
  const folder = await newFolder();
  const store = await testLog(folder, options);
  for (const line of LINES.slice(0, count)) await store.send([line]);
  return { folder, store };
}

function cursorOn(store: FileStore): LineCursor {
  const cursor = new LineCursor(store);
  onTestFinished(() => cursor.close());
  return cursor;
}

async function read(store: FileStore, from = 0, to = store.tail.durableLines): Promise<string[]> {
  return readOn(cursorOn(store), from, to);
}

async function readOn(cursor: LineCursor, from: number, to: number): Promise<string[]> {
  const texts: string[] = [];
  await cursor.visit(from, to, (line) => texts.push(line.toString()) > 0);
  return texts;
}

describe("a cursor", () => {
  it("reads across files from any line to any other", async () => {
    const { store } = await logOf(23);

    for (const [from, to] of [
      [0, 23],
      [0, 5],
      [4, 6],
      [5, 10],
      [12, 13],
      [20, 23],
      [22, 23],
    ] as const)
      expect(await read(store, from, to)).toEqual(TEXTS.slice(from, to));
  });

  it("goes on where it stopped, also when told to stop", async () => {
    const { store } = await logOf(23);
    const cursor = cursorOn(store);
    const texts: string[] = [];

    while (texts.length < 23) {
      await cursor.visit(texts.length, 23, (line) => {
        texts.push(line.toString());
        return texts.length % 3 !== 0;
      });
    }

    expect(texts).toEqual(TEXTS.slice(0, 23));
  });

  it("goes back where it is asked for earlier lines again", async () => {
    const { store } = await logOf(23);
    const cursor = cursorOn(store);
    await readOn(cursor, 0, 17);

    expect(await readOn(cursor, 3, 9)).toEqual(TEXTS.slice(3, 9));
  });

  it.each([
    ["a file larger than it reads at once", { maxFileBytes: 10_000_000 }],
    ["compressed files of many members", { maxFileBytes: 800_000, backupCount: 0 }],
  ])("reads %s", async (_, options) => {
    const folder = await newFolder();
    const store = await testLog(folder, options);
    const lines = Array.from({ length: 150 }, (__, index) =>
      sampleLine({ message: "é".repeat((index % 5) * 2500), event_id: `event-${index}` }),
    );
    for (const line of lines) await store.send([line]);
    await untilFiles(folder, (names) => isCompressed(names, 0));
    const cursor = cursorOn(store);

    const steps = [0, 1, 17, 18, 150];
    const parts: string[] = [];
    for (const to of steps.slice(1)) parts.push(...(await readOn(cursor, parts.length, to)));

    expect(parts).toEqual(lines.map(({ text }) => text));
  });

  it("goes on through rotation and compression under its hands", async () => {
    const { folder, store } = await logOf(3, { ...FIVE_PER_FILE, backupCount: 0 });
    const cursor = cursorOn(store);
    const texts = await readOn(cursor, 0, 3);

    for (let sent = 3; sent < 60; sent++) {
      await store.send(LINES.slice(sent, sent + 1));
      if (sent % 4 === 0) texts.push(...(await readOn(cursor, texts.length, sent + 1)));
      if (sent % 10 === 0) await untilFiles(folder, (names) => isCompressed(names, 0));
    }
    texts.push(...(await readOn(cursor, texts.length, 60)));

    expect(texts).toEqual(TEXTS);
  });

  it("keeps nothing of what was not durable yet", async () => {
    const { folder, store } = await logOf(2, {});
    const path = join(folder, LIVE_NAME);
    const whole = await readFile(path);
    await writeFile(path, Buffer.concat([whole, Buffer.from("never durable\nneither this\n")]));
    const cursor = cursorOn(store);
    await readOn(cursor, 0, 2);
    await truncate(path, whole.length);

    await store.send(LINES.slice(2, 4));

    expect(await readOn(cursor, 2, 4)).toEqual(TEXTS.slice(2, 4));
  });
});

describe("a marker of quarantined lines", () => {
  it("is given once for each number that it takes, also when reading stops among them", async () => {
    const { folder, store } = await logOf(13);
    await store.close();
    const [first = ""] = await logFiles(folder);
    await rewrite(join(folder, first), (bytes) => bytes.fill("x", LINE_BYTES, 3 * LINE_BYTES));
    await repairLog({ path: join(folder, LIVE_NAME), isDryRun: false });
    const repaired = await testLog(folder, FIVE_PER_FILE);
    const marker = (await linesOnDisk(folder))[1] ?? "";
    const expected = [TEXTS[0], marker, marker, marker, ...TEXTS.slice(4, 13)];
    const cursor = cursorOn(repaired);

    const inSteps: string[] = [];
    for (let line = 0; line < 13; line++) inSteps.push(...(await readOn(cursor, line, line + 1)));

    expect(marker).toContain('"lines":3');
    expect(inSteps).toEqual(expected);
    expect(await read(repaired)).toEqual(expected);
    expect(await read(repaired, 2, 4)).toEqual([marker, marker]);
  });
});

describe("a rotated file that was cut within its last line", () => {
  it("gives what is there of it its number", async () => {
    const { folder, store } = await logOf(17);
    const [, second = ""] = await logFiles(folder);
    await truncate(join(folder, second), 5 * LINE_BYTES - 20);

    expect(await read(store)).toEqual([
      ...TEXTS.slice(0, 9),
      (TEXTS[9] ?? "").slice(0, LINE_BYTES - 20),
      ...TEXTS.slice(10, 17),
    ]);
  });
});

describe("lines that are not there", () => {
  it.each([
    ["of a file that is gone", 1, "lines 5 to 9 are missing from the log"],
    ["of the first file", 0, "lines 0 to 4 are missing from the log"],
    ["of the last rotated file", 2, "lines 10 to 14 are missing from the log"],
  ])("%s are named", async (_, place, message) => {
    const { folder, store } = await logOf(17);
    const names = await logFiles(folder);
    await rm(join(folder, names[place] ?? ""));

    await expect(read(store)).rejects.toMatchObject({
      code: "log-diverged",
      message: expect.stringContaining(message),
    });
  });

  it("at the end of a rotated file are named", async () => {
    const { folder, store } = await logOf(17);
    const [, second = ""] = await logFiles(folder);
    await truncate(join(folder, second), 3 * LINE_BYTES);

    await expect(read(store)).rejects.toThrow("lines 8 to 9 are missing from the log");
    await expect(read(store, 9, 17)).rejects.toThrow("lines 8 to 9 are missing from the log");
    expect(await read(store, 10, 17)).toEqual(TEXTS.slice(10, 17));
  });

  it("in a damaged member are told with what to do", async () => {
    const { folder, store } = await logOf(17, { ...FIVE_PER_FILE, backupCount: 0 });
    await untilFiles(folder, (names) => isCompressed(names, 0));
    const [, second = ""] = await logFiles(folder);
    await rewrite(join(folder, second), (bytes) => bytes.fill(0, 40, 60));

    await expect(read(store)).rejects.toMatchObject({
      code: "log-diverged",
      message: expect.stringMatching(/lines from 5 on cannot be read from .* run auditlog repair/),
    });
  });

  it("are there again once the file is", async () => {
    const { folder, store } = await logOf(17);
    const [, second = ""] = await logFiles(folder);
    await rename(join(folder, second), join(folder, "away"));
    const cursor = cursorOn(store);
    await expect(readOn(cursor, 0, 17)).rejects.toThrow("missing");

    await rename(join(folder, "away"), join(folder, second));

    expect(await readOn(cursor, 0, 17)).toEqual(TEXTS.slice(0, 17));
  });
});
