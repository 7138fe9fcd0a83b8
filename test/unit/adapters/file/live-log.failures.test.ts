// What the store does when the disk fails: a failed write is cut away and the service goes on, after a failed fsync it
// is read-only, and in no case is anything acknowledged harmed or memory used without bound.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { findIds, idsOf, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import type { FaultyFileIo } from "#test/support/faults.ts";
import { faultyFileIo, systemError } from "#test/support/faults.ts";
import { linesOnDisk, newFolder } from "#test/support/folders.ts";
import { LIVE_NAME, openLog, testLog } from "#test/support/stores.ts";

const TENANT = "default";
const LINES = sampleLines(TENANT, 12);
const TEXTS = LINES.map(({ text }) => text);
const UNAVAILABLE = { code: "storage-unavailable", retryable: true, retryAfterS: 1 };

async function failingLog() {
  const folder = await newFolder();
  const io = faultyFileIo();
  const store = await testLog(folder, { io });
  await store.send(LINES.slice(0, 2));
  return { folder, io, store };
}

/** Fails the next write after `afterBytes`, as a full disk does. */
function fillDisk(io: FaultyFileIo, afterBytes: number): void {
  io.failWrites({ error: systemError("ENOSPC"), afterBytes });
}

describe("a write that fails", () => {
  it.each([0, 1, 100, 500, 10_000])(
    "after %i bytes is refused and cut away, and the next one works",
    async (bytes) => {
      const { folder, io, store } = await failingLog();
      fillDisk(io, bytes);

      await expect(store.send(LINES.slice(2, 6))).rejects.toMatchObject(UNAVAILABLE);
      const cut = await readFile(join(folder, LIVE_NAME), "utf8");
      await store.send(LINES.slice(4, 8));

      expect(cut).toBe(`${TEXTS.slice(0, 2).join("\n")}\n`);
      expect(await linesOnDisk(folder)).toEqual([...TEXTS.slice(0, 2), ...TEXTS.slice(4, 8)]);
      expect(await findIds(store, TENANT, { order_desc: false })).toEqual([
        ...idsOf(LINES.slice(0, 2)),
        ...idsOf(LINES.slice(4, 8)),
      ]);
    },
  );

  it("is told by health until one works again", async () => {
    const { io, store } = await failingLog();
    fillDisk(io, 10);
    await expect(store.send(LINES.slice(2, 3))).rejects.toMatchObject(UNAVAILABLE);

    const troubled = await store.probe();
    await store.send(LINES.slice(2, 3));
    const well = await store.probe();

    expect(troubled.status).toBe("degraded");
    expect(troubled.problems.join()).toMatch(/audit\.jsonl cannot be written: ENOSPC/);
    expect(well).toMatchObject({ status: "healthy", problems: [] });
  });

  it("takes with it only the calls that were in it, and those that named its lines", async () => {
    const { folder, io, store } = await failingLog();
    const write = io.hold("write");
    const inIt = store.send(LINES.slice(2, 4));
    await write.reached;
    const conflicting = store.send([sampleLine({ event_id: "event-000003", message: "other" })]);
    const same = store.send(LINES.slice(3, 5));
    const behind = store.send(LINES.slice(5, 7));
    const all = Promise.allSettled([inIt, conflicting, same, behind]);
    write.fail(systemError("EIO"));

    const outcomes = await all;

    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "fulfilled"]);
    expect(await linesOnDisk(folder)).toEqual([...TEXTS.slice(0, 2), ...TEXTS.slice(4, 7)]);
  });

  it("of lines that others wait for too is refused to all of them, and later lines are stored", async () => {
    const { folder, io, store } = await failingLog();
    fillDisk(io, 50);

    const outcomes = await Promise.allSettled([
      store.send(LINES.slice(2, 4)),
      store.send([sampleLine({ event_id: "event-000003", message: "other" })]),
      store.send(LINES.slice(2, 3)),
    ]);
    await store.send(LINES.slice(3, 5));

    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await linesOnDisk(folder)).toEqual([...TEXTS.slice(0, 2), ...TEXTS.slice(3, 5)]);
  });

  it("and cannot be cut away leaves the log read-only, and a restart sorts it out", async () => {
    const { folder, io, store } = await failingLog();
    fillDisk(io, Buffer.byteLength(TEXTS[2] ?? "") + 20); // one whole line, and the beginning of the next
    io.fail("truncate", systemError("EIO"));

    await expect(store.send(LINES.slice(2, 6))).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.send(LINES.slice(6, 7))).rejects.toThrow(/read-only until the service is restarted/);
    expect(await store.probe()).toMatchObject({ status: "unhealthy" });
    expect(await findIds(store, TENANT)).toHaveLength(2);
    await store.close();

    const again = await testLog(folder);
    await again.send(LINES.slice(2, 6));
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 6));
  });
});

