// Starting over what a crash has left: a cut last line is moved aside and never deleted, nothing else is lost, and what
// is answered as durable afterwards really is.
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { describe, expect, it } from "vitest";

import { findIds, sampleLines } from "#test/contract/sample-lines.ts";
import { faultyFileIo } from "#test/support/faults.ts";
import {
  contentsOf,
  isCompressed,
  linesOnDisk,
  logFiles,
  newFolder,
  untilFiles,
} from "#test/support/folders.ts";
import { LIVE_NAME, openLog, testLog } from "#test/support/stores.ts";

const TENANT = "default";
const LINES = sampleLines(TENANT, 3, { message: "é 漢字" });
const TEXTS = LINES.map(({ text }) => text);
/** Where the last of LINES begins. */
const LAST_AT = Buffer.byteLength(TEXTS.slice(0, 2).join("\n")) + 1;
const WHOLE = Buffer.from(`${TEXTS.join("\n")}\n`);

/** A folder whose live file holds `bytes`. */
async function folderWith(bytes: Uint8Array): Promise<string> {
  const folder = await newFolder();
  await writeFile(join(folder, LIVE_NAME), bytes);
  return folder;
}

async function tornFiles(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.includes(".torn-at-")).toSorted();
}

describe("a last line that a crash has cut", () => {
  it("is moved aside wherever it was cut, and nothing else is lost", async () => {
    const folder = await newFolder();
    for (let size = LAST_AT + 1; size < WHOLE.length; size++) {
      const cut = join(folder, String(size));
      await mkdir(cut);
      await writeFile(join(cut, LIVE_NAME), WHOLE.subarray(0, size));

      await using store = await openLog(cut);
      const found = await findIds(store, TENANT);
      const [torn] = await tornFiles(cut);
      const moved = await readFile(join(cut, torn ?? ""));
      const outcomes = await store.send(LINES);

      expect(found).toEqual(["event-000001", "event-000000"]);
      expect(moved.equals(WHOLE.subarray(LAST_AT, size))).toBe(true);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["duplicate", "duplicate", "accepted"]);
      expect(await linesOnDisk(cut)).toEqual(TEXTS);
    }
  });

  it("is named by health, which stays healthy: nobody was told that it was accepted", async () => {
    const folder = await folderWith(WHOLE.subarray(0, WHOLE.length - 9));
    const store = await testLog(folder);

    const { status, details } = await store.probe();

    const [torn] = await tornFiles(folder);
    expect(status).toBe("healthy");
    expect(details["torn_line_moved_to"]).toBe(join(folder, torn ?? ""));
  });

  it("does not take the place of one that was cut at the same byte before", async () => {
    const folder = await folderWith(WHOLE.subarray(0, LAST_AT));
    for (const tail of ["first", "second", "second", "third"]) {
      await writeFile(join(folder, LIVE_NAME), tail, { flag: "a" });
      await (await openLog(folder)).close();
    }

    const torn = await tornFiles(folder);
    const texts = await Promise.all(torn.map((name) => readFile(join(folder, name), "utf8")));
    expect(texts.toSorted()).toEqual(expect.arrayContaining(["first", "second", "third"]));
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 2));
  });

  it("may be the only one", async () => {
    const folder = await folderWith(WHOLE.subarray(0, 50));
    const store = await testLog(folder);

    await store.send(LINES);

    expect(await linesOnDisk(folder)).toEqual(TEXTS);
    expect(await tornFiles(folder)).toHaveLength(1);
  });

  it("may be longer than any line can be", async () => {
    const folder = await folderWith(Buffer.concat([WHOLE, Buffer.alloc(9 * 1024 * 1024)]));
    const store = await testLog(folder);

    expect(await findIds(store, TENANT)).toHaveLength(3);
    const [torn] = await tornFiles(folder);
    expect((await readFile(join(folder, torn ?? ""))).equals(Buffer.alloc(9 * 1024 * 1024))).toBe(true);
  });
});

