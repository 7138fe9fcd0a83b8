// The port LeafStore kept by an array: lines in the order of their leaves, searched in full. The oracle of tests of the
// log that need neither files nor a stand-in.
import type { PreparedLine } from "#event/prepare-event.ts";
import type { FoundLeaf, LeafLine, LeafPage, LeafStore } from "#service/log-ports.ts";
import type { EventKey, FoundLine } from "#service/ports.ts";

interface StoredLine extends FoundLine {
  readonly tenantId: string;
  readonly eventId: string;
}

const MAX_PAGE_LEAVES = 2000;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export class MemoryLeaves implements LeafStore {
  /** By leaf, as far as `sealed`; those behind have none yet. */
  readonly lines: StoredLine[] = [];
  /** Leaves whose lines are left out of pages, as those in quarantine are. */
  readonly leftOut = new Set<number>();
  /** Calls of `readLeaves`. */
  readonly reads: (readonly [from: number, end: number])[] = [];
  sealed = 0;

  put(lines: readonly PreparedLine[]): void {
    for (const { text, event } of lines) this.add(text, event.tenant_id, event.event_id);
  }

  add(text: string, tenantId: string, eventId: string): void {
    const first = this.lines.find((line) => line.tenantId === tenantId && line.eventId === eventId);
    if (first === undefined) {
      this.lines.push({ text, tenantId, eventId });
      return;
    }
    const derivedId = `${eventId}!${String(this.lines.length).padStart(32, "0")}`;
    const conflicts = [...(first.conflicts ?? []), derivedId];
    this.lines[this.lines.indexOf(first)] = { ...first, conflicts };
    this.lines.push({ text, tenantId, eventId: derivedId, derivedId });
  }

  seal(): number {
    this.sealed = this.lines.length;
    return this.sealed;
  }

  async findLeaf({ tenantId, eventId }: EventKey): Promise<FoundLeaf | undefined> {
    const leaf = this.lines.findIndex((line) => line.tenantId === tenantId && line.eventId === eventId);
    const line = this.lines[leaf];
    return line && { ...foundLine(line), leaf: leaf < this.sealed ? leaf : undefined };
  }

  async readLeaves(from: number, end: number): Promise<LeafPage> {
    this.reads.push([from, end]);
    const lines: LeafLine[] = [];
    const unreadable: number[] = [];
    const last = Math.min(end, this.sealed, from + MAX_PAGE_LEAVES);
    let bytes = 0;
    let next = from;
    for (; next < last; next++) {
      const line = this.lines[next];
      if (line === undefined || this.leftOut.has(next)) {
        unreadable.push(next);
        continue;
      }
      bytes += Buffer.byteLength(line.text);
      if (bytes > MAX_PAGE_BYTES && next > from) break;
      lines.push({ ...foundLine(line), leaf: next });
    }
    return { lines, unreadable, next };
  }
}

function foundLine({ text, derivedId, conflicts }: StoredLine): FoundLine {
  return {
    text,
    ...(derivedId !== undefined && { derivedId }),
    ...(conflicts !== undefined && { conflicts }),
  };
}
