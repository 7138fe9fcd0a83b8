// A log that is published in memory: lines with leaves, the objects that everybody may see, and the key they are signed
// with. Sealing here is the plainest there is: no head, no staging, one sealer.
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { CHECKPOINT_KEY, tileKey, VERIFIER_KEY_KEY, VERIFIER_KEYS_KEY } from "#service/log-layout.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryLeaves } from "#test/support/memory-leaves.ts";
import { decodeHashBundle } from "#tlog/bundle.ts";
import { formatCheckpoint } from "#tlog/checkpoint.ts";
import type { Ed25519Verify } from "#tlog/note.ts";
import { ED25519, formatNote, formatVerifierKey, keyIdOf } from "#tlog/note.ts";
import { edgeTiles, tilePath } from "#tlog/tile.ts";
import { appendLeaves } from "#tlog/tree.ts";

const ORIGIN = "log.example.com/test";
const RAW_KEY_BYTES = 32;

export class PublishedLog {
  readonly leaves = new MemoryLeaves();
  readonly objects = new MemoryArchive();
  /** One line. */
  readonly verifierKey: string;
  private readonly privateKey: KeyObject;
  private readonly publicKey: Uint8Array;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    this.privateKey = createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }));
    this.publicKey = publicKey.export({ format: "der", type: "spki" }).subarray(-RAW_KEY_BYTES);
    this.verifierKey = formatVerifierKey({ name: ORIGIN, algorithm: ED25519, publicKey: this.publicKey });
  }

  /** Stores an event that no leaf is given to yet; answers its exact line. */
  put(members: Members): string {
    const line = sampleLine(members);
    this.leaves.put([line]);
    return line.text;
  }

  /** Gives leaves to all lines, and publishes the checkpoint that covers them. */
  seal(): number {
    const old = this.leaves.sealed;
    const size = this.leaves.seal();
    const entries = this.leaves.lines.slice(old).map(({ text }) => hash("sha256", text, "buffer"));
    const edge = new Map(
      edgeTiles(BigInt(old)).map((tile) => [tilePath(tile), this.bytesOf(tileKey(tilePath(tile)))] as const),
    );
    const grown = appendLeaves({
      size: BigInt(old),
      edge,
      entries: Buffer.concat(entries),
      edgeEntries: this.edgeEntries(old),
    });
    for (const { tile, bytes } of grown.tiles) this.store(tileKey(tilePath(tile)), bytes);
    this.publish(formatCheckpoint({ origin: ORIGIN, size: grown.size, root: grown.root, extensions: [] }));
    return size;
  }

  /** Changes a stored object. */
  damage(key: string, change: (bytes: Uint8Array) => Uint8Array): void {
    this.store(key, change(this.bytesOf(key)));
  }

  store(key: string, bytes: Uint8Array): void {
    this.objects.objects.set(key, { bytes, modifiedMs: 0, version: "v0" });
  }

  bytesOf(key: string): Uint8Array {
    const stored = this.objects.objects.get(key);
    if (stored === undefined) throw new Error(`${key} is not stored`);
    return Uint8Array.from(stored.bytes);
  }

  private publish(body: string): void {
    const signature = sign(null, Buffer.from(body), this.privateKey);
    const keyId = keyIdOf({ name: ORIGIN, algorithm: ED25519, publicKey: this.publicKey });
    const note = formatNote({ body, signatures: [{ name: ORIGIN, keyId, signature }] });
    this.store(CHECKPOINT_KEY, Buffer.from(note));
    this.store(VERIFIER_KEY_KEY, Buffer.from(`${this.verifierKey}\n`));
    this.store(VERIFIER_KEYS_KEY, Buffer.from(`${this.verifierKey}\n`));
  }

  private edgeEntries(size: number): Uint8Array {
    if (size % 256 === 0) return new Uint8Array();
    const bundle = { level: "entries", index: BigInt(Math.floor(size / 256)), width: size % 256 } as const;
    return decodeHashBundle(this.bytesOf(tileKey(tilePath(bundle))));
  }
}

/** By node:crypto, which shares nothing with the library. */
export const verifyEd25519: Ed25519Verify = (publicKey, message, signature) => {
  const prefix = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410: SubjectPublicKeyInfo of an Ed25519 key
  const key = createPublicKey({ key: Buffer.concat([prefix, publicKey]), format: "der", type: "spki" });
  return verify(null, message, key, signature);
};
