// Leaves of the file log keep the contract of LeafStore, also across rotated and compressed files, and name those whose line
// is in quarantine, damaged or gone, without a change of number.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { createFileLeafStore } from "#adapters/file/file-leaf-store.ts";
import type { FileStoreOptions } from "#adapters/file/file-store.ts";
import { repairLog } from "#adapters/file/repair.ts";
import { createSealPasses } from "#infra/local/seal-pass.ts";
import type { LeavesUnderTest } from "#test/contract/leaf-store.ts";
import { leafStoreContract } from "#test/contract/leaf-store.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { logFiles, newFolder, rewrite } from "#test/support/folders.ts";
import { ORIGIN } from "#test/support/sealed-folder.ts";
import { LIVE_NAME, openLog, testLog } from "#test/support/stores.ts";

async function openLeaves(options: Omit<FileStoreOptions, "path">): Promise<LeavesUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  const store = await openLog(folder, options);
  let size = 0;
  const passes = createSealPasses({
    path: store.paths.live,
    tail: store.tail.shared,
    uncertain: [],
    origin: ORIGIN,
    witnesses: [],
  });
  return {
    leaves: createFileLeafStore({ store, sealedLeaves: () => size }),
    put: async (lines) => {
      await store.send(lines);
    },
    seal: async () => {
      ({ size } = await passes.run({ isOverdue: () => false }));
      return size;
    },
    keepsConflicts: false,
    close: async () => {
      passes.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

leafStoreContract("the file leaf store", async () => openLeaves({}));
leafStoreContract("the file leaf store on small files", async () =>
  openLeaves({ maxFileBytes: 20_000, backupCount: 1 }),
);

describe("a line in quarantine", () => {
  it("has its leaf named, and those behind keep theirs", async () => {
    const folder = await newFolder();
    const lines = sampleLines("default", 20);
    const bytes = Buffer.byteLength(lines[0]?.text ?? "") + 1;
    const options = { maxFileBytes: 5 * bytes };
    const store = await testLog(folder, options);
    for (const line of lines) await store.send([line]);
    await store.close();
    const [, second = ""] = await logFiles(folder);
    await rewrite(join(folder, second), (content) => content.fill("x", bytes, 3 * bytes));
    await repairLog({ path: join(folder, LIVE_NAME), isDryRun: false });
    const leaves = createFileLeafStore({ store: await testLog(folder, options), sealedLeaves: () => 20 });

    const page = await leaves.readLeaves(4, 12);

    expect(page.next).toBe(12);
    expect(page.lines.map(({ leaf }) => leaf)).toEqual([4, 5, 9, 10, 11]);
    expect(page.lines.map(({ text }) => text)).toEqual([4, 5, 9, 10, 11].map((at) => lines[at]?.text));
    expect(page.unreadable).toEqual([6, 7, 8]);
    expect(await leaves.readLeaves(6, 9)).toEqual({ lines: [], unreadable: [6, 7, 8], next: 9 });
    expect(await leaves.findLeaf({ tenantId: "default", eventId: "event-000013" })).toMatchObject({
      leaf: 13,
    });
  });
});

describe("a leaf without a line that can be read", () => {
  it.each([
    ["damaged before the start", true],
    ["damaged while the service runs", false],
  ])("is named: %s", async (_, isBefore) => {
    const folder = await newFolder();
    const lines = sampleLines("default", 9);
    const bytes = Buffer.byteLength(lines[0]?.text ?? "") + 1;
    const damage = async (): Promise<void> =>
      rewrite(join(folder, LIVE_NAME), (content) => content.fill("x", 4 * bytes, 4 * bytes + 9));
    const writer = await testLog(folder);
    await writer.send(lines);
    await writer.close();
    if (isBefore) await damage();
    const leaves = createFileLeafStore({ store: await testLog(folder), sealedLeaves: () => 9 });
    if (!isBefore) await damage();

    const page = await leaves.readLeaves(2, 7);

    expect(page.lines.map(({ leaf }) => leaf)).toEqual([2, 3, 5, 6]);
    expect(page).toMatchObject({ unreadable: [4], next: 7 });
  });

  it("is named where the lines are gone", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);
    await store.send(sampleLines("default", 4));
    const leaves = createFileLeafStore({ store, sealedLeaves: () => 9 });

    expect(await leaves.readLeaves(2, 7)).toMatchObject({ unreadable: [4, 5, 6], next: 7 });
  });
});
