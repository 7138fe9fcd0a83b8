// Rotation: a full live file gets its final name and nothing is lost; where that cannot be done, the file goes on
// growing and health says why. And a live file that others have laid hands on takes no more events.
import { copyFile, mkdir, open, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import type { CommitBatch } from "#adapters/file/commit-batch.ts";
import { nodeFileIo } from "#adapters/file/file-io.ts";
import { LineIndex } from "#adapters/file/line-index.ts";
import { LiveLog } from "#adapters/file/live-log.ts";
import { LogFile } from "#adapters/file/log-file.ts";
import { logPaths } from "#adapters/file/log-folder.ts";
import { LogTail } from "#adapters/file/log-tail.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { findIds, idsOf, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import { linesOnDisk, logFiles, newFolder } from "#test/support/folders.ts";
import { LIVE_NAME, testLog } from "#test/support/stores.ts";

const TENANT = "default";
const LINES = sampleLines(TENANT, 20);
const TEXTS = LINES.map(({ text }) => text);
const LINE_BYTES = Buffer.byteLength(TEXTS[0] ?? "") + 1;
const FIVE_PER_FILE = { maxFileBytes: 5 * LINE_BYTES };
const FIRST_NAME = "audit-0000000000000000.jsonl";

async function logWith(count: number, options: object = FIVE_PER_FILE) {
  const folder = await newFolder();
  const store = await testLog(folder, options);
  for (const line of LINES.slice(0, count)) await store.send([line]);
  return { folder, store };
}

describe("rotation", () => {
  it("names each file after the number of its first line", async () => {
    const { folder, store } = await logWith(12);

    expect(await logFiles(folder)).toEqual([FIRST_NAME, "audit-0000000000000005.jsonl", LIVE_NAME]);
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 12));
    expect(await findIds(store, TENANT, { order_desc: false })).toEqual(idsOf(LINES.slice(0, 12)));
  });

  it("never splits what was sent in one call", async () => {
    const { folder, store } = await logWith(0);

    await store.send(LINES.slice(0, 12));
    await store.send(LINES.slice(12, 13));

    expect(await logFiles(folder)).toEqual([FIRST_NAME, LIVE_NAME]);
    expect(await readFile(join(folder, LIVE_NAME), "utf8")).toBe(`${TEXTS[12]}\n`);
  });

  it("goes on in the next process where the last one stopped", async () => {
    const { folder, store } = await logWith(7);
    await store.close();
    const again = await testLog(folder, FIVE_PER_FILE);

    for (const line of LINES.slice(7, 12)) await again.send([line]);

    expect(await logFiles(folder)).toEqual([FIRST_NAME, "audit-0000000000000005.jsonl", LIVE_NAME]);
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 12));
  });
});

describe("a rotation that cannot be done", () => {
  it.each([FIRST_NAME, `${FIRST_NAME}.gz`])(
    "because %s is there writes over nothing and goes on",
    async (name) => {
      const { folder, store } = await logWith(4);
      await writeFile(join(folder, name), "somebody's");

      for (const line of LINES.slice(4, 12)) await store.send([line]);

      expect(await readFile(join(folder, name), "utf8")).toBe("somebody's");
      expect(await readFile(join(folder, LIVE_NAME), "utf8")).toBe(`${TEXTS.slice(0, 12).join("\n")}\n`);
      expect(await findIds(store, TENANT)).toHaveLength(12);
      const { status, problems } = await store.probe();
      expect(status).toBe("degraded");
      expect(problems.join()).toContain(`${join(folder, name)} is there already`);
    },
  );

  it("because a folder stands in its place goes on, and is done once the place is free", async () => {
    const { folder, store } = await logWith(4);
    await mkdir(join(folder, FIRST_NAME));
    for (const line of LINES.slice(4, 7)) await store.send([line]);
    await rm(join(folder, FIRST_NAME), { recursive: true });

    for (const line of LINES.slice(7, 9)) await store.send([line]);

    expect(await logFiles(folder)).toEqual([FIRST_NAME, LIVE_NAME]);
    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 9));
    expect(await findIds(store, TENANT)).toHaveLength(9);
    expect(await store.probe()).toMatchObject({ status: "healthy", problems: [] });
  });

  it("for so long that offsets run out takes no more lines than it can find again", async () => {
    const folder = await newFolder();
    const paths = logPaths(join(folder, LIVE_NAME));
    const size = 2 ** 32 - 1000;
    await writeFile(paths.live, "");
    await truncate(paths.live, size); // sparse
    await mkdir(paths.rotated(0));
    const log = new LiveLog({
      paths,
      io: nodeFileIo,
      tail: new LogTail(),
      file: new LogFile({ path: paths.live, firstRow: 0, firstLine: 0, size }),
      maxFileBytes: 2 ** 31,
      onCommitted: () => undefined,
      onFailed: () => undefined,
      onRotated: () => undefined,
      nextLine: () => ({ row: 1, line: 1 }),
    });

    const append = (message: string): CommitBatch => {
      const line = sampleLine({ message });
      return log.append(line, new LineIndex().entryOf(line.event, line.instant));
    };
    await append("fits").done;

    await expect(append("x".repeat(1000)).done).rejects.toMatchObject({
      code: "storage-unavailable",
      retryable: true,
    });
    await rm(paths.rotated(0), { recursive: true });
    await append("x".repeat(1000)).done;
    expect(await readFile(paths.live, "utf8")).toContain("x".repeat(1000));
    await log.close(new AuditStorageError("closed", "the log is closed"));
  });
});

describe("a live file that others have laid hands on", () => {
  it("is missed when it was removed: nothing more is acknowledged", async () => {
    const { folder, store } = await logWith(3);
    await rm(join(folder, LIVE_NAME));

    await expect(store.send(LINES.slice(3, 4))).rejects.toThrow(
      /moved, removed or changed by another program/,
    );

    expect(await store.probe()).toMatchObject({ status: "unhealthy" });
  });

  it("is missed when it was moved, and found again by the next start once it is back", async () => {
    const { folder, store } = await logWith(3);
    await rename(join(folder, LIVE_NAME), join(folder, "audit.jsonl.1"));
    await writeFile(join(folder, LIVE_NAME), "");

    await expect(store.send(LINES.slice(3, 4))).rejects.toMatchObject({ code: "storage-unavailable" });
    await store.close();
    await rename(join(folder, "audit.jsonl.1"), join(folder, LIVE_NAME));
    const again = await testLog(folder);
    await again.send(LINES.slice(3, 5));

    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 5));
  });

  it.each([
    ["cut", async (path: string) => truncate(path, 10)],
    ["emptied", async (path: string) => truncate(path, 0)],
    ["written to", async (path: string) => writeFile(path, "x\n", { flag: "a" })],
    [
      "replaced",
      async (path: string) => copyFile(path, `${path}.new`).then(() => rename(`${path}.new`, path)),
    ],
  ])("takes no more events once it was %s", async (_, meddle) => {
    const { folder, store } = await logWith(3);
    await meddle(join(folder, LIVE_NAME));

    await expect(store.send(LINES.slice(3, 4))).rejects.toMatchObject({ code: "storage-unavailable" });
  });

  it("may be opened and read by anybody", async () => {
    const { folder, store } = await logWith(3);
    const reader = await open(join(folder, LIVE_NAME), "r");
    await reader.readFile();
    await reader.close();

    await store.send(LINES.slice(3, 4));

    expect(await linesOnDisk(folder)).toEqual(TEXTS.slice(0, 4));
  });
});
