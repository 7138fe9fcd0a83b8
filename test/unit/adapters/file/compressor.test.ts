// Compression of old files: nothing is lost or changed by it, it never gets in the way, and trouble with it is told
// until it is over.
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { FileStore } from "#adapters/file/file-store.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { findIds, idsOf, sampleLines } from "#test/contract/sample-lines.ts";
import {
  isCompressed,
  linesOnDisk,
  logFiles,
  newFolder,
  rewrite,
  untilFiles,
} from "#test/support/folders.ts";
import { startLogProcess } from "#test/support/log-process.ts";
import { openLog, testLog } from "#test/support/stores.ts";

const TENANT = "default";
const LINES = sampleLines(TENANT, 60, { message: "é 漢字 ".repeat(20) });
const TEXTS = LINES.map(({ text }) => text);
const SMALL = { maxFileBytes: 4000, backupCount: 2 };

async function sendEach(store: FileStore, lines: readonly PreparedLine[]): Promise<void> {
  for (const line of lines) await store.send([line]);
}

describe("compression", () => {
  it("leaves the newest files plain and makes the others files that any gunzip reads", async () => {
    const folder = await newFolder();
    const store = await testLog(folder, SMALL);

    await sendEach(store, LINES);
    await untilFiles(folder, (names) => isCompressed(names, 2));

    const names = await logFiles(folder);
    expect(names.filter((name) => !name.endsWith(".gz"))).toEqual(names.slice(-3));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name))));
    const joined = texts
      .map((bytes, at) => (names[at]?.endsWith(".gz") ? gunzipSync(bytes) : bytes))
      .join("");
    expect(joined).toBe(`${TEXTS.join("\n")}\n`);
    expect(await findIds(store, TENANT, { order_desc: false })).toEqual(idsOf(LINES));
  });

  it("is seen by no reader while it goes on", async () => {
    const folder = await newFolder();
    const store = await testLog(folder, { ...SMALL, backupCount: 0 });
    await sendEach(store, LINES.slice(0, 30));

    for (const line of LINES.slice(30)) {
      await store.send([line]);
      const count = LINES.indexOf(line) + 1;
      expect(await findIds(store, TENANT, { order_desc: false, limit: 7 })).toEqual(
        idsOf(LINES.slice(0, count)),
      );
    }
  });

  it("stops when the store is closed, and is done by the next one", async () => {
    const folder = await newFolder();
    const store = await openLog(folder, { ...SMALL, backupCount: 0 });
    await sendEach(store, LINES);
    await store.close();

    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    await testLog(folder, { ...SMALL, backupCount: 0 });
    await untilFiles(folder, (names) => isCompressed(names, 0));
    expect(await linesOnDisk(folder)).toEqual(TEXTS);
  });

  it("that fails is told by health until it works again", async () => {
    const folder = await newFolder();
    const draft = join(folder, "audit-0000000000000000.jsonl.gz.tmp");
    const store = await testLog(folder, { ...SMALL, backupCount: 0 });
    await mkdir(draft);
    await sendEach(store, LINES.slice(0, 20));

    await untilStatus(store, "degraded");
    const { problems } = await store.probe();
    await rm(draft, { recursive: true });
    await sendEach(store, LINES.slice(20));
    await untilFiles(folder, (names) => isCompressed(names, 0));

    expect(problems.join()).toMatch(/audit-0000000000000000\.jsonl cannot be compressed: EISDIR/);
    expect(await store.probe()).toMatchObject({ status: "healthy", problems: [] });
    expect(await linesOnDisk(folder)).toEqual(TEXTS);
  });
});

describe("compression that has failed", () => {
  it("is tried again by itself within a minute, without a rotation", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const folder = await newFolder();
    const draft = join(folder, "audit-0000000000000000.jsonl.gz.tmp");
    const store = await testLog(folder, { ...SMALL, backupCount: 0 });
    await mkdir(draft);
    await sendEach(store, LINES.slice(0, 20));
    await untilStatus(store, "degraded");
    await rm(draft, { recursive: true });

    vi.advanceTimersByTime(60_000);
    vi.useRealTimers();
    await untilFiles(folder, (names) => isCompressed(names, 0));

    expect(await store.probe()).toMatchObject({ status: "healthy", problems: [] });
  });
});

describe("reading from compressed files", () => {
  it("loses to a member that rots while the service runs that member's lines alone", async () => {
    const folder = await newFolder();
    const lines = sampleLines(TENANT, 900, { message: "x".repeat(200) });
    const store = await testLog(folder, { maxFileBytes: 400_000, backupCount: 0 });
    await store.send(lines);
    await untilFiles(folder, (names) => isCompressed(names, 0) && names.some((name) => name.endsWith(".gz")));
    const [path = ""] = (await logFiles(folder)).map((name) => join(folder, name));
    await rewrite(path, (bytes) => void bytes.fill(0x55, 40, 60));

    const found = await findIds(store, TENANT, { limit: 1000 });

    const perMember = Math.floor((64 * 1024) / (Buffer.byteLength(lines[0]?.text ?? "") + 1));
    expect(found.toSorted()).toEqual(idsOf(lines).slice(perMember));
    expect((await store.probe()).status).toBe("degraded");
  });
});

describe("a process without file descriptors left", () => {
  it("refuses a page that it cannot read for now, instead of leaving lines out", async () => {
    const folder = await newFolder();
    const reader = startLogProcess(["sh", "-c", 'ulimit -n 60 && exec "$@"', "sh"]);
    await reader.ask("open", folder, { maxFileBytes: 2000, backupCount: 1000 });
    await reader.ask("send", 0, 200, {});
    await reader.ask("exhaust");

    await expect(reader.ask("find")).rejects.toMatchObject({ code: "storage-unavailable" });

    await reader.ask("relax");
    expect(await reader.ask("find")).toHaveLength(200);
    expect(await reader.ask("probe")).toMatchObject({ status: "healthy" });
  });
});

/** Probes until the store says so: trouble with compression reaches no caller by itself. */
async function untilStatus(store: FileStore, status: string): Promise<void> {
  for (;;) {
    if ((await store.probe()).status === status) return;
  }
}
