/**
 * Reading the published log: its checkpoint, keys, tiles and bundles, as whoever checks it from outside does. What is
 * stored damaged is refused and not handed on: answers about tiles are kept by caches for a year.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { CHECKPOINT_KEY, tileKey } from "#service/log-layout.ts";
import type { LogStore } from "#service/log-ports.ts";
import { decodeHashBundle, encodeHashBundle } from "#tlog/bundle.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote } from "#tlog/note.ts";
import type { TileId } from "#tlog/tile.ts";
import { TILE_WIDTH, tilePath } from "#tlog/tile.ts";
import { HASH_BYTES } from "#tlog/tree-hash.ts";

export interface PublishedCheckpoint {
  /** The signed note, as it is served. */
  readonly text: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface LogReader {
  /**
   * The published checkpoint; undefined before the log is founded.
   * @throws AuditStorageError `storage-unavailable`, also where what is stored is no checkpoint
   */
  checkpoint(): Promise<PublishedCheckpoint | undefined>;
  /**
   * A tile or bundle, in exactly the width asked for; undefined where there is none. Cut from the full one where that alone
   * is kept: the first hashes of a full tile are the partial one.
   * @throws AuditStorageError `storage-unavailable`, also where what is stored is no such tile
   */
  tile(tile: TileId): Promise<Uint8Array | undefined>;
  /**
   * Any other small object of the log, such as its key.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  object(key: string): Promise<Uint8Array | undefined>;
}

export function createLogReader(store: Pick<LogStore, "get">): LogReader {
  return {
    checkpoint: async () => {
      const bytes = await store.get(CHECKPOINT_KEY);
      return bytes === undefined ? undefined : readCheckpoint(Buffer.from(bytes).toString());
    },
    tile: async (tile) => {
      const exact = await store.get(keyOf(tile));
      if (exact !== undefined) return part(tile, exact, tile.width);
      if (tile.width === TILE_WIDTH) return undefined;
      const full = { ...tile, width: TILE_WIDTH };
      const whole = await store.get(keyOf(full));
      return whole === undefined ? undefined : part(full, whole, tile.width);
    },
    object: (key) => store.get(key),
  };
}

function readCheckpoint(text: string): PublishedCheckpoint {
  try {
    const { size, root } = parseCheckpoint(parseNote(text).body);
    if (size <= BigInt(Number.MAX_SAFE_INTEGER)) return { text, size: Number(size), root };
    throw new RangeError(`its size ${size} is beyond what this service counts to`);
  } catch (cause) {
    const message = "the published checkpoint of the log cannot be read";
    throw new AuditStorageError("storage-unavailable", message, { cause });
  }
}

/** The first `width` hashes or entries of what is stored as `tile`. */
function part(tile: TileId, bytes: Uint8Array, width: number): Uint8Array {
  if (tile.level !== "entries") {
    if (bytes.length === tile.width * HASH_BYTES) return bytes.subarray(0, width * HASH_BYTES);
    throw damaged(tile, `holds ${bytes.length} bytes, not ${tile.width * HASH_BYTES}`);
  }
  const entries = entriesOf(tile, bytes);
  if (entries.length !== tile.width * HASH_BYTES)
    throw damaged(tile, `holds ${entries.length / HASH_BYTES} entries, not ${tile.width}`);
  return width === tile.width ? bytes : encodeHashBundle(entries.subarray(0, width * HASH_BYTES));
}

/** One behind the other. */
function entriesOf(tile: TileId, bytes: Uint8Array): Uint8Array {
  try {
    return decodeHashBundle(bytes);
  } catch (cause) {
    throw damaged(tile, "is no bundle of entries", cause);
  }
}

function damaged(tile: TileId, what: string, cause?: unknown): AuditStorageError {
  return new AuditStorageError("storage-unavailable", `the stored ${keyOf(tile)} ${what}`, { cause });
}

function keyOf(tile: TileId): string {
  return tileKey(tilePath(tile));
}
