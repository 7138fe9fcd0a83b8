// Whole logs in folders, made from lines with shared/tlog alone and signed with keys of the test, in the form of a bucket or
// of the local service; and ways to alter them, as somebody with access to the files would, with the key or without.
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { formatCheckpoint } from "#tlog/checkpoint.ts";
import type { COSIGNATURE_V1 } from "#tlog/note.ts";
import {
  cosignatureMessage,
  ED25519,
  encodeCosignature,
  formatNote,
  formatVerifierKey,
  keyIdOf,
} from "#tlog/note.ts";
import { tilePath } from "#tlog/tile.ts";
import { appendLeaves } from "#tlog/tree.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";
import { sha256 } from "#verify/native-hash.ts";

export const ORIGIN = "log.test/1";
const HASHER = createTreeHasher(sha256);

export interface TestKey {
  readonly vkey: string;
  /** The signature line for the body of a checkpoint; of cosigners at a time in seconds. */
  readonly line: (body: string, timeS?: number) => { name: string; keyId: Uint8Array; signature: Uint8Array };
}

export function newKey(name: string, algorithm: typeof ED25519 | typeof COSIGNATURE_V1 = ED25519): TestKey {
  const { privateKey, publicKey: spki } = generateKeyPairSync("ed25519");
  const publicKey = spki.export({ format: "der", type: "spki" }).subarray(-32);
  const parts = { name, algorithm, publicKey };
  return {
    vkey: formatVerifierKey(parts),
    line: (body, timeS = 0) => {
      const time = BigInt(timeS);
      const message = algorithm === ED25519 ? Buffer.from(body) : cosignatureMessage(time, body);
      const plain = sign(null, message, privateKey);
      const signature = algorithm === ED25519 ? plain : encodeCosignature(time, plain);
      return { name, keyId: keyIdOf(parts), signature };
    },
  };
}

export interface LogOptions {
  readonly lines: readonly string[];
  readonly form: "bucket" | "local";
  /** Lines of each segment or rotated file; the last local file is the live one. @default 100 */
  readonly linesPerFile?: number;
  /** Leaves that the checkpoint covers. @default all */
  readonly size?: number;
  readonly key: TestKey;
  readonly cosigners?: readonly { readonly key: TestKey; readonly timeS: number }[];
}

/** Writes a whole log into `folder`; over another one, what a forger with the key leaves behind. */
export async function writeLog(folder: string, options: LogOptions): Promise<void> {
  const { lines, size = lines.length } = options;
  const note = await writeTree(folder, { ...options, lines: lines.slice(0, size) });
  await put(folder, "log/checkpoint", note);
  await put(folder, "log/vkey", `${options.key.vkey}\n`);
  await writeLines(folder, options);
}

/** Tiles and bundles; returns the signed checkpoint. */
async function writeTree(
  folder: string,
  { lines, key, cosigners = [] }: Omit<LogOptions, "form">,
): Promise<string> {
  const entries = Buffer.concat(lines.map((line) => sha256(Buffer.from(line))));
  const { root, size, tiles } = appendLeaves(
    { size: 0n, edge: new Map(), entries, edgeEntries: new Uint8Array(0) },
    HASHER,
  );
  for (const { tile, bytes } of tiles) await put(folder, `log/${tilePath(tile)}`, bytes);
  return signCheckpoint({ size, root }, { key, cosigners });
}

function signCheckpoint(
  { size, root }: { readonly size: bigint; readonly root: Uint8Array },
  { key, cosigners = [] }: Pick<LogOptions, "key" | "cosigners">,
): string {
  const body = formatCheckpoint({ origin: ORIGIN, size, root, extensions: [] });
  const signatures = [
    key.line(body),
    ...cosigners.map((cosigner) => cosigner.key.line(body, cosigner.timeS)),
  ];
  return formatNote({ body, signatures });
}

