// Leaves of the file log keep the contract of LeafStore, also across rotated and compressed files, and pass over what is in
// quarantine without a change of number.
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
  it("is left out of its leaves, and those behind keep theirs", async () => {
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
    expect(await leaves.readLeaves(6, 9)).toEqual({ lines: [], next: 9 });
    expect(await leaves.findLeaf({ tenantId: "default", eventId: "event-000013" })).toMatchObject({
      leaf: 13,
    });
  });
});
