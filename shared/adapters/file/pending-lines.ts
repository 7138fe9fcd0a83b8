/** Lines on their way to the disk, by identity: what a second send of the same event meets before the first is durable. */
import type { CommitBatch } from "#adapters/file/commit-batch.ts";
import type { IndexEntry } from "#adapters/file/line-index.ts";

export interface Pending {
  readonly batch: CommitBatch;
  /** Of the line in the batch. */
  readonly place: number;
  /** Another line whose hash shares the key. */
  readonly next: Pending | undefined;
}

/** Small integers are the cheapest keys of a Map. */
function keyOf(hash: number): number {
  return hash >>> 2;
}

export class PendingLines {
  private readonly byKey = new Map<number, Pending>();

  find(entry: IndexEntry): Pending | undefined {
    let found = this.byKey.get(keyOf(entry.hash));
    while (found !== undefined && !isSameIdentity(found.batch.entries[found.place], entry))
      found = found.next;
    return found;
  }

  add(entry: IndexEntry, batch: CommitBatch, place: number): void {
    const key = keyOf(entry.hash);
    this.byKey.set(key, { batch, place, next: this.byKey.get(key) });
  }

  /** Forgets a batch that is durable or has failed. */
  removeBatch(batch: CommitBatch): void {
    for (const { hash } of batch.entries) {
      const key = keyOf(hash);
      const rest = without(this.byKey.get(key), batch);
      if (rest === undefined) this.byKey.delete(key);
      else this.byKey.set(key, rest);
    }
  }
}

function isSameIdentity(a: IndexEntry | undefined, b: IndexEntry): boolean {
  return a !== undefined && a.eventId === b.eventId && a.tenant === b.tenant;
}

/** A chain less the lines of `batch`. */
function without(chain: Pending | undefined, batch: CommitBatch): Pending | undefined {
  if (chain === undefined) return undefined;
  const next = without(chain.next, batch);
  return chain.batch === batch ? next : { ...chain, next };
}
