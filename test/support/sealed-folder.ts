// A sealed log in a folder, sealed by hand and checked from its bytes alone: lines as they lie on the disk, hashed anew,
// against checkpoint, tiles and bundles.
import { createPublicKey, hash, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import type { FileStore } from "#adapters/file/file-store.ts";
import type { PassOutcome, SealPasses, SealingPlan } from "#infra/local/seal-pass.ts";
import { createSealPasses } from "#infra/local/seal-pass.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote, parseVerifierKey, verifyNote } from "#tlog/note.ts";
import { tilePath } from "#tlog/tile.ts";
import { appendLeaves } from "#tlog/tree.ts";
import { linesOnDisk } from "#test/support/folders.ts";

export const ORIGIN = "log.example/test";

/** Passes over an open log; closed when the test ends. */
export function sealPasses(store: FileStore, plan: Partial<SealingPlan> = {}): SealPasses {
  const passes = createSealPasses({
    path: store.paths.live,
    tail: store.tail.shared,
    uncertain: store.recovered.uncertain,
    origin: ORIGIN,
    witnesses: [],
    ...plan,
  });
  onTestFinished(() => passes.close());
  return passes;
}

export async function sealAll(store: FileStore, plan: Partial<SealingPlan> = {}): Promise<PassOutcome> {
  return sealPasses(store, plan).run({ isOverdue: () => false });
}

export interface CheckedLog {
  readonly size: number;
  readonly rootHex: string;
}

/** The published checkpoint of a folder, its signature checked. */
export async function readCheckpoint(folder: string): Promise<CheckedLog & { readonly text: string }> {
  const text = await readFile(join(folder, "log/checkpoint"), "utf8");
  const key = parseVerifierKey((await readFile(join(folder, "log/vkey"), "utf8")).trimEnd());
  const note = parseNote(text);
  const { verified } = verifyNote(note, [key], verifyEd25519);
  if (verified.length === 0) throw new Error("the checkpoint is not signed by the log");
  const { size, root, origin } = parseCheckpoint(note.body);
  if (origin !== key.name)
    throw new Error(`the checkpoint is that of ${origin}, the key that of ${key.name}`);
  return { text, size: Number(size), rootHex: Buffer.from(root).toString("hex") };
}

/**
 * Rebuilds the tree over the lines of a folder and compares it with what is published, byte for byte.
 * @param sizes of the log before, by which partial tiles are known
 * @throws Error where anything differs
 */
export async function checkFolder(folder: string): Promise<CheckedLog> {
  const { size, rootHex } = await readCheckpoint(folder);
  const lines = (await linesOnDisk(folder)).slice(0, size);
  if (lines.length < size) throw new Error(`the folder holds ${lines.length} lines, ${size} are sealed`);
  const { root, tiles } = rebuild(lines);
  if (root !== rootHex) throw new Error(`the lines have the root ${root}, published is ${rootHex}`);
  for (const { tile, bytes } of tiles) {
    const path = tilePath(tile);
    const stored = await readFile(join(folder, "log", path)).catch(() => Buffer.alloc(0));
    if (Buffer.compare(stored, bytes) !== 0) throw new Error(`${path} differs from what the lines make`);
  }
  return { size, rootHex };
}

/** Root over the first lines of a folder. */
export async function rootOfFirst(folder: string, count: number): Promise<string> {
  return rebuild((await linesOnDisk(folder)).slice(0, count)).root;
}

function rebuild(lines: readonly string[]) {
  const entries = Buffer.concat(lines.map((line) => hash("sha256", line, "buffer")));
  const none = { size: 0n, edge: new Map<string, Uint8Array>(), edgeEntries: new Uint8Array(0) };
  const { root, tiles } = appendLeaves({ ...none, entries });
  return { root: Buffer.from(root).toString("hex"), tiles };
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, message, key, signature);
}
