// A log for tests of witnesses: entries in memory, checkpoints of any size with the proofs that a witness asks for, made by
// the recursive definitions of RFC 6962 and nothing cleverer. Two logs of one key with other entries are a fork.
import { generateKeyPairSync, hash, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";

import type { LogSigner } from "#service/log-ports.ts";
import { formatCheckpoint } from "#tlog/checkpoint.ts";
import {
  COSIGNATURE_V1,
  ED25519,
  formatNote,
  formatVerifierKey,
  keyIdOf,
  parseNote,
  parseSignatureLine,
  parseVerifierKey,
  verifyNote,
} from "#tlog/note.ts";
import { formatAddCheckpoint } from "#tlog/witness.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import type { WitnessStore } from "#service/witness-ports.ts";

export interface TestSigner extends LogSigner {
  readonly privateKey: KeyObject;
}

export function createTestSigner(name: string): TestSigner {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return { name, publicKey: raw, privateKey, sign: async (message) => sign(null, message, privateKey) };
}

export interface TestLog {
  readonly verifierKey: string;
  /** The signed checkpoint of the first `size` entries. */
  readonly checkpoint: (size: number) => string;
  /** A request to a witness that is at `oldSize`. */
  readonly request: (oldSize: number, newSize: number) => string;
}

/** @param entryOf text of an entry; a fork has others from some index on */
export function createTestLog(signer: TestSigner, entryOf = (index: number): string => `e${index}`): TestLog {
  const leaf = (index: number): Buffer => sha256(Buffer.from([0]), Buffer.from(entryOf(index)));
  const root = (from: number, to: number): Buffer => {
    if (to === from) return sha256();
    if (to - from === 1) return leaf(from);
    const middle = from + split(to - from);
    return sha256(Buffer.from([1]), root(from, middle), root(middle, to));
  };
  // RFC 6962, section 2.1.2: SUBPROOF(m, D[from:to], isWhole)
  const subproof = (size: number, { from, to, isWhole }: Range): Buffer[] => {
    if (size === to - from) return isWhole ? [] : [root(from, to)];
    const left = split(to - from);
    return size <= left
      ? [...subproof(size, { from, to: from + left, isWhole }), root(from + left, to)]
      : [...subproof(size - left, { from: from + left, to, isWhole: false }), root(from, from + left)];
  };
  const checkpoint = (size: number): string => signCheckpoint(signer, size, root(0, size));
  return {
    verifierKey: formatVerifierKey(keyOf(signer)),
    checkpoint,
    request: (oldSize, newSize) =>
      formatAddCheckpoint({
        oldSize: BigInt(oldSize),
        proof:
          oldSize === 0 || oldSize > newSize
            ? []
            : subproof(oldSize, { from: 0, to: newSize, isWhole: true }),
        checkpoint: checkpoint(newSize),
      }),
  };
}

/** Whatever is said of the tree. */
export function signCheckpoint(signer: TestSigner, size: number, root: Uint8Array): string {
  const body = formatCheckpoint({ origin: signer.name, size: BigInt(size), root, extensions: [] });
  const signature = sign(null, Buffer.from(body), signer.privateKey);
  return formatNote({ body, signatures: [{ name: signer.name, keyId: keyIdOf(keyOf(signer)), signature }] });
}

/** The time of a witness's signature lines on a checkpoint, in seconds; throws where they are not its own. */
export function cosignedAt(checkpoint: string, lines: string, verifierKey: string): number {
  const signatures = lines.trimEnd().split("\n").map(parseSignatureLine);
  const { body } = parseNote(checkpoint);
  const key = parseVerifierKey(verifierKey);
  if (key.algorithm !== COSIGNATURE_V1) throw new Error(`the key has algorithm ${key.algorithm}`);
  return Number(verifyNote({ body, signatures }, [key], verifyEd25519).verified[0]?.timestamp);
}

/** Keeps checkpoints in memory; `beforeSwap` may wait, for another request to come between. */
export function memoryWitnessStore(beforeSwap: () => Promise<void> = async () => undefined): WitnessStore {
  const notes = new Map<string, string>();
  return {
    read: async (origin) => notes.get(origin),
    swap: async (origin, { expected, next }) => {
      await beforeSwap();
      if (notes.get(origin) !== expected) return "lost";
      notes.set(origin, next);
      return "swapped";
    },
  };
}

function keyOf({ name, publicKey }: TestSigner): Parameters<typeof formatVerifierKey>[0] {
  return { name, algorithm: ED25519, publicKey };
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly isWhole: boolean;
}

/** The largest power of two below n. */
function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return hash("sha256", Buffer.concat(parts), "buffer");
}
