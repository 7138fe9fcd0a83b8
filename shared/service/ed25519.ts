/** Ed25519 signatures (RFC 8032) checked by Node, from raw public keys of 32 bytes. */
import { createPublicKey, verify } from "node:crypto";

import type { Ed25519Verify } from "#tlog/note.ts";

/** False too for bytes that are no key. */
export const verifyEd25519: Ed25519Verify = (publicKey, message, signature) => {
  const x = Buffer.from(publicKey).toString("base64url");
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
};
