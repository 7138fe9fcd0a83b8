/**
 * Writes what an auditor receives: the lines of some leaves, all hashes of the tree, and the checkpoint. The hashes of the
 * whole tree are there so that its root can be computed again; they say nothing of the lines that are not.
 */
import { createWriteStream } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { bundlesOfSize, tilePath, tilesOfSize } from "#tlog/tile.ts";
import type { SignedCheckpoint } from "#verify/checkpoint-check.ts";
import { UndecidedError } from "#verify/finding.ts";
import { BUNDLE_LINES, BUNDLE_RANGE, findLineFiles } from "#verify/line-files.ts";
import type { LeafRun } from "#verify/line-reader.ts";
import { createLineReader, lineOf } from "#verify/line-reader.ts";
import type { LogSource } from "#verify/log-source.ts";
import { readInOrder } from "#verify/log-source.ts";
import { CHECKPOINT, MAX_CHECKPOINT_BYTES } from "#verify/verify-log.ts";

/** An end of a range: a leaf, or a time of acceptance in milliseconds since 1970. */
export type RangeEnd =
  | { readonly kind: "leaf"; readonly leaf: number }
  | { readonly kind: "time"; readonly ms: number };

export interface BundleRequest {
  readonly source: LogSource;
  readonly stem: string | undefined;
  readonly checkpoint: SignedCheckpoint;
  /** Inclusive; undefined: from the first leaf. */
  readonly from: RangeEnd | undefined;
  /** Inclusive; undefined: to the last leaf that is sealed. */
  readonly to: RangeEnd | undefined;
  /** Folder to write to; it must not hold a bundle. */
  readonly folder: string;
}

export interface WrittenBundle {
  readonly firstLeaf: number;
  readonly count: number;
  readonly tiles: number;
}

const MAX_TILE_BYTES = 64 * 1024;
const MAX_QUARANTINE_BYTES = 1024 * 1024 * 1024;
const DIGITS = 16;
const RECEIVED_AT = '"received_at":"';
const TIME_LENGTH = "2026-03-01T12:00:00.000Z".length;

/** @throws UndecidedError where something cannot be read, or no line is in the range */
export async function writeBundle(request: BundleRequest): Promise<WrittenBundle> {
  const { source, folder, checkpoint } = request;
  await put(folder, CHECKPOINT, Buffer.from(checkpoint.note));
  const vkey = await source.read("log/vkey", MAX_CHECKPOINT_BYTES);
  if (vkey !== undefined) await put(folder, "log/vkey", vkey);
  const tiles = await copyTiles(request);
  const { firstLeaf, count } = await copyLines(request);
  await put(folder, BUNDLE_RANGE, Buffer.from(`{"format":1,"first_leaf":${firstLeaf},"count":${count}}\n`));
  return { firstLeaf, count, tiles };
}

async function copyTiles({ source, folder, checkpoint }: BundleRequest): Promise<number> {
  const size = BigInt(checkpoint.size);
  const keys = function* keys(): Generator<string> {
    for (const tile of tilesOfSize(size)) yield `log/${tilePath(tile)}`;
    for (const tile of bundlesOfSize(size)) yield `log/${tilePath(tile)}`;
  };
  let count = 0;
  const read = async (key: string): Promise<readonly [string, Uint8Array]> => {
    const bytes = await source.read(key, MAX_TILE_BYTES);
    // A full tile may have taken the place of the partial one; who verifies reads it in its stead.
    if (bytes !== undefined) return [key, bytes];
    const full = key.replace(/\.p\/\d+$/, "");
    const fullBytes = await source.read(full, MAX_TILE_BYTES);
    if (fullBytes === undefined) throw new UndecidedError(`${key} is not there; verify the log first`);
    return [full, fullBytes];
  };
  for await (const [key, bytes] of readInOrder(keys(), source.parallel, read)) {
    await put(folder, key, bytes);
    count++;
  }
  return count;
}

