// Leaves of a log in files keep the contract of LeafStore; lines are sealed when the test says so.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createFileLeafStore } from "#adapters/file/file-leaf-store.ts";
import { leafStoreContract } from "#test/contract/leaf-store.ts";
import { freshTenant, sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder } from "#test/support/folders.ts";
import { openLog, testLog } from "#test/support/stores.ts";

leafStoreContract("the log in files", async () => {
  // Small files, so that leaves lie in compressed, rotated and live ones.
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  const store = await openLog(folder, { maxFileBytes: 300_000, backupCount: 2 });
  let sealed = 0;
  return {
    leaves: createFileLeafStore({ store, sealedLeaves: () => sealed }),
    put: async (lines) => {
      await store.send(lines);
    },
    seal: async () => {
      sealed = store.tail.durableLines;
      return sealed;
    },
    keepsConflicts: false,
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

it("lets others have their turn while a page is read", async () => {
  const store = await testLog(await newFolder());
  await store.send(sampleLines(freshTenant(), 1000));
  const leaves = createFileLeafStore({ store, sealedLeaves: () => 1000 });
  let turns = 0;
  let isReading = true;
  const takeTurn = (): void => {
    turns++;
    if (isReading) setImmediate(takeTurn);
  };
  setImmediate(takeTurn);

  const page = await leaves.readLeaves(0, 1000);
  isReading = false;

  expect(page.lines).toHaveLength(1000);
  expect(turns).toBeGreaterThanOrEqual(9);
});
