/**
 * Makes tiles and bundles again that a file log has lost, from what is left of its bundles and from its lines. Nothing is
 * written unless all of it leads to the root that the log has signed: so what is written is what was there.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { FileLogStore } from "#adapters/file/file-log-store.ts";
import type { LineCursor } from "#adapters/file/line-cursor.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import { logDiverged } from "#service/log-diverged.ts";
import type { OwnCheckpoint } from "#service/log-identity.ts";
import { tileKey } from "#service/log-layout.ts";
import type { LogLedger, StagedObject } from "#service/log-ports.ts";
import { HASHER, hashInto } from "#service/native-hash.ts";
import { readEdge } from "#service/seal-step.ts";
import { decodeHashBundle } from "#tlog/bundle.ts";
import { equalBytes } from "#tlog/bytes.ts";
import type { TileId } from "#tlog/tile.ts";
import { bundlesOfSize, edgeTiles, TILE_WIDTH, tilePath, tilesOfSize } from "#tlog/tile.ts";
import { appendLeaves } from "#tlog/tree.ts";

export interface MendOptions {
  readonly folder: string;
  readonly store: FileLogStore;
  readonly ledger: LogLedger;
  readonly cursor: LineCursor;
  /** What the log has signed last. */
  readonly head: OwnCheckpoint;
  /** Told what is missing before it is made again. */
  readonly onMending: (problem: string) => void;
  /** Nothing more is done once it says so. */
  readonly isOverdue: () => boolean;
  /** Leaves that are worked out at once, a multiple of 256. @default 65,536, with tiles of 10 MiB */
  readonly stretchLeaves?: number;
}

const ENTRY_BYTES = 32;
const STRETCH_LEAVES = TILE_WIDTH * TILE_WIDTH;

/**
 * To be called before anything is sealed, when a process begins: at its edge the tree is checked against the head too.
 * @throws AuditStorageError `log-diverged` where what is left does not lead to the signed root; `storage-unavailable`
 */
export async function mendTiles(options: MendOptions): Promise<void> {
  const { ledger, store, head, onMending } = options;
  const lacking = firstLacking(options);
  if (lacking === undefined) await readEdge(store, head);
  else {
    const problem = `${join(options.folder, lacking)}, of ${head.size} sealed leaves, is missing or cut`;
    onMending(`${problem}: the tiles of the log are being made again from its lines`);
    const root = await rebuilt(options, problem);
    if (!equalBytes(root, head.root)) throw unmendable(problem);
    await build(options, (objects) => store.restore(objects));
  }
  const stored = await ledger.readHead();
  const isReplayable = stored?.staging === undefined || (await store.get(stored.staging)) !== undefined;
  // All that the lost staging object held is in its place: what is left to be published is the checkpoint.
  if (stored !== undefined && !isReplayable) await ledger.swapHead(stored, { ...stored, staging: undefined });
}

function firstLacking({ folder, head }: MendOptions): string | undefined {
  const size = BigInt(head.size);
  for (const tiles of [tilesOfSize(size), bundlesOfSize(size)]) {
    for (const tile of tiles) {
      const key = tileKey(tilePath(tile));
      const entryBytes = tile.level === "entries" ? ENTRY_BYTES + 2 : ENTRY_BYTES; // a bundle has lengths too
      if (statSync(join(folder, key), { throwIfNoEntry: false })?.size !== tile.width * entryBytes)
        return key;
    }
  }
  return undefined;
}

async function rebuilt(options: MendOptions, problem: string): Promise<Uint8Array> {
  try {
    return await build(options, async () => undefined);
  } catch (cause) {
    if (cause instanceof AuditServiceError && cause.code === "log-diverged") throw unmendable(problem, cause);
    throw cause;
  }
}

/** @returns the root */
async function build(
  options: MendOptions,
  onTiles: (objects: readonly StagedObject[]) => Promise<void>,
): Promise<Uint8Array> {
  const { head, stretchLeaves = STRETCH_LEAVES } = options;
  let edge: ReadonlyMap<string, Uint8Array> = new Map();
  let root = HASHER.empty;
  for (let from = 0; from < head.size; from += stretchLeaves) {
    const to = Math.min(head.size, from + stretchLeaves);
    const entries = await readEntries(options, from, to);
    const size = BigInt(from);
    const appended = appendLeaves({ size, edge, edgeEntries: new Uint8Array(), entries }, HASHER);
    root = appended.root;
    const made = new Map(appended.tiles.map(({ tile, bytes }) => [tilePath(tile), bytes]));
    const next = edgeTiles(appended.size).map((tile) => tilePath(tile));
    edge = new Map(
      next.map((path): [string, Uint8Array] => [path, made.get(path) ?? edge.get(path) ?? new Uint8Array()]),
    );
    // Tiles that are partial between two stretches are none of the log; those at its end may be of an earlier stretch.
    const isLast = to === head.size;
    const lasting = appended.tiles.filter(({ tile }) => tile.width === TILE_WIDTH || isLast);
    const kept = new Map([
      ...lasting.map(({ tile, bytes }): [string, Uint8Array] => [tilePath(tile), bytes]),
      ...(isLast ? edge : []),
    ]);
    await onTiles([...kept].map(([path, bytes]) => ({ key: tileKey(path), bytes })));
  }
  return root;
}

/** Of a bundle where it is whole: it outlives a line that is damaged. */
async function readEntries(options: MendOptions, from: number, to: number): Promise<Uint8Array> {
  const entries = new Uint8Array((to - from) * ENTRY_BYTES);
  for (let first = from; first < to; first += TILE_WIDTH) {
    if (options.isOverdue()) throw stopped();
    const width = Math.min(TILE_WIDTH, to - first);
    const tile: TileId = { level: "entries", index: BigInt(first / TILE_WIDTH), width };
    const kept = wholeBundle(await options.store.get(tileKey(tilePath(tile))), width);
    entries.set(
      kept ?? (await lineEntries(options.cursor, first, first + width)),
      (first - from) * ENTRY_BYTES,
    );
  }
  return entries;
}

function wholeBundle(bytes: Uint8Array | undefined, width: number): Uint8Array | undefined {
  if (bytes?.length !== width * (ENTRY_BYTES + 2)) return undefined;
  try {
    return decodeHashBundle(bytes);
  } catch {
    return undefined;
  }
}

async function lineEntries(cursor: LineCursor, from: number, to: number): Promise<Uint8Array> {
  const entries = Buffer.alloc((to - from) * ENTRY_BYTES);
  let place = 0;
  await cursor.visit(from, to, (line) => {
    hashInto(line, entries, place);
    place += ENTRY_BYTES;
    return true;
  });
  return entries;
}

function unmendable(problem: string, cause?: unknown): AuditStorageError {
  const message = `${problem}, and the lines that are there do not lead to the root that the log has signed`;
  return logDiverged(message, { cause, runbook: "lost-tiles" });
}

function stopped(): AuditStorageError {
  return new AuditStorageError("storage-unavailable", "the tiles of the log are not made again yet", {
    retryable: true,
  });
}