async function copyLines(request: BundleRequest): Promise<{ firstLeaf: number; count: number }> {
  const { source, stem, checkpoint, folder } = request;
  const { files, range, unchecked } = await findLineFiles(source, stem);
  if (unchecked !== undefined) throw new UndecidedError(`${source.name}: ${unchecked}`);
  const reader = createLineReader({
    files,
    first: range.first,
    end: checkpoint.size,
    report: ({ meaning }) => {
      throw new UndecidedError(`${meaning}; verify the log first`);
    },
  });
  const draft = join(folder, BUNDLE_LINES, "lines.tmp");
  await mkdir(dirname(draft), { recursive: true });
  const out = createWriteStream(draft);
  const select = createSelection(request);
  // A leaf behind the range, by time, may be followed by one within it: what is written goes up to the last that is.
  for await (const run of reader.readTo(checkpoint.size)) {
    for (const { bytes, leaf, leaves } of linesOf(run)) {
      if (!select.take(bytes, leaf, leaves)) continue;
      for (const kept of select.release()) if (!out.write(kept)) await once(out, "drain");
    }
    if (run.special?.kind === "marker") await copyQuarantined(request, run.special.file);
  }
  out.end();
  await finished(out);
  const { first, end } = select.range();
  if (first === undefined) throw new UndecidedError("no line that is sealed lies in the range");
  const name = `${String(first).padStart(DIGITS, "0")}-${end - first}.jsonl`;
  await rename(draft, join(folder, BUNDLE_LINES, name));
  return { firstLeaf: first, count: end - first };
}

interface BundleLine {
  readonly bytes: Buffer;
  readonly leaf: number;
  /** How many leaves it takes. */
  readonly leaves: number;
}

function* linesOf(run: LeafRun): Generator<BundleLine> {
  const { block, firstLine, firstLeaf, count, special } = run;
  if (special !== undefined) {
    const isFirstPart = firstLeaf === (run.specialLeaf ?? firstLeaf);
    if (isFirstPart)
      yield {
        bytes: lineOf(block, firstLine),
        leaf: firstLeaf,
        leaves: special.kind === "marker" ? special.lines : 1,
      };
    return;
  }
  for (let n = 0; n < count; n++)
    yield { bytes: lineOf(block, firstLine + n), leaf: firstLeaf + n, leaves: 1 };
}

interface Selection {
  /** Whether the line, and with it those that were held back, are in the range. */
  readonly take: (bytes: Buffer, leaf: number, leaves: number) => boolean;
  /** What is to be written, and no longer held. */
  readonly release: () => readonly Buffer[];
  readonly range: () => { readonly first: number | undefined; readonly end: number };
}

/** Leaves from the first that is in the range to the last one: between them none is left out. */
function createSelection({ from, to }: BundleRequest): Selection {
  let held: Buffer[] = [];
  let first: number | undefined;
  let end = 0;
  const isIn = (bytes: Buffer, leaf: number, leaves: number): boolean => {
    const time = from?.kind === "time" || to?.kind === "time" ? receivedMs(bytes) : undefined;
    const isAfter =
      from === undefined ||
      (from.kind === "leaf" ? leaf + leaves > from.leaf : (time ?? Number.NaN) >= from.ms);
    const isBefore =
      to === undefined || (to.kind === "leaf" ? leaf <= to.leaf : (time ?? Number.NaN) <= to.ms);
    return isAfter && isBefore;
  };
  return {
    take: (bytes, leaf, leaves) => {
      const isTaken = isIn(bytes, leaf, leaves);
      if (!isTaken && first === undefined) return false;
      held.push(Buffer.concat([bytes, Buffer.from("\n")]));
      if (!isTaken) return false;
      first ??= leaf;
      end = leaf + leaves;
      return true;
    },
    release: () => {
      const released = held;
      held = [];
      return released;
    },
    range: () => ({ first, end }),
  };
}

function receivedMs(line: Buffer): number | undefined {
  const at = line.lastIndexOf(RECEIVED_AT);
  if (at === -1) return undefined;
  return Date.parse(line.toString("latin1", at + RECEIVED_AT.length, at + RECEIVED_AT.length + TIME_LENGTH));
}

async function copyQuarantined({ source, folder }: BundleRequest, name: string): Promise<void> {
  const bytes = await source.read(name, MAX_QUARANTINE_BYTES);
  if (bytes !== undefined) await put(folder, name, bytes);
}

async function put(folder: string, key: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, key)), { recursive: true });
  await writeFile(join(folder, key), bytes);
}
