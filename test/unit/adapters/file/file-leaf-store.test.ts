// A page of leaves is read in turns with everything else that the event loop does.
import { expect, it } from "vitest";
import { createFileLeafStore } from "#adapters/file/file-leaf-store.ts";
import { freshTenant, sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder } from "#test/support/folders.ts";
import { testLog } from "#test/support/stores.ts";

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
