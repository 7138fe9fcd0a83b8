// The ports in memory, on which property tests rest, keep the same contracts as real ones.
import { archiveContract } from "#test/contract/archive.ts";
import { eventTableContract } from "#test/contract/event-table.ts";
import { ledgerContract } from "#test/contract/ledger.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";

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
