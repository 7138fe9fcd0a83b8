// What must hold of a log and of the rows behind it when nothing is under way any more, worked out from the objects
// themselves and a tree built by its definition, in words that a failing test can print.
import { hash } from "node:crypto";

import type { PreparedLine } from "#event/prepare-event.ts";
import { readStoredLine } from "#event/read-line.ts";
import { BATCH_PREFIX } from "#service/batch-object.ts";
import { conflictIdOf, isDerivedId } from "#service/conflict-id.ts";
import type { OwnCheckpoint } from "#service/log-identity.ts";
import { createLogIdentity } from "#service/log-identity.ts";
import { CHECKPOINT_KEY, MANIFEST_PREFIX, SEGMENT_PREFIX, tileKey } from "#service/log-layout.ts";
import type { Manifest } from "#service/manifest.ts";
import { decodeManifest, leafLines } from "#service/manifest.ts";
import { decodeSegment } from "#service/segment.ts";
import { naiveLeaf, naiveRoot } from "#test/support/sealing-oracle.ts";
import type { SharedPorts } from "#test/support/sealing-ports.ts";
import { TEST_KEYS } from "#test/support/sealing-signers.ts";
import { bundlesOfSize, tilePath, tilesOfSize } from "#tlog/tile.ts";

const HASH_BYTES = 32;
const TILE_WIDTH = 256;

/** @param wanted every line that was sent, copies too */
export async function findSealingProblems(
  ports: SharedPorts,
  wanted: readonly PreparedLine[],
  conflictKey: Uint8Array,
): Promise<readonly string[]> {
  const manifests = await readManifests(ports);
  const { leaves, problems } = await readSegments(ports, manifests);
  return [
    ...problems,
    ...contents(leaves, wanted),
    ...rows(ports, manifests, leaves),
    ...items(ports, leaves),
    ...derivedIds(manifests, leaves, conflictKey),
    ...checkpoints(ports, leaves),
    ...(await tiles(ports, leaves)),
    ...leftovers(ports),
  ];
}

async function readManifests({ archive }: SharedPorts): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for await (const { key } of archive.list(MANIFEST_PREFIX))
    manifests.push(decodeManifest((await archive.get(key)) ?? new Uint8Array(), key));
  return manifests;
}

interface Segments {
  /** Lines of the log by leaf. */
  readonly leaves: readonly string[];
  readonly problems: readonly string[];
}

/** Segments follow each other without gap or overlap, and each is named by a manifest. */
async function readSegments({ archive }: SharedPorts, manifests: readonly Manifest[]): Promise<Segments> {
  const leaves: string[] = [];
  const problems: string[] = [];
  const unnamed = new Set<string>();
  for await (const { key } of archive.list(SEGMENT_PREFIX)) unnamed.add(key);
  for (const { segment, firstLeaf } of manifests) {
    if (firstLeaf !== leaves.length) problems.push(`segment ${segment} begins behind leaf ${leaves.length}`);
    if (!unnamed.delete(segment)) problems.push(`segment ${segment} is missing`);
    else leaves.push(...decodeSegment((await archive.get(segment)) ?? new Uint8Array(), segment));
  }
  for (const key of unnamed) problems.push(`segment ${key} is in no manifest`);
  return { leaves, problems };
}

/** Each content that was sent has exactly one leaf, and nothing else has one. */
function contents(leaves: readonly string[], wanted: readonly PreparedLine[]): readonly string[] {
  const found = new Map(wanted.map((line) => [contentOfLine(line), 0]));
  for (const text of leaves) {
    const content = contentOf(text);
    found.set(content, (found.get(content) ?? Number.NaN) + 1);
  }
  return [...found]
    .filter(([, count]) => count !== 1)
    .map(([content, count]) => `${count} leaves: ${content}`);
}

/** Every row says where its batch stands, and the manifest of its segment says the same. */
function rows(
  { ledger }: SharedPorts,
  manifests: readonly Manifest[],
  leaves: readonly string[],
): readonly string[] {
  const bySegment = new Map(manifests.map((manifest) => [manifest.segment, manifest]));
  const problems: string[] = [];
  let sealed = 0;
  for (const { batchId, lineCount, winners, conflicts, sealed: place } of ledger.rows.values()) {
    const batch = { batchId, lineCount, winners, conflicts, firstLeaf: place?.firstLeaf };
    if (place === undefined) problems.push(`batch ${batchId} is not sealed`);
    const count = leafLines({ winners, conflicts }).length;
    if (place === undefined || count === 0) continue;
    sealed += count;
    const named = bySegment.get(place.segment ?? "")?.batches.find((one) => one.batchId === batchId);
    if (JSON.stringify(named) !== JSON.stringify(batch))
      problems.push(`its row says ${JSON.stringify(batch)}, its manifest ${JSON.stringify(named)}`);
  }
  if (sealed !== leaves.length) problems.push(`rows count ${sealed} leaves, segments ${leaves.length}`);
  return problems;
}

