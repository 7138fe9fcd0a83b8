// Ed25519 signers with keys that a name decides, for logs in tests.
import { createPrivateKey, createPublicKey, hash, sign } from "node:crypto";

import type { LogSigner } from "#service/log-ports.ts";
import type { LogKeys } from "#service/log-identity.ts";

/** PKCS #8 (RFC 8410) of an Ed25519 key, up to its seed. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_BYTES = 32;

/** @param keyName names sharing one sign with the same key */
export function signerOf(name: string, keyName: string = name): LogSigner {
  const seed = hash("sha256", `key of ${keyName}`, "buffer");
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    name,
    publicKey: spki.subarray(spki.byteLength - PUBLIC_BYTES),
    sign: async (message) => sign(null, message, key),
  };
}

export const TEST_ORIGIN = "log.example/test";

const COSIGNER = signerOf(`${TEST_ORIGIN}/freshness`);

export const TEST_KEYS: LogKeys & { readonly cosigner: LogSigner } = {
  origin: TEST_ORIGIN,
  signers: [signerOf(TEST_ORIGIN)],
  cosigner: COSIGNER,
};
