// The port Ledger kept by maps: the oracle of property tests, and the ledger of tests that need no stand-in.
import type { BatchRecord, Ledger } from "#service/ports.ts";

export class MemoryLedger implements Ledger {
  readonly rows = new Map<string, BatchRecord>();
  /** Batches with lines to be indexed. */
  readonly waiting = new Set<string>();
  readonly notes = new Map<string, string>();

  async registered(batchIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(batchIds.filter((batchId) => this.rows.has(batchId)));
  }

  async register(record: BatchRecord): Promise<void> {
    if (this.rows.has(record.batchId)) return;
    this.rows.set(record.batchId, structuredClone(record));
    if (record.unindexed.length > 0) this.waiting.add(record.batchId);
  }

  async find(batchId: string): Promise<BatchRecord | undefined> {
    return this.rows.get(batchId);
  }

  async unindexed(limit: number): Promise<readonly BatchRecord[]> {
    const batchIds = [...this.waiting].sort().slice(0, limit);
    return batchIds.flatMap((batchId) => this.rows.get(batchId) ?? []);
  }

  async markIndexed(batchId: string): Promise<void> {
    this.waiting.delete(batchId);
  }

  async readNote(name: string): Promise<string | undefined> {
    return this.notes.get(name);
  }

  async writeNote(name: string, text: string): Promise<void> {
    this.notes.set(name, text);
  }
}
