/** Lines on their way to the disk, by identity: what a second send of the same event meets before the first is durable. */
import type { CommitBatch } from "#adapters/file/commit-batch.ts";
import type { PreparedLine } from "#event/prepare-event.ts";

export interface Pending {
  readonly line: PreparedLine;
  readonly batch: CommitBatch;
  /** Another line whose hash shares the key. */
  readonly next: Pending | undefined;
}

/** Small integers are the cheapest keys of a Map. */
function keyOf(hash: number): number {
  return hash >>> 2;
}

export class PendingLines {
  private readonly byKey = new Map<number, Pending>();

  /** `hash` is the index's hash of the identity. */
  find(line: PreparedLine, hash: number): Pending | undefined {
    let found = this.byKey.get(keyOf(hash));
    while (found !== undefined && !isSameIdentity(found.line, line)) found = found.next;
    return found;
  }

  add(line: PreparedLine, hash: number, batch: CommitBatch): void {
    const key = keyOf(hash);
    this.byKey.set(key, { line, batch, next: this.byKey.get(key) });
  }

  /** Forgets a batch that is durable or has failed. */
  removeBatch(batch: CommitBatch): void {
    for (const hash of batch.hashes) {
      const key = keyOf(hash);
      const rest = without(this.byKey.get(key), batch);
      if (rest === undefined) this.byKey.delete(key);
      else this.byKey.set(key, rest);
    }
  }
}

function isSameIdentity({ event: a }: PreparedLine, { event: b }: PreparedLine): boolean {
  return a.event_id === b.event_id && a.tenant_id === b.tenant_id;
}

/** A chain less the lines of `batch`. */
function without(chain: Pending | undefined, batch: CommitBatch): Pending | undefined {
  if (chain === undefined) return undefined;
  const next = without(chain.next, batch);
  return chain.batch === batch ? next : { ...chain, next };
}