describe("an fsync that fails", () => {
  it("refuses its senders, and everybody after them, duplicates too", async () => {
    const { io, store } = await failingLog();
    io.fail("sync", systemError("EIO"));

    await expect(store.send(LINES.slice(2, 4))).rejects.toMatchObject(UNAVAILABLE);

    for (const lines of [LINES.slice(2, 4), LINES.slice(4, 5), LINES.slice(0, 1)]) {
      await expect(store.send(lines)).rejects.toThrow(/fsync .* failed: EIO.*read-only until/);
    }
    expect(io.journal.filter((operation) => operation === "sync")).toHaveLength(2);
  });

  it("refuses those who waited behind it, and keeps nothing of them", async () => {
    const { io, store } = await failingLog();
    const sync = io.hold("sync");
    const first = store.send(LINES.slice(2, 4));
    await sync.reached;
    const behind = LINES.slice(4, 10).map((line) => store.send([line]));
    const all = Promise.allSettled([first, ...behind]);
    sync.release();
    io.fail("sync", systemError("EIO"));

    const outcomes = await all;

    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", ...behind.map(() => "rejected")]);
    expect((await store.probe()).details).toMatchObject({ events: 4, waiting_events: 0, waiting_bytes: 0 });
  });

  it("leaves what was stored readable, and health says that nothing is taken", async () => {
    const { io, store } = await failingLog();
    io.fail("sync", systemError("EIO"));
    await expect(store.send(LINES.slice(2, 4))).rejects.toMatchObject(UNAVAILABLE);

    expect(await findIds(store, TENANT)).toEqual(["event-000001", "event-000000"]);
    expect(await store.get({ tenantId: TENANT, eventId: "event-000002" })).toBeUndefined();
    const { status, problems } = await store.probe();
    expect(status).toBe("unhealthy");
    expect(problems.join()).toMatch(/fsync/);
    await expect(store.flush()).resolves.toBeUndefined();
  });

  it("is not forgotten by a restart: what it left is not answered as stored", async () => {
    const { folder, io, store } = await failingLog();
    io.fail("sync", systemError("EIO"));
    await expect(store.send(LINES.slice(2, 4))).rejects.toMatchObject(UNAVAILABLE);
    await store.close();

    const again = await testLog(folder);
    const outcomes = await again.send(LINES.slice(0, 4));

    expect(outcomes.map(({ kind }) => kind)).toEqual(["duplicate", "duplicate", "accepted", "accepted"]);
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 4));
  });
});

describe("a slow disk", () => {
  it("has everybody who waits meanwhile share one write and one fsync", async () => {
    const { io, store } = await failingLog();
    const before = io.journal.length;
    const sync = io.hold("sync");
    const first = store.send(LINES.slice(2, 3));
    await sync.reached;
    const rest = LINES.slice(3).map((line) => store.send([line]));
    sync.release();

    await Promise.all([first, ...rest]);

    expect(io.journal.slice(before)).toEqual(["write", "sync", "write", "sync"]);
  });

  it("acknowledges nothing and shows nothing before it is durable", async () => {
    const { io, store } = await failingLog();
    const sync = io.hold("sync");
    const settled: string[] = [];
    const sent = store.send(LINES.slice(2, 3)).then(() => settled.push("sent"));
    await sync.reached;
    const flushed = store.flush().then(() => settled.push("flushed"));

    expect(await store.get({ tenantId: TENANT, eventId: "event-000002" })).toBeUndefined();
    expect(await findIds(store, TENANT)).toHaveLength(2);
    expect(settled).toEqual([]);
    sync.release();
    await Promise.all([sent, flushed]);
    expect(await findIds(store, TENANT)).toHaveLength(3);
  });

  it("turns senders away once 64 MiB wait, and takes them again when there is room", async () => {
    const { folder, io, store } = await failingLog();
    const sync = io.hold("sync");
    const changes = Array.from({ length: 4 }, (_, index) => ({
      path: `/${index}`,
      after: "x".repeat(60_000),
    }));
    const large = sampleLines("large", 300, { changes });
    const taken: Promise<unknown>[] = [];
    let refused: unknown;
    for (const line of large) {
      const sent = store.send([line]);
      const error = await Promise.race([sent.catch((reason: unknown) => reason), nextTurn()]);
      if (error !== undefined) refused ??= error;
      else taken.push(sent);
    }

    const { details } = await store.probe();
    expect(refused).toMatchObject({ code: "overloaded", retryable: true, retryAfterS: 1 });
    expect(details["waiting_bytes"]).toBeLessThan(64 * 1024 * 1024 + 300_000);
    expect(taken.length).toBeLessThan(300);
    sync.release();
    await Promise.all(taken);
    await store.send(large);
    expect(await linesOnDisk(folder)).toHaveLength(302);
  });
});

describe("closing", () => {
  it("finishes what was taken and refuses what comes later", async () => {
    const folder = await newFolder();
    const io = faultyFileIo();
    const store = await openLog(folder, { io });
    const sync = io.hold("sync");
    const sent = [store.send(LINES.slice(0, 2)), store.send(LINES.slice(2, 3))];
    await sync.reached;
    const closed = store.close();

    await expect(store.send(LINES.slice(3, 4))).rejects.toMatchObject({ code: "closed" });
    sync.release();
    await Promise.all([...sent, closed]);
    await store.close();
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 3));
  });

  it("gives the folder up although the last fsync failed", async () => {
    const { folder, io, store } = await failingLog();
    io.fail("sync", systemError("EIO"));
    const sent = store.send(LINES.slice(2, 3));
    const closed = store.close();

    await expect(sent).rejects.toMatchObject(UNAVAILABLE);
    await closed;
    await (await openLog(folder)).close();
  });
});

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(undefined));
  });
}
