// The leaves in memory, on which tests of proofs and of the feed rest, keep the same contract as real ones.
import { leafStoreContract } from "#test/contract/leaf-store.ts";
import { MemoryLeaves } from "#test/support/memory-leaves.ts";

leafStoreContract("the log in memory", async () => {
  const leaves = new MemoryLeaves();
  return {
    leaves,
    put: async (lines) => leaves.put(lines),
    seal: async () => leaves.seal(),
    keepsConflicts: true,
    close: async () => undefined,
  };
});
