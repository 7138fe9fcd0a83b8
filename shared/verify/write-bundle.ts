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
import { hex, UndecidedError } from "#verify/finding.ts";
import { BUNDLE_LINES, BUNDLE_RANGE, findLineFiles } from "#verify/line-files.ts";
import type { LeafRun } from "#verify/line-reader.ts";
import { createLineReader, lineOf } from "#verify/line-reader.ts";
import type { LogSource } from "#verify/log-source.ts";
import { readInOrder } from "#verify/log-source.ts";
import { sha256 } from "#verify/native-hash.ts";
import type { QuarantineMarker } from "#verify/special-lines.ts";
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
const NEWLINE = Buffer.from("\n");
const RECEIVED_AT = '"received_at":"';
const TIME_LENGTH = "2026-03-01T12:00:00.000Z".length;

/** @throws UndecidedError where something cannot be read, or no line is in the range */
export async function writeBundle(request: BundleRequest): Promise<WrittenBundle> {
  const { source, folder, checkpoint } = request;
  await put(folder, CHECKPOINT, Buffer.from(checkpoint.note));
  const vkey = await source.read("log/vkey", MAX_CHECKPOINT_BYTES);
  if (vkey !== undefined) await put(folder, "log/vkey", vkey);
  const tiles = await copyTiles(request);
  const { first: firstLeaf, end } = await copyLines(request);
  const count = end - firstLeaf;
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

async function copyLines(request: BundleRequest): Promise<Leaves> {
  const { first, end } = await findRange(request);
  const draft = join(request.folder, BUNDLE_LINES, "lines.tmp");
  await mkdir(dirname(draft), { recursive: true });
  const out = createWriteStream(draft);
  for await (const { bytes, leaf, quarantined } of linesOf(request)) {
    if (leaf >= end) break;
    if (leaf < first) continue;
    if (!out.write(Buffer.concat([bytes, NEWLINE]))) await once(out, "drain");
    if (quarantined !== undefined) await copyQuarantined(request, quarantined);
  }
  out.end();
  await finished(out);
  const name = `${String(first).padStart(DIGITS, "0")}-${end - first}.jsonl`;
  await rename(draft, join(request.folder, BUNDLE_LINES, name));
  return { first, end };
}

interface Leaves {
  readonly first: number;
  /** The one behind the last. */
  readonly end: number;
}

/** Leaves from the first that is in the range to the last one: between them none is left out. */
async function findRange(request: BundleRequest): Promise<Leaves> {
  const { from, to } = request;
  const isByTime = from?.kind === "time" || to?.kind === "time";
  let found: Leaves | undefined;
  // A leaf behind the range, by time, may be followed by one within it; by number, none is.
  for await (const { bytes, leaf, leaves } of linesOf(request)) {
    const ms = isByTime ? receivedMs(bytes) : Number.NaN;
    const isAfter = from === undefined || (from.kind === "leaf" ? leaf + leaves > from.leaf : ms >= from.ms);
    const isBefore = to === undefined || (to.kind === "leaf" ? leaf <= to.leaf : ms <= to.ms);
    if (isAfter && isBefore) found = { first: found?.first ?? leaf, end: leaf + leaves };
    else if (to?.kind === "leaf" && !isBefore) break;
  }
  if (found === undefined) throw new UndecidedError("no line that is sealed lies in the range");
  return found;
}

/** Lines of the sealed leaves, in order. */
async function* linesOf({ source, stem, checkpoint }: BundleRequest): AsyncGenerator<BundleLine> {
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
  try {
    for await (const run of reader.readTo(checkpoint.size)) yield* linesOfRun(run);
  } finally {
    await reader.close();
  }
}

interface BundleLine {
  readonly bytes: Buffer;
  readonly leaf: number;
  /** How many leaves it takes. */
  readonly leaves: number;
  /** The file that the lines of these leaves were moved to. */
  readonly quarantined: QuarantineMarker | undefined;
}

function* linesOfRun({
  block,
  firstLine,
  firstLeaf,
  count,
  special,
  specialLeaf,
}: LeafRun): Generator<BundleLine> {
  if (special === undefined) {
    for (let n = 0; n < count; n++)
      yield { bytes: lineOf(block, firstLine + n), leaf: firstLeaf + n, leaves: 1, quarantined: undefined };
    return;
  }
  if (specialLeaf !== undefined && specialLeaf < firstLeaf) return; // a later part
  const marker = special.kind === "marker" ? special : undefined;
  const bytes = lineOf(block, firstLine);
  yield { bytes, leaf: firstLeaf, leaves: marker?.lines ?? 1, quarantined: marker };
}

/** Not a number where the line says none. */
function receivedMs(line: Buffer): number {
  const at = line.lastIndexOf(RECEIVED_AT);
  if (at === -1) return Number.NaN;
  return Date.parse(line.toString("latin1", at + RECEIVED_AT.length, at + RECEIVED_AT.length + TIME_LENGTH));
}

/** Nothing but what was moved: a marker may have been altered to name any file that lies beside the log. */
async function copyQuarantined({ source, folder }: BundleRequest, marker: QuarantineMarker): Promise<void> {
  const bytes = await source.read(marker.file, MAX_QUARANTINE_BYTES);
  if (bytes === undefined) return;
  if (bytes.length !== marker.bytes || hex(sha256(bytes)) !== marker.sha256) {
    throw new UndecidedError(`${marker.file} is not what its marker says; verify the log first`);
  }
  await put(folder, marker.file, bytes);
}

async function put(folder: string, key: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, key)), { recursive: true });
  await writeFile(join(folder, key), bytes);
}
