// Damage in the middle of a log, of a live, rotated or compressed file: the service starts, serves everything else, and
// health names file and byte.
import { appendFile, copyFile, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { FileStore } from "#adapters/file/file-store.ts";
import { decodeLine } from "#event/stored-line.ts";
import { findIds, idOf, idsOf, planFor, readPages, sampleLines } from "#test/contract/sample-lines.ts";
import { isCompressed, logFiles, newFolder, rewrite, untilFiles } from "#test/support/folders.ts";
import { LIVE_NAME, openLog, testLog } from "#test/support/stores.ts";

const TENANT = "default";
const COUNT = 24;
const LINES = sampleLines(TENANT, COUNT);
const IDS = LINES.map(({ event }) => event.event_id);
const LINE_BYTES = Buffer.byteLength(LINES[0]?.text ?? "") + 1;
const FIVE_PER_FILE = { maxFileBytes: 5 * LINE_BYTES, backupCount: 2 };

/** A log of five files with five lines each but the last: two compressed, two plain, the live one. */
async function fullFolder(): Promise<{ folder: string; files: readonly string[] }> {
  const folder = await newFolder();
  const store = await openLog(folder, FIVE_PER_FILE);
  for (const line of LINES) await store.send([line]);
  await untilFiles(folder, (names) => isCompressed(names, 2));
  await store.close();
  return { folder, files: await logFiles(folder) };
}

/** Ids that pages of a store find; every line must be whole. */
async function soundIds(store: FileStore): Promise<readonly string[]> {
  const pages = await readPages(store, planFor(TENANT, { order_desc: false }));
  return pages.flat().map((line) => {
    decodeLine(line);
    return idOf(line);
  });
}

const without = (from: number, to: number): readonly string[] => [...IDS.slice(0, from), ...IDS.slice(to)];

async function expectDegraded(store: FileStore, path: string, problem: RegExp): Promise<void> {
  const { status, problems } = await store.probe();
  expect(status).toBe("degraded");
  expect(problems.filter((text) => text.startsWith(path))).toEqual([expect.stringMatching(problem)]);
}

describe("a damaged line", () => {
  it.each([
    ["the live file", 4, 20],
    ["a rotated file", 3, 15],
  ])("in %s costs that line alone", async (_, file, firstLine) => {
    const { folder, files } = await fullFolder();
    const path = join(folder, files[file] ?? "");
    await rewrite(path, (bytes) => void bytes.fill(0, LINE_BYTES + 40, LINE_BYTES + 60));

    const store = await testLog(folder, FIVE_PER_FILE);

    expect(await soundIds(store)).toEqual(without(firstLine + 1, firstLine + 2));
    await expectDegraded(store, path, new RegExp(`byte ${LINE_BYTES}: `));
  });

  it("costs that line alone and stops no page, whichever byte has lost a bit", async () => {
    const root = await newFolder();
    const text = LINES.slice(0, 3)
      .map((line) => line.text)
      .join("\n");
    // All of what the service puts before the event, and samples of the rest.
    for (let at = LINE_BYTES; at < 2 * LINE_BYTES - 1; at += at < LINE_BYTES + 110 ? 1 : 4) {
      const folder = join(root, String(at));
      await mkdir(folder);
      await writeFile(join(folder, LIVE_NAME), `${text}\n`);
      await rewrite(join(folder, LIVE_NAME), (bytes) => void bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at));

      await using store = await openLog(folder);

      const found = await soundIds(store);
      expect(found).toEqual(expect.arrayContaining(["event-000000", "event-000002"]));
    }
  });

  it("does not take the next event with it when its newline is lost", async () => {
    const { folder, files } = await fullFolder();
    const path = join(folder, files[4] ?? "");
    await appendFile(path, `garbage\n`);
    const store = await testLog(folder, FIVE_PER_FILE);

    const [next] = sampleLines(TENANT, COUNT + 1).slice(COUNT);
    await store.send(next === undefined ? [] : [next]);

    expect(await soundIds(store)).toEqual([...IDS, "event-000024"]);
    await expectDegraded(store, path, new RegExp(`byte ${4 * LINE_BYTES}: `));
  });

  it("that rots while the service runs is left out and reported, and stops no page", async () => {
    const { folder, files } = await fullFolder();
    const store = await testLog(folder, FIVE_PER_FILE);
    const path = join(folder, files[4] ?? "");
    await rewrite(path, (bytes) => void bytes.write("_eefaulted", LINE_BYTES + 2));
    await rewrite(path, (bytes) => void bytes.fill(0, 2 * LINE_BYTES + 50, 2 * LINE_BYTES + 60));

    expect(await soundIds(store)).toEqual(without(21, 23));
    await expect(store.get({ tenantId: TENANT, eventId: "event-000021" })).rejects.toMatchObject({
      code: "storage-unavailable",
      message: expect.stringContaining(`${path}, byte `),
    });
    const { status, problems } = await store.probe();
    expect(status).toBe("degraded");
    expect(problems).toHaveLength(2);
  });

  it("has its event stored anew when that is sent again after a restart", async () => {
    const { folder, files } = await fullFolder();
    await rewrite(join(folder, files[3] ?? ""), (bytes) => void bytes.fill(0, 0, 40));
    const store = await testLog(folder, FIVE_PER_FILE);

    const outcomes = await store.send(LINES.slice(14, 17));

    expect(outcomes.map(({ kind }) => kind)).toEqual(["duplicate", "accepted", "duplicate"]);
    expect(await soundIds(store)).toEqual(IDS);
  });
});

