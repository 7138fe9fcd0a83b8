/**
 * The computing part of one seal: the right edge of the tree as it is stored, checked against the head, and from it and new
 * lines everything that the seal publishes, as one staging object.
 */
import type { OwnCheckpoint } from "#service/log-identity.ts";
import { tileKey } from "#service/log-layout.ts";
import { logDiverged } from "#service/log-diverged.ts";
import type { LogStore, SealInput, StagedObject } from "#service/log-ports.ts";
import { HASHER } from "#service/native-hash.ts";
import type { EncodedStaging, Staging } from "#service/staging.ts";
import { encodeStaging } from "#service/staging.ts";
import { decodeHashBundle } from "#tlog/bundle.ts";
import { equalBytes, toHex } from "#tlog/bytes.ts";
import type { TileId } from "#tlog/tile.ts";
import { edgeTiles, TILE_WIDTH, tilePath } from "#tlog/tile.ts";
import type { Appended } from "#tlog/tree.ts";
import { appendLeaves, rootOfEdge } from "#tlog/tree.ts";

/** What must be known of a tree to append to it. */
export interface Edge {
  readonly tiles: ReadonlyMap<string, Uint8Array>;
  /** Entries of the partial last bundle, one behind the other. */
  readonly entries: Uint8Array;
}

/** One seal, worked out and not yet stored. */
export interface Sealed {
  readonly staging: Staging;
  readonly encoded: EncodedStaging;
  readonly root: Uint8Array;
}

/**
 * Reads the edge of the tree that the head is over.
 * @throws AuditStorageError `log-diverged` where what is stored does not lead to the root of the head; `storage-unavailable`
 */
export async function readEdge(store: Pick<LogStore, "get">, head: OwnCheckpoint): Promise<Edge> {
  const size = BigInt(head.size);
  const read = async (tile: TileId): Promise<Uint8Array> => {
    const key = tileKey(tilePath(tile));
    const bytes = await store.get(key);
    if (bytes !== undefined) return bytes;
    throw logDiverged(`object ${key}, at the edge of the log of size ${head.size}, is missing`, {
      details: { key },
    });
  };
  const width = head.size % TILE_WIDTH;
  const bundle =
    width === 0 ? undefined : ({ level: "entries", index: size / BigInt(TILE_WIDTH), width } as const);
  const [tiles, bundleBytes] = await Promise.all([
    Promise.all(edgeTiles(size).map(async (tile) => [tilePath(tile), await read(tile)] as const)),
    bundle === undefined ? undefined : read(bundle),
  ]);
  return contradicting(head, () => {
    const edge = {
      tiles: new Map(tiles),
      entries: bundleBytes === undefined ? new Uint8Array() : decodeHashBundle(bundleBytes),
    };
    const root = rootOfEdge(size, edge.tiles, HASHER);
    if (equalBytes(root, head.root)) return edge;
    throw new RangeError(`they lead to root ${toHex(root)}`);
  });
}

/**
 * @param edge of the tree that the head is over
 * @throws AuditStorageError `log-diverged` where the entries of the edge are not those of its tiles
 */
export function buildSeal(head: OwnCheckpoint, edge: Edge, input: SealInput): Sealed {
  const append = {
    size: BigInt(head.size),
    edge: edge.tiles,
    edgeEntries: edge.entries,
    entries: input.entries,
  };
  const appended = contradicting(head, () => appendLeaves(append, HASHER));
  const staging: Staging = {
    oldSize: head.size,
    newSize: Number(appended.size),
    rootHex: toHex(appended.root),
    batches: input.batches,
    objects: [...tileObjects(appended), ...input.objects],
  };
  return { staging, encoded: encodeStaging(staging), root: appended.root };
}

function tileObjects({ tiles }: Appended): readonly StagedObject[] {
  return tiles.map(({ tile, bytes }) => ({ key: tileKey(tilePath(tile)), bytes }));
}

function contradicting<Result>(head: OwnCheckpoint, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `the tiles stored at the edge of the log do not fit its head of size ${head.size} with root ${head.rootHex}: ${reason}`;
    throw logDiverged(problem, { cause, details: { headSize: head.size, headRoot: head.rootHex } });
  }
}
