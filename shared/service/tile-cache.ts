/** Tiles that proofs have authenticated, the least recently used forgotten first. They never change, so none grows old. */

/** Some 1,000 full tiles: the upper levels of any log, and level 0 of its newest 250,000 leaves. */
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;

export class TileCache {
  private readonly maxBytes: number;
  /** By path, the one used last at the end. */
  private readonly tiles = new Map<string, Uint8Array>();
  private bytes = 0;

  constructor(maxBytes: number = DEFAULT_MAX_BYTES) {
    this.maxBytes = maxBytes;
  }

  get(path: string): Uint8Array | undefined {
    const tile = this.tiles.get(path);
    if (tile === undefined) return undefined;
    this.tiles.delete(path);
    this.tiles.set(path, tile);
    return tile;
  }

  /** @param tile of which the bytes are known to be those of the log */
  keep(path: string, tile: Uint8Array): void {
    if (this.tiles.has(path) || tile.length > this.maxBytes) return;
    this.tiles.set(path, tile);
    this.bytes += tile.length;
    for (const [oldPath, old] of this.tiles) {
      if (this.bytes <= this.maxBytes) return;
      this.tiles.delete(oldPath);
      this.bytes -= old.length;
    }
  }
}
