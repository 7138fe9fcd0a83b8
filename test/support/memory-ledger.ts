// The ports Ledger and SealLedger kept by maps: the oracle of property tests, and the ledger of tests that need no stand-in.
import { AuditStorageError } from "#lib/errors.ts";
import type { PendingBatch, SealLedger } from "#service/log-ports.ts";
import type { BatchRecord, Ledger, SealedPlace } from "#service/ports.ts";

export class MemoryLedger implements Ledger, SealLedger {
  readonly rows = new Map<string, BatchRecord>();
  /** Batches with lines to be indexed. */
  readonly waiting = new Set<string>();
  /** Batches with a pending pointer. */
  readonly pointers = new Set<string>();
  readonly notes = new Map<string, string>();

  async registered(batchIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(batchIds.filter((batchId) => this.rows.has(batchId)));
  }

  async register(record: BatchRecord): Promise<void> {
    if (this.rows.has(record.batchId)) return;
    this.rows.set(record.batchId, structuredClone(record));
    if (record.sealed === undefined) this.pointers.add(record.batchId);
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

  async pending(limit: number): Promise<readonly PendingBatch[]> {
    const batchIds = [...this.pointers].sort().slice(0, limit);
    return batchIds.map((batchId) => ({ batchId, row: this.rows.get(batchId) }));
  }

  async markSealed(batchId: string, { firstLeaf, segment }: SealedPlace): Promise<void> {
    const row = this.rows.get(batchId);
    if (row === undefined)
      throw new AuditStorageError("storage-unavailable", `batch ${batchId} has no row to note its leaves in`);
    const { sealed } = row;
    if (sealed !== undefined && (sealed.firstLeaf !== firstLeaf || sealed.segment !== segment))
      throw new AuditStorageError(
        "log-diverged",
        `batch ${batchId} stands at leaf ${sealed.firstLeaf} of ${sealed.segment}, not at ${firstLeaf} of ${segment}`,
      );
    this.rows.set(batchId, {
      ...row,
      sealed: segment === undefined ? { firstLeaf } : { firstLeaf, segment },
    });
    this.pointers.delete(batchId);
  }

  async repoint(batchId: string): Promise<void> {
    const row = this.rows.get(batchId);
    if (row !== undefined && row.sealed === undefined) this.pointers.add(batchId);
  }
}