describe("a restart", () => {
  it("makes durable what it read, before it answers that as stored", async () => {
    const folder = await folderWith(WHOLE); // as a killed process leaves it: written, perhaps never synced
    const io = faultyFileIo();

    const store = await testLog(folder, { io });
    await store.send(LINES);

    expect(io.journal).toEqual(["sync"]);
  });

  it("fails where that cannot be made durable", async () => {
    const folder = await folderWith(WHOLE);
    const io = faultyFileIo();
    io.fail("sync", new Error("EIO: made to fail"));

    await expect(openLog(folder, { io })).rejects.toMatchObject({ code: "storage-unavailable" });
    await (await openLog(folder)).close();
  });

  it("changes no file where nothing was wrong", async () => {
    const folder = await newFolder();
    const first = await openLog(folder, { maxFileBytes: 1000, backupCount: 1 });
    for (const line of sampleLines(TENANT, 12)) await first.send([line]);
    await untilFiles(folder, (names) => isCompressed(names, 1));
    await first.close();
    const before = await contentsOf(folder);

    await (await openLog(folder, { maxFileBytes: 1000, backupCount: 1 })).close();

    expect(await contentsOf(folder)).toEqual(before);
  });

  it("goes on where rotation was cut off between the rename and the new live file", async () => {
    const folder = await folderWith(WHOLE);
    await rename(join(folder, LIVE_NAME), join(folder, "audit-0000000000000000.jsonl"));
    const store = await testLog(folder);

    const more = sampleLines(TENANT, 5).slice(3);
    await store.send([...LINES, ...more]);

    expect(await linesOnDisk(folder)).toEqual([...TEXTS, ...more.map(({ text }) => text)]);
    expect(await store.probe()).toMatchObject({ status: "healthy" });
  });
});

describe("what a compression that was cut off has left", () => {
  const compressedFolder = async (): Promise<{ folder: string; texts: readonly string[] }> => {
    const folder = await newFolder();
    const lines = sampleLines(TENANT, 12);
    const store = await openLog(folder, { maxFileBytes: 1000, backupCount: 0 });
    for (const line of lines) await store.send([line]);
    await untilFiles(folder, (names) => isCompressed(names, 0));
    await store.close();
    return { folder, texts: lines.map(({ text }) => text) };
  };

  it("a half-written file is removed, the file that it was made from is served", async () => {
    const folder = await folderWith(WHOLE);
    await rename(join(folder, LIVE_NAME), join(folder, "audit-0000000000000000.jsonl"));
    await writeFile(join(folder, "audit-0000000000000000.jsonl.gz.tmp"), "half");

    const store = await testLog(folder);

    expect(await findIds(store, TENANT)).toHaveLength(3);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("of both forms of a file one stays, and each line is found once", async () => {
    const { folder, texts } = await compressedFolder();
    const [first = ""] = await logFiles(folder);
    const plain = first.replace(".gz", "");
    await writeFile(join(folder, plain), gunzipSync(await readFile(join(folder, first))));

    const store = await testLog(folder);

    expect(first).toMatch(/\.gz$/);
    expect(await findIds(store, TENANT)).toHaveLength(texts.length);
    expect(await store.probe()).toMatchObject({ status: "healthy" });
    expect(await readdir(folder)).not.toContain(first);
  });

  it("of both forms the compressed one stays where the other is not whole", async () => {
    const { folder, texts } = await compressedFolder();
    const [first = ""] = await logFiles(folder);
    const plain = join(folder, first.replace(".gz", ""));
    await writeFile(plain, `${texts.slice(0, 2).join("\n")}\n`);

    const store = await testLog(folder);

    expect(await findIds(store, TENANT)).toHaveLength(texts.length);
  });

  it("serves a compressed file like the plain one", async () => {
    const { folder, texts } = await compressedFolder();
    const copy = await newFolder();
    for (const name of await logFiles(folder)) await copyFile(join(folder, name), join(copy, name));

    const store = await testLog(copy);

    expect(await linesOnDisk(copy)).toEqual(texts);
    expect((await findIds(store, TENANT, { order_desc: false, limit: 5 })).length).toBe(texts.length);
  });
});
