/**
 * Proofs that an event is in the log, and the exact line that they are about. A proof is handed out only once it has been
 * checked against the published checkpoint: damaged tiles cost an answer, never its truth.
 */
import { hash } from "node:crypto";
import { decodeLine } from "#event/stored-line.ts";
import { AuditQueryError, AuditStorageError } from "#lib/errors.ts";
import type { FoundLeaf, LeafStore } from "#service/log-ports.ts";
import { HASHER } from "#service/native-hash.ts";
import type { EventKey } from "#service/ports.ts";
import type { LogReader, PublishedCheckpoint } from "#service/read-log.ts";
import { TileCache } from "#service/tile-cache.ts";
import type { Sleep } from "#service/waiting.ts";
import { pollUntil } from "#service/waiting.ts";
import { inclusionProblem } from "#tlog/proof.ts";
import type { TileBytes } from "#tlog/tile.ts";
import { tilePath } from "#tlog/tile.ts";
import { formatTlogProof } from "#tlog/tlog-proof.ts";
import { proveInclusion, tilesForInclusion } from "#tlog/tree.ts";

/** That an event is in the log, as the published checkpoint has it. */
export interface EventProof {
  readonly leaf: number;
  /** Leaves of the log that the checkpoint covers. */
  readonly logSize: number;
  readonly leafHash: Uint8Array;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
  /** The whole as C2SP tlog-proof writes it. */
  readonly text: string;
  /** The exact stored line: the leaf is over its SHA-256. */
  readonly line: string;
  /** As the answer to logging the event gave it. */
  readonly contentHash: string;
}

export interface Prove {
  /**
   * The proof of an event, also by the derived id of a conflict.
   * @param waitMs how long to wait for it to be stored and sealed; default 0
   * @throws AuditQueryError `event-not-found`, `not-yet-sealed` (retryable)
   * @throws AuditStorageError `storage-unavailable`, also where the tiles, the line and the checkpoint disagree
   */
  readonly proof: (key: EventKey, waitMs?: number) => Promise<EventProof>;
  /**
   * The exact stored line, without its newline.
   * @throws AuditQueryError `event-not-found`
   * @throws AuditStorageError `storage-unavailable`
   */
  readonly line: (key: EventKey) => Promise<string>;
}

export interface ProveDependencies {
  readonly leaves: LeafStore;
  readonly log: LogReader;
  /** Milliseconds from any beginning, never going back. */
  readonly monotonicMs: () => number;
  readonly sleep: Sleep;
  /** Seconds after which what is not sealed yet usually is; undefined where nothing seals. */
  readonly sealsAfterS: number | undefined;
  /** @default one of 8 MiB */
  readonly cache?: TileCache | undefined;
}

interface Covered {
  readonly found: FoundLeaf;
  readonly leaf: number;
  readonly checkpoint: PublishedCheckpoint;
}

const MAX_SHOWN_CHARACTERS = 64;

export function createProve(dependencies: ProveDependencies): Prove {
  const { leaves, log, monotonicMs, sleep, sealsAfterS, cache = new TileCache() } = dependencies;

  const look = async (key: EventKey): Promise<FoundLeaf | Covered | undefined> => {
    const found = await leaves.findLeaf(key);
    if (found?.leaf === undefined) return found;
    const checkpoint = await log.checkpoint();
    if (checkpoint === undefined || checkpoint.size <= found.leaf) return found;
    return { found, leaf: found.leaf, checkpoint };
  };

  const readTile = async (path: string, tile: Parameters<LogReader["tile"]>[0]): Promise<Uint8Array> => {
    const bytes = cache.get(path) ?? (await log.tile(tile));
    if (bytes !== undefined) return bytes;
    throw new AuditStorageError("storage-unavailable", `the log lacks ${path}, which its checkpoint covers`);
  };

  const readTiles = async ({ leaf, checkpoint }: Covered): Promise<TileBytes> => {
    const wanted = tilesForInclusion(BigInt(leaf), BigInt(checkpoint.size));
    return new Map(
      await Promise.all(
        wanted.map(async (tile) => {
          const path = tilePath(tile);
          return [path, await readTile(path, tile)] as const;
        }),
      ),
    );
  };

  return {
    proof: async (key, waitMs = 0) => {
      const outcome = await pollUntil(() => look(key), isCovered, { waitMs, monotonicMs, sleep });
      if (outcome === undefined) throw eventNotFound(key);
      if (!isCovered(outcome)) throw notYetSealed(key, sealsAfterS);
      const tiles = await readTiles(outcome);
      const proof = proveCovered(outcome, tiles);
      for (const [path, bytes] of tiles) cache.keep(path, bytes);
      return proof;
    },
    line: async (key) => {
      const found = await leaves.findLeaf(key);
      if (found === undefined) throw eventNotFound(key);
      return found.text;
    },
  };
}

function isCovered(outcome: FoundLeaf | Covered | undefined): outcome is Covered {
  return outcome !== undefined && "checkpoint" in outcome;
}

function proveCovered({ found, leaf, checkpoint }: Covered, tiles: TileBytes): EventProof {
  const place = { index: BigInt(leaf), size: BigInt(checkpoint.size), root: checkpoint.root };
  const hashes = authenticated(() => proveInclusion({ ...place, tiles }, HASHER), leaf);
  const leafHash = HASHER.leaf(hash("sha256", found.text, "buffer"));
  const problem = inclusionProblem({ ...place, leafHash, proof: hashes }, HASHER);
  if (problem !== undefined) {
    throw new AuditStorageError(
      "storage-unavailable",
      `the stored line is not what the log has as leaf ${leaf}: ${problem}`,
    );
  }
  return {
    leaf,
    logSize: checkpoint.size,
    leafHash,
    hashes,
    checkpoint: checkpoint.text,
    text: formatTlogProof({ index: place.index, hashes, checkpoint: checkpoint.text }),
    line: found.text,
    contentHash: decodeLine(found.text).contentHash,
  };
}

function authenticated<T>(prove: () => T, leaf: number): T {
  try {
    return prove();
  } catch (cause) {
    const message = `leaf ${leaf} cannot be proven: a tile is not what the published checkpoint says`;
    throw new AuditStorageError("storage-unavailable", message, { cause });
  }
}

function eventNotFound({ eventId }: EventKey): AuditQueryError {
  return new AuditQueryError("event-not-found", `no event is stored under the id ${shown(eventId)}`);
}

function notYetSealed({ eventId }: EventKey, sealsAfterS: number | undefined): AuditQueryError {
  return notSealed(
    `the event ${shown(eventId)} is stored, but the published checkpoint does not cover it yet`,
    sealsAfterS,
  );
}

/** @param sealsAfterS undefined where nothing seals: to come back is of no use */
export function notSealed(problem: string, sealsAfterS: number | undefined): AuditQueryError {
  if (sealsAfterS === undefined) return new AuditQueryError("not-yet-sealed", `${problem}: sealing is off`);
  return new AuditQueryError("not-yet-sealed", problem, { retryable: true, retryAfterS: sealsAfterS });
}

function shown(eventId: string): string {
  return JSON.stringify(eventId.slice(0, MAX_SHOWN_CHARACTERS));
}
