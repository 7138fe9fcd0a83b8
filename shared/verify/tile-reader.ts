/**
 * Reads tiles and bundles of a tree of a given size. What has the wrong form is reported here; whether the hashes are the
 * right ones is for others to judge.
 */
import type { TileId } from "#tlog/tile.ts";
import { tilePath } from "#tlog/tile.ts";
import type { Finding } from "#verify/finding.ts";
import { leafRange } from "#verify/finding.ts";
import type { LogSource } from "#verify/log-source.ts";
import { HASH_BYTES, TILE_WIDTH } from "#verify/native-hash.ts";

const LENGTH_BYTES = 2;
const ENTRY_BYTES = LENGTH_BYTES + HASH_BYTES;
/** A full bundle is 8,704 bytes; the rest is room for what somebody put there. */
const MAX_TILE_BYTES = 64 * 1024;

export interface TileReader {
  /** The hashes of a tile; undefined where it is missing or malformed, which is reported. */
  readonly hashes: (level: number, index: number) => Promise<Buffer | undefined>;
  /** The entries of a bundle, without their lengths. */
  readonly entries: (index: number) => Promise<Buffer | undefined>;
}

export interface TileReaderOptions {
  readonly source: LogSource;
  readonly size: number;
  readonly report: (finding: Finding) => void;
}

/** Where a tile lies: also what findings about it name. */
export function tileKey(level: TileId["level"], index: number, size: number): string {
  return `log/${tilePath({ level, index: BigInt(index), width: widthOf(level, index, size) })}`;
}

function widthOf(level: TileId["level"], index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** (level === "entries" ? 0 : level));
  return Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH);
}

export function createTileReader({ source, size, report }: TileReaderOptions): TileReader {
  /** A partial tile may go once the full one is there, which begins with the same bytes. */
  const read = async (
    level: TileId["level"],
    index: number,
    itemBytes: number,
  ): Promise<Buffer | undefined> => {
    const key = tileKey(level, index, size);
    const bytes = widthOf(level, index, size) * itemBytes;
    let found = await source.read(key, MAX_TILE_BYTES);
    let isFull = false;
    if (found === undefined && bytes < TILE_WIDTH * itemBytes) {
      found = await source.read(key.replace(/\.p\/\d+$/, ""), MAX_TILE_BYTES);
      isFull = true;
    }
    const expected = isFull ? TILE_WIDTH * itemBytes : bytes;
    if (found?.length === expected) return Buffer.from(found.buffer, found.byteOffset, bytes);
    const first = index * TILE_WIDTH ** (level === "entries" ? 1 : level + 1);
    report({
      kind: level === "entries" ? "bundle" : "tile",
      object: key,
      leaves: [first, Math.min(size, first + TILE_WIDTH ** (level === "entries" ? 1 : level + 1))],
      expected: `${expected} bytes`,
      found: found === undefined ? "nothing" : `${found.length} bytes`,
      meaning: found === undefined ? "it was published, and is not there" : "it was cut or added to",
    });
    return undefined;
  };

  return {
    hashes: (level, index) => read(level, index, HASH_BYTES),
    entries: async (index) => {
      const bundle = await read("entries", index, ENTRY_BYTES);
      if (bundle === undefined) return undefined;
      const entries = Buffer.allocUnsafe((bundle.length / ENTRY_BYTES) * HASH_BYTES);
      for (let n = 0; n * ENTRY_BYTES < bundle.length; n++) {
        const at = n * ENTRY_BYTES;
        if (bundle.readUInt16BE(at) !== HASH_BYTES) {
          const leaf = index * TILE_WIDTH + n;
          report({
            kind: "bundle",
            object: tileKey("entries", index, size),
            leaf,
            byte: at,
            expected: `an entry of ${HASH_BYTES} bytes`,
            found: `a length of ${bundle.readUInt16BE(at)}`,
            meaning: `the bundle was altered at the entry of ${leafRange(leaf, leaf + 1)}`,
          });
          return undefined;
        }
        bundle.copy(entries, n * HASH_BYTES, at + LENGTH_BYTES, at + ENTRY_BYTES);
      }
      return entries;
    },
  };
}
