// The ports in memory, on which property tests rest, keep the same contracts as real ones.
import { archiveContract } from "#test/contract/archive.ts";
import { eventTableContract } from "#test/contract/event-table.ts";
import { ledgerContract } from "#test/contract/ledger.ts";
import { logLedgerContract } from "#test/contract/log-ledger.ts";
import { logStoreContract } from "#test/contract/log-store.ts";
import { sealLedgerContract } from "#test/contract/seal-ledger.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { MemoryLogLedger } from "#test/support/memory-log-ledger.ts";

archiveContract("the archive in memory", async () => {
  return { archive: new MemoryArchive(), close: async () => undefined };
});

eventTableContract("the table in memory", async () => {
  const table = new MemoryEventTable();
  return {
    table,
    find: async ({ tenantId, eventId }) => table.items.get(`${tenantId}#${eventId}`),
    refuseIndexKeys: () => {
      table.takesIndexKeys = () => false;
      return () => {
        table.takesIndexKeys = () => true;
      };
    },
    close: async () => undefined,
  };
});

ledgerContract("the ledger in memory", async () => {
  return { ledger: new MemoryLedger(), close: async () => undefined };
});

logStoreContract("the archive in memory", async () => {
  return { store: new MemoryArchive(), close: async () => undefined };
});

logLedgerContract("the head in memory", async () => {
  const ledger = new MemoryLogLedger();
  return { ledger, reopen: async () => ledger, close: async () => undefined };
});

sealLedgerContract("the ledger in memory", async () => {
  const ledger = new MemoryLedger();
  return {
    ledger,
    point: async (batchId) => void ledger.pointers.add(batchId),
    unpoint: async (batchId) => void ledger.pointers.delete(batchId),
    close: async () => undefined,
  };
});
