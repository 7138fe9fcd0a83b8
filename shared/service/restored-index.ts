/**
 * Indexes in a rebuild. Lines that an index did not take are noted with the row of their batch, which is written once: where
 * the row has outlived the items, nobody would index them. These are indexed before the batch counts as restored.
 */
import type { EventTable, InsertOutcome, Ledger, TableEntry } from "#service/ports.ts";

export interface RestoredParts {
  readonly table: EventTable;
  readonly ledger: Ledger;
}

/**
 * Table and ledger for a rebuild. `register` throws AuditStorageError `storage-unavailable` (retryable) also where lines of
 * a batch that has its row cannot be indexed; the same batch may be restored again.
 */
export function indexingRegistered({ table, ledger }: RestoredParts): RestoredParts {
  const unindexed = new Map<string, TableEntry[]>();
  const insert: EventTable["insert"] = async (entries) => {
    const outcomes = await table.insert(entries);
    for (const [index, entry] of entries.entries()) {
      if (!isUnindexed(entry, outcomes[index])) continue;
      const known = unindexed.get(entry.batchId) ?? [];
      unindexed.set(entry.batchId, [...known, entry]);
    }
    return outcomes;
  };
  const register: Ledger["register"] = async (record) => {
    const { batchId } = record;
    const entries = unindexed.get(batchId) ?? [];
    unindexed.delete(batchId);
    if (entries.length > 0 && (await ledger.registered([batchId])).has(batchId)) await table.index(entries);
    else await ledger.register(record);
  };
  return {
    table: {
      insert,
      index: (entries) => table.index(entries),
      noteConflict: (conflict) => table.noteConflict(conflict),
    },
    ledger: {
      registered: (batchIds) => ledger.registered(batchIds),
      register,
      find: (batchId) => ledger.find(batchId),
      unindexed: (limit) => ledger.unindexed(limit),
      markIndexed: (batchId) => ledger.markIndexed(batchId),
      readNote: (name) => ledger.readNote(name),
      writeNote: (name, text) => ledger.writeNote(name, text),
    },
  };
}

function isUnindexed({ batchId, line }: TableEntry, outcome: InsertOutcome | undefined): boolean {
  if (outcome === undefined || outcome.isIndexed) return false;
  return outcome.kind === "inserted" || (outcome.at.batchId === batchId && outcome.at.line === line);
}
