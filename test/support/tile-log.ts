// A log in memory, as a sealer would write it with the tlog library: tiles and bundles by path.
import { hash } from "node:crypto";

import { concatBytes } from "#tlog/bytes.ts";
import { tilePath } from "#tlog/tile.ts";
import { appendLeaves } from "#tlog/tree.ts";
import type { TreeHasher } from "#tlog/tree-hash.ts";
import { createTreeHasher, HASH_BYTES } from "#tlog/tree-hash.ts";

export const NODE_HASHER: TreeHasher = createTreeHasher((bytes) =>
  Buffer.from(hash("sha256", bytes, "binary"), "binary"),
);

export class TileLog {
  readonly tiles = new Map<string, Uint8Array>();
  size = 0n;
  root: Uint8Array = NODE_HASHER.empty;
  #entries: Uint8Array = new Uint8Array(0);

  /** Appends entries of 32 bytes each, one behind the other. Returns the paths written. */
  append(entries: Uint8Array): readonly string[] {
    const edgeCount = Number(this.size % 256n);
    const edgeEntries = this.#entries.subarray(this.#entries.length - edgeCount * HASH_BYTES);
    const appended = appendLeaves({ size: this.size, edge: this.tiles, entries, edgeEntries }, NODE_HASHER);
    for (const { tile, bytes } of appended.tiles) this.tiles.set(tilePath(tile), bytes);
    this.#entries = concatBytes([edgeEntries, entries]);
    this.size = appended.size;
    this.root = appended.root;
    return appended.tiles.map(({ tile }) => tilePath(tile));
  }
}

/** The entry of a leaf for tests: different for each index. */
export function numberedEntry(index: number): Uint8Array {
  return new Uint8Array(Buffer.from(hash("sha256", `entry ${index}`, "hex"), "hex"));
}

export function numberedEntries(from: number, end: number): Uint8Array {
  const entries: Uint8Array[] = [];
  for (let index = from; index < end; index += 1) entries.push(numberedEntry(index));
  return concatBytes(entries);
}