describe("a damaged file", () => {
  it("that is compressed loses the damaged member alone", async () => {
    const { folder, files } = await fullFolder();
    const path = join(folder, files[1] ?? "");
    await rewrite(path, (bytes) => void bytes.fill(0x55, 60, 80));

    const store = await testLog(folder, FIVE_PER_FILE);

    expect(await soundIds(store)).toEqual(without(5, 10));
    await expectDegraded(store, path, /byte 0: .*damaged/);
    expect((await store.probe()).details).toMatchObject({ unaccounted_events: 5 });
  });

  it("that is compressed and cut loses what was cut off", async () => {
    const { folder, files } = await fullFolder();
    const path = join(folder, files[0] ?? "");
    await truncate(path, (await readFile(path)).length - 5);

    const store = await testLog(folder, FIVE_PER_FILE);

    expect(await soundIds(store)).toEqual(IDS.slice(5));
    await expectDegraded(store, path, /byte 0: /);
  });

  it.each([0, 3])("that has grown by garbage still serves its lines (file %i)", async (file) => {
    const { folder, files } = await fullFolder();
    const path = join(folder, files[file] ?? "");
    await appendFile(path, Buffer.alloc(5000, "x"));

    const store = await testLog(folder, FIVE_PER_FILE);

    expect(await soundIds(store)).toEqual(IDS);
    await expectDegraded(store, path, new RegExp(`byte ${5 * LINE_BYTES}: `));
  });

  it("that is missing costs its lines, and the next one says so", async () => {
    const { folder, files } = await fullFolder();
    await rm(join(folder, files[2] ?? ""));

    const store = await testLog(folder, FIVE_PER_FILE);

    expect(await soundIds(store)).toEqual(without(10, 15));
    await expectDegraded(store, join(folder, files[3] ?? ""), /byte 0: .*missing/);
  });

  it("that is emptied costs its lines, and the next one says so", async () => {
    const { folder, files } = await fullFolder();
    await truncate(join(folder, files[0] ?? ""), 0);

    const store = await testLog(folder, FIVE_PER_FILE);

    expect(await soundIds(store)).toEqual(IDS.slice(5));
    await expectDegraded(store, join(folder, files[1] ?? ""), /byte 0: /);
  });

  it("that disappears while the service runs costs its lines alone", async () => {
    const { folder, files } = await fullFolder();
    const store = await testLog(folder, FIVE_PER_FILE);
    await rm(join(folder, files[2] ?? ""));

    expect(await soundIds(store)).toEqual(without(10, 15));
    const { status } = await store.probe();
    expect(status).toBe("degraded");
  });

  it("never shifts the numbers of later files, and no file is written over", async () => {
    const { folder, files } = await fullFolder();
    await rewrite(join(folder, files[0] ?? ""), (bytes) => void bytes.fill(0x55, 60, 80));
    await appendFile(join(folder, files[1] ?? ""), "garbage");
    const store = await testLog(folder, FIVE_PER_FILE);

    const more = sampleLines(TENANT, 60).slice(COUNT);
    for (const line of more) await store.send([line]);
    await untilFiles(folder, (names) => isCompressed(names, 2));

    expect(await soundIds(store)).toEqual([...IDS.slice(5), ...idsOf(more)]);
    const numbers = (await logFiles(folder)).map((name) => Number(/\d{16}/.exec(name)?.[0] ?? 60));
    expect(numbers).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
  });

  it("that stands twice under two numbers serves each line once", async () => {
    const { folder, files } = await fullFolder();
    await copyFile(join(folder, files[2] ?? ""), join(folder, "audit-0000000000000012.jsonl"));

    const store = await testLog(folder, FIVE_PER_FILE);

    expect((await findIds(store, TENANT)).toSorted()).toEqual(IDS);
    expect((await store.probe()).status).toBe("degraded");
  });
});

describe("a member of a compressed file", () => {
  it("whose stated size is wrong hides none behind it", async () => {
    const folder = await newFolder();
    const lines = sampleLines(TENANT, 900, { message: "x".repeat(200) });
    const store = await openLog(folder, { maxFileBytes: 400_000, backupCount: 0 });
    await store.send(lines);
    await untilFiles(folder, (names) => isCompressed(names, 0) && names.some((name) => name.endsWith(".gz")));
    await store.close();
    const [path = ""] = (await logFiles(folder)).map((name) => join(folder, name));
    const second = (await readFile(path)).readUInt32LE(16);
    await rewrite(path, (bytes) => void bytes.writeUInt32LE(second * 3, 16));

    const again = await testLog(folder);

    const first = Math.floor((64 * 1024) / (Buffer.byteLength(lines[0]?.text ?? "") + 1));
    expect(await findIds(again, TENANT)).toHaveLength(900 - first);
  });
});
