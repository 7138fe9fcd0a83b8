// Ed25519 of node:crypto in the shape that the tlog library asks for, and keys that sign notes.
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";

import type { Ed25519Verify, NoteSignature, VerifierKey } from "#tlog/note.ts";
import { COSIGNATURE_V1, cosignatureMessage, ED25519, encodeCosignature, keyIdOf } from "#tlog/note.ts";

/** What stands before a seed and before a public key in DER (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

export const ed25519Verify: Ed25519Verify = (publicKey, message, signature) =>
  verify(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: "der", type: "spki" }),
    signature,
  );

export interface TestSigner {
  readonly key: VerifierKey;
  readonly sign: (body: string) => NoteSignature;
}

export interface TestCosigner {
  readonly key: VerifierKey;
  readonly cosign: (body: string, timestamp: bigint) => NoteSignature;
}

/** @param seed any byte: the same key for the same byte */
export function testSigner(name: string, seed: number): TestSigner {
  const { key, signBytes } = testKey(name, ED25519, seed);
  return { key, sign: (body) => ({ ...key, signature: signBytes(Buffer.from(body)) }) };
}

export function testCosigner(name: string, seed: number): TestCosigner {
  const { key, signBytes } = testKey(name, COSIGNATURE_V1, seed);
  return {
    key,
    cosign: (body, timestamp) => ({
      ...key,
      signature: encodeCosignature(timestamp, signBytes(cosignatureMessage(timestamp, body))),
    }),
  };
}

function testKey(
  name: string,
  algorithm: number,
  seed: number,
): {
  readonly key: VerifierKey;
  readonly signBytes: (message: Uint8Array) => Uint8Array;
} {
  const der = Buffer.concat([PKCS8, Buffer.alloc(32, seed)]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const exported = createPublicKey(secret).export({ format: "der", type: "spki" });
  const publicKey = new Uint8Array(exported.subarray(SPKI.length));
  const key = { name, algorithm, publicKey, keyId: keyIdOf({ name, algorithm, publicKey }) };
  return { key, signBytes: (message) => sign(null, message, secret) };
}