/** The leaf of an item, by the row of its batch, holds its line. */
function items({ table, ledger }: SharedPorts, leaves: readonly string[]): readonly string[] {
  const problems: string[] = [];
  for (const { at, text, eventId } of table.items.values()) {
    const row = ledger.rows.get(at.batchId);
    const rank = row === undefined ? -1 : leafLines(row).indexOf(at.line);
    const leaf = rank < 0 || row?.sealed === undefined ? undefined : row.sealed.firstLeaf + rank;
    if (leaf === undefined || leaves[leaf] !== text)
      problems.push(`item ${eventId} is not what leaf ${leaf} holds`);
  }
  return problems;
}

function derivedIds(
  manifests: readonly Manifest[],
  leaves: readonly string[],
  conflictKey: Uint8Array,
): readonly string[] {
  const problems: string[] = [];
  for (const [leaf, id] of manifests.flatMap((manifest) => [...manifest.derivedIds])) {
    const read = readStoredLine(leaves[leaf] ?? "");
    const eventId = read.kind === "line" ? read.line.event.event_id : "";
    const contentHash = read.kind === "line" ? read.line.contentHash : "";
    if (!isDerivedId(id) || id !== conflictIdOf({ conflictKey, eventId, contentHash }))
      problems.push(`leaf ${leaf} is said to stand under ${id}`);
  }
  return problems;
}

/** Every checkpoint that was ever published is of a beginning of this log, and none was smaller than one before. */
function checkpoints({ published, log, archive }: SharedPorts, leaves: readonly string[]): readonly string[] {
  const problems: string[] = [];
  const identity = createLogIdentity(TEST_KEYS);
  const hashes = leaves.map(naiveLeaf);
  const roots = new Map<number, string>();
  const check = (text: string, what: string): OwnCheckpoint => {
    const checkpoint = identity.read(text, what);
    const { size, rootHex } = checkpoint;
    if (!roots.has(size)) roots.set(size, naiveRoot(hashes.slice(0, size)).toString("hex"));
    if (size > leaves.length || roots.get(size) !== rootHex)
      problems.push(`${what} of size ${size} is not of a beginning of the log of ${leaves.length} leaves`);
    return checkpoint;
  };
  let before = 0;
  for (const text of published) {
    const { size, freshAtMs } = check(text, "a published checkpoint");
    if (size < before) problems.push(`size ${size} was published behind size ${before}`);
    if (freshAtMs === undefined) problems.push(`a checkpoint of size ${size} was published without a time`);
    before = size;
  }
  const head = check(log.head?.checkpoint ?? "", "the head");
  if (head.size !== leaves.length)
    problems.push(`the head is of size ${head.size}, there are ${leaves.length} leaves`);
  const current = Buffer.from(archive.objects.get(CHECKPOINT_KEY)?.bytes ?? []).toString();
  if (check(current, "the published checkpoint").size !== head.size)
    problems.push("the head is not published");
  return problems;
}

/** Every tile and bundle of the log as it is now is stored, with the hashes that its definition gives. */
async function tiles({ archive }: SharedPorts, leaves: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = [];
  const hashes = leaves.map(naiveLeaf);
  const entries = leaves.map((line) =>
    Buffer.concat([Buffer.of(0, HASH_BYTES), hash("sha256", line, "buffer")]),
  );
  const size = BigInt(leaves.length);
  for (const { level, index, width } of [...tilesOfSize(size), ...bundlesOfSize(size)]) {
    const path = tilePath({ level, index, width });
    const stored = Buffer.from((await archive.get(tileKey(path))) ?? []);
    const from = Number(index) * TILE_WIDTH;
    const expected = Array.from({ length: width }, (_, at) => {
      if (level === "entries") return entries[from + at] ?? Buffer.alloc(0);
      if (level === 0) return hashes[from + at] ?? Buffer.alloc(0);
      const span = TILE_WIDTH ** level;
      return naiveRoot(hashes.slice((from + at) * span, (from + at + 1) * span));
    });
    if (!stored.equals(Buffer.concat(expected))) problems.push(`${path} is not as it should be`);
  }
  return problems;
}

/** What sealing lets go of. */
function leftovers({ archive, ledger }: SharedPorts): readonly string[] {
  const objects = [...archive.objects.keys()].filter((key) => key.startsWith(BATCH_PREFIX));
  return [
    ...objects.map((key) => `${key} is left`),
    ...[...ledger.pointers].map((batchId) => `batch ${batchId} is still pending`),
  ];
}

function contentOf(text: string): string {
  const read = readStoredLine(text);
  return read.kind === "line" ? contentOfLine(read.line) : `an unreadable line of ${text.length} characters`;
}

function contentOfLine({ event, contentHash }: PreparedLine): string {
  return `${event.tenant_id}#${event.event_id}#${contentHash}`;
}
