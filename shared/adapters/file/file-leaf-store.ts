/** Leaves of a file log: a line's leaf has the number of the line, so that the index over the lines finds leaves too. */
import type { FileStore } from "#adapters/file/file-store.ts";
import { parseStoredLine } from "#adapters/file/indexed-line.ts";
import type { LeafLine, LeafPage, LeafStore } from "#service/log-ports.ts";

const MAX_LEAVES = 2000;
const MAX_BYTES = 4 * 1024 * 1024;
/** Lines read in one turn of the loop: a synchronous stretch of some milliseconds. */
const STRIDE_ROWS = 100;

export interface FileLeafStoreOptions {
  readonly store: FileStore;
  /** Leaves that are known to be sealed. */
  readonly sealedLeaves: () => number;
}

export function createFileLeafStore({ store, sealedLeaves }: FileLeafStoreOptions): LeafStore {
  const { index, logs, numbers } = store.recovered;

  /** Lines of the rows [from, end) that can be served. */
  const readRows = (from: number, end: number): readonly LeafLine[] => {
    const rows: number[] = [];
    for (let row = from; row < end; row++) if (!index.isVoid(row)) rows.push(row);
    const lines: LeafLine[] = [];
    for (const [row, text] of logs.read(rows)) {
      if (text === undefined || parseStoredLine(text) === undefined) store.damages.note(row);
      else lines.push({ text, leaf: numbers.lineOf(row) });
    }
    return lines.sort((a, b) => a.leaf - b.leaf);
  };

  return {
    findLeaf: async (key) => {
      const found = await store.get(key);
      if (found === undefined) return undefined;
      const line = numbers.lineOf(index.find(key.tenantId, key.eventId));
      return { ...found, leaf: line < sealedLeaves() ? line : undefined };
    },
    readLeaves: async (from, end) => {
      const last = Math.min(end, from + MAX_LEAVES);
      const endRow = Math.min(index.rows, numbers.rowFrom(last));
      const lines: LeafLine[] = [];
      let bytes = 0;
      let row = numbers.rowFrom(from);
      while (row < endRow && bytes < MAX_BYTES) {
        const next = Math.min(endRow, row + STRIDE_ROWS);
        const stretch = row;
        for (const line of await store.turns.run(() => readRows(stretch, next))) {
          if (bytes >= MAX_BYTES) return pageOf(from, line.leaf, lines);
          lines.push(line);
          bytes += line.text.length;
        }
        row = next;
      }
      return pageOf(from, row < endRow ? numbers.lineOf(row) : last, lines);
    },
  };
}

/** A page of [from, next): leaves without a line are named whatever the reason. */
function pageOf(from: number, next: number, lines: readonly LeafLine[]): LeafPage {
  const unreadable: number[] = [];
  let leaf = from;
  for (const line of [...lines, { leaf: next }]) {
    for (; leaf < line.leaf; leaf++) unreadable.push(leaf);
    leaf = line.leaf + 1;
  }
  return { lines, unreadable, next };
}