async function writeLines(folder: string, { lines, form, linesPerFile = 100 }: LogOptions): Promise<void> {
  for (let first = 0; first < lines.length || first === 0; first += linesPerFile) {
    const part = lines.slice(first, first + linesPerFile);
    const text = part.map((line) => `${line}\n`).join("");
    const isLast = first + linesPerFile >= lines.length;
    if (form === "local") {
      await put(folder, isLast ? "audit.jsonl" : `audit-${digits(first)}.jsonl`, text);
      continue;
    }
    const key = segmentKey(first, part.length);
    await put(folder, key, gzipSync(text));
    const manifest = {
      format: 1,
      segment: key,
      first_leaf: first,
      count: part.length,
      sealed_at: "2026-03-01T12:00:00.000Z",
      batches: [
        {
          batch: `b${first}`,
          lines: part.length,
          winners: part.map((_, line) => line),
          conflicts: [],
          first_leaf: first,
        },
      ],
      derived_ids: {},
    };
    await put(folder, `manifests/${digits(first + part.length)}.json`, JSON.stringify(manifest));
  }
}

export function segmentKey(first: number, count: number): string {
  return `segments/v1/dt=2026-03-01/hh=12/${digits(first)}-${count}.jsonl.gz`;
}

function digits(leaf: number): string {
  return String(leaf).padStart(16, "0");
}

export async function put(folder: string, key: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(folder, key)), { recursive: true });
  await writeFile(join(folder, key), bytes);
}

export async function read(folder: string, key: string): Promise<Buffer> {
  return readFile(join(folder, key));
}

export async function remove(folder: string, key: string): Promise<void> {
  await rm(join(folder, key));
}

export async function swap(folder: string, a: string, b: string): Promise<void> {
  await rename(join(folder, a), join(folder, "swapped"));
  await rename(join(folder, b), join(folder, a));
  await rename(join(folder, "swapped"), join(folder, b));
}

/** Alters one byte. */
export async function flip(folder: string, key: string, byte: number): Promise<void> {
  const bytes = await read(folder, key);
  bytes[byte] = (bytes[byte] ?? 0) ^ 1;
  await put(folder, key, bytes);
}

/** Rewrites the lines of a file, compressed or not. */
export async function rewrite(
  folder: string,
  key: string,
  change: (lines: string[]) => readonly string[],
): Promise<void> {
  const bytes = await read(folder, key);
  const isCompressed = key.endsWith(".gz");
  const text = (isCompressed ? gunzipSync(bytes) : bytes).toString();
  const changed = change(text.split("\n").slice(0, -1))
    .map((line) => `${line}\n`)
    .join("");
  await put(folder, key, isCompressed ? gzipSync(changed) : changed);
}

/** Puts the tiles of the altered lines in the place of those from `level` on down, bundles with level 0. */
export async function forgeTiles(
  folder: string,
  options: Omit<LogOptions, "form"> & { readonly levels: number },
): Promise<void> {
  const entries = Buffer.concat(options.lines.map((line) => sha256(Buffer.from(line))));
  const { tiles } = appendLeaves(
    { size: 0n, edge: new Map(), entries, edgeEntries: new Uint8Array(0) },
    HASHER,
  );
  for (const { tile, bytes } of tiles) {
    if (tile.level === "entries" || tile.level < options.levels)
      await put(folder, `log/${tilePath(tile)}`, bytes);
  }
}

/** A line as the service stores it, as far as a verification looks at it. */
export function testLine(n: number, eventId = `event-${n}`): string {
  return `{"_defaulted":[],"_salt":"AAAAAAAAAAAAAAAAAAAAAA","_v":1,"action":"a","category":"SYSTEM","event_id":"${eventId}","level":"INFO","message":"number ${n}","metadata":{},"received_at":"2026-03-01T12:00:00.000Z","service_name":"s","tenant_id":"default","timestamp":"2026-03-01T12:00:00Z"}`;
}

export function testLines(count: number): string[] {
  return Array.from({ length: count }, (_, n) => testLine(n));
}
