// A repair that is cut off at any step, by a crash or by a full disk: nothing is lost, the log can be served as before,
// and a second run ends where the first would have.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { describe, expect, it } from "vitest";

import { repairLog } from "#adapters/file/repair.ts";
import type { RepairIo } from "#adapters/file/repair-io.ts";
import { nodeRepairIo } from "#adapters/file/repair-io.ts";
import {
  FIVE_PER_FILE,
  fullFolder,
  IDS,
  LINE_BYTES,
  LINES,
  repair,
  rewriteText,
  servedIds,
} from "#test/support/damaged-logs.ts";
import { contentsOf, copyOfFolder, newFolder, rewrite } from "#test/support/folders.ts";
import { systemError } from "#test/support/faults.ts";
import { LIVE_NAME, openLog } from "#test/support/stores.ts";

/** Damaged: a line of the live file, of a rotated one, a compressed member, a shorter twin, and a cut last line. */
async function damagedFolder(): Promise<string> {
  const { folder, files } = await fullFolder();
  const second = (text: string): string =>
    `${text.slice(0, LINE_BYTES)}garbage\n${text.slice(2 * LINE_BYTES)}`;
  await rewriteText(files[4], (text) => `${second(text)}{"torn`);
  await rewriteText(files[3], second);
  await rewrite(files[1], (bytes) => void bytes.fill(0x55, 60, 80));
  await writeFile(files[0].replace(".gz", ""), `${LINES[0]?.text ?? ""}\n`);
  return folder;
}

const SERVED = IDS.filter((_, at) => (at < 5 || at > 9) && at !== 16 && at !== 21);

/** The real operations, with `before` called ahead of each; a write is done in two halves. */
function watchedIo(before: (operation: keyof RepairIo, name: string) => void): RepairIo {
  return {
    write: (fd, bytes) => {
      const half = Math.ceil(bytes.length / 2);
      for (const part of [bytes.subarray(0, half), bytes.subarray(half)]) {
        before("write", "");
        nodeRepairIo.write(fd, part);
      }
    },
    sync: (fd) => {
      before("sync", "");
      nodeRepairIo.sync(fd);
    },
    rename: (from, to) => {
      before("rename", basename(to));
      nodeRepairIo.rename(from, to);
    },
    syncFolder: (folder) => {
      before("syncFolder", "");
      nodeRepairIo.syncFolder(folder);
    },
  };
}

async function repairWith(folder: string, io: RepairIo): Promise<void> {
  await repairLog({ path: join(folder, LIVE_NAME), isDryRun: false, io });
}

/** Folders as a crash before each step of a repair leaves them, and as the whole repair does. */
async function snapshots(): Promise<{ crashed: readonly string[]; whole: string }> {
  const whole = await damagedFolder();
  const root = await newFolder();
  const crashed: string[] = [];
  const io = watchedIo(() => {
    const copy = join(root, String(crashed.length));
    mkdirSync(copy);
    for (const name of readdirSync(whole)) {
      if (!name.endsWith(".lock")) copyFileSync(join(whole, name), join(copy, name));
    }
    crashed.push(copy);
  });
  await repairWith(whole, io);
  return { crashed, whole };
}

describe("a repair that a crash has cut off", () => {
  it("is finished by the next one, whatever step it had come to", async () => {
    const { crashed, whole } = await snapshots();
    const contents = await contentsOf(whole);

    expect(crashed.length).toBeGreaterThan(30);
    for (const folder of crashed) {
      expect(await repair(folder)).toMatchObject({ isSound: true, unrepaired: [] });
      expect(await contentsOf(folder)).toEqual(contents);
    }
  });

  it("has lost nothing that the log served, and a start in between is no harm", async () => {
    const { crashed, whole } = await snapshots();
    const contents = await contentsOf(whole);

    for (const folder of crashed) {
      await using store = await openLog(folder, { ...FIVE_PER_FILE, backupCount: 100 });
      expect(await servedIds(store)).toEqual(SERVED);
      expect((await readdir(folder)).filter((name) => /\.jsonl(\.gz)?\.repair\.tmp$/.test(name))).toEqual([]);
      await store.close();
      await repair(folder);
      expect(await contentsOf(folder)).toEqual(contents);
    }
  });

  it("has each stretch durable in quarantine before it leaves the log", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[4], (text) => `garbage\n${text.slice(LINE_BYTES)}`);
    const journal: string[] = [];

    await repairWith(
      folder,
      watchedIo((operation, name) => journal.push(`${operation} ${name}`.trim())),
    );

    const steps = journal.filter((step, at) => step !== journal[at - 1]);
    expect(steps).toEqual([
      "write",
      "sync",
      "rename audit-0000000000000020.damaged-at-0",
      "syncFolder",
      "write",
      "sync",
      "rename audit.jsonl",
      "syncFolder",
    ]);
  });
});

describe("bytes that lie in quarantine already", () => {
  it("are not copied again, and their name is made durable: a crash may have come before that", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[4], (text) => `garbage\n${text.slice(LINE_BYTES)}`);
    await writeFile(join(folder, "audit-0000000000000020.damaged-at-0"), "garbage\n");
    const journal: string[] = [];

    await repairWith(
      folder,
      watchedIo((operation, name) => journal.push(`${operation} ${name}`.trim())),
    );

    const steps = journal.filter((step, at) => step !== journal[at - 1]);
    expect(steps).toEqual(["syncFolder", "write", "sync", "rename audit.jsonl", "syncFolder"]);
  });
});

describe("a repair that meets a full disk", () => {
  it("says so, leaves no half file in the way, and goes on once there is room", async () => {
    const damaged = await damagedFolder();
    const whole = await copyOfFolder(damaged, await newFolder());
    let steps = 0;
    const counting = watchedIo(() => steps++);
    await repairWith(whole, counting);
    const contents = await contentsOf(whole);
    const root = await newFolder();

    expect(steps).toBeGreaterThan(30);
    for (let step = 0; step < steps; step++) {
      const folder = await copyOfFolder(damaged, join(root, String(step)));
      await expect(repairWith(folder, fullAt(step))).rejects.toMatchObject({
        code: "storage-unavailable",
        message: expect.stringMatching(/cannot be repaired: ENOSPC/) as unknown,
      });
      expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);

      await repair(folder);

      expect(await contentsOf(folder)).toEqual(contents);
    }
  });
});

/** Operations of which number `failing` meets a full disk. */
function fullAt(failing: number): RepairIo {
  let step = 0;
  return watchedIo(() => {
    if (step++ === failing) throw systemError("ENOSPC");
  });
}
