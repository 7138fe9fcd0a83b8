// Archive, table and ledger in memory for one run of the persistence simulation; the indexes now and then take nothing.
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import type { SimulatedPorts } from "#test/support/persistence-simulation.ts";
import type { Random } from "#test/support/seeded-random.ts";

const REFUSAL_RATE = 0.1;

export async function openMemoryPorts(random: Random): Promise<SimulatedPorts> {
  const table = new MemoryEventTable();
  table.takesIndexKeys = () => random() >= REFUSAL_RATE;
  return {
    archive: new MemoryArchive(),
    table,
    ledger: new MemoryLedger(),
    readItems: async () => [...table.items.values()],
    close: async () => undefined,
  };
}
