/**
 * A private key in a file that its owner alone can read, in the form of Go's note signers: read with all that makes it
 * useless or dangerous refused, or made anew.
 */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { createFile, nodeDurableIo } from "#adapters/file/durable-file.ts";
import { syncFolder } from "#adapters/file/log-folder.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import type { LogSigner } from "#service/log-ports.ts";
import { ED25519, keyIdOf } from "#tlog/note.ts";

const KEY_MODE = 0o600;
const OTHERS_BITS = 0o077;
const SEED_BYTES = 32;
/** What is before the seed in PKCS #8 of an Ed25519 key (RFC 8410 section 7). */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
/** Length of the public key at the end of SubjectPublicKeyInfo (RFC 8410 section 4). */
const PUBLIC_BYTES = 32;
/** As Go's `note.GenerateKey` writes it: name, key id, and base64 of the algorithm and the seed. */
const SIGNER = /^PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+([0-9A-Za-z+/]+={0,2})\n?$/;

/** A key that is not in a file yet. */
export interface NewKey {
  readonly name: string;
  /** What the file will hold. */
  readonly text: string;
  readonly keyId: Uint8Array;
  readonly signNow: (message: Uint8Array) => Uint8Array;
}

/**
 * Reads a key, and makes it where there is none.
 * @throws as `readKey`
 */
export function openKey(path: string, newName: () => string): LogSigner {
  if (!existsSync(path)) keepKey(path, newKey(newName()));
  return readKey(path);
}

/**
 * @throws AuditServiceError `invalid-configuration` where the file is not readable by its owner alone, belongs to somebody
 * else, or is damaged; AuditStorageError `storage-unavailable` (retryable)
 */
export function readKey(path: string): LogSigner {
  return guarded(path, () => {
    refuseShared(path);
    return parseKey(path);
  });
}

/**
 * Puts a key into a file, durably; one that is there stays.
 * @throws AuditStorageError `storage-unavailable` (retryable)
 */
export function keepKey(path: string, { text }: NewKey): void {
  guarded(path, () => {
    createFile(path, Buffer.from(text), { io: nodeDurableIo, mode: KEY_MODE });
    syncFolder(dirname(path));
  });
}

export function newKey(name: string): NewKey {
  const seed = randomBytes(SEED_BYTES);
  const key = privateKeyOf(seed);
  const keyId = keyIdOf({ name, algorithm: ED25519, publicKey: publicKeyOf(key) });
  const id = Buffer.from(keyId).toString("hex");
  const text = `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(ED25519), seed]).toString("base64")}\n`;
  return { name, text, keyId, signNow: (message) => sign(null, message, key) };
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof AuditServiceError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the private key ${path} cannot be read or made: ${reason}`;
    throw new AuditStorageError("storage-unavailable", message, { cause, retryable: true });
  }
}

/** Whoever can read the key can sign another history. */
function refuseShared(path: string): void {
  const { mode, uid } = statSync(path);
  if ((mode & OTHERS_BITS) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, "0");
    throw refusal(
      `others than its owner may read the private key ${path} (mode ${shown}); run: chmod 600 ${path}`,
    );
  }
  const user = process.geteuid?.();
  if (user === undefined || user === uid) return;
  throw refusal(
    `the private key ${path} belongs to user ${uid}, and this process runs as user ${user}; run it as that user, or: chown ${user} ${path}`,
  );
}

function parseKey(path: string): LogSigner {
  const [, name = "", id = "", encoded = ""] = SIGNER.exec(readFileSync(path, "utf8")) ?? [];
  const [algorithm, ...seed] = Buffer.from(encoded, "base64");
  if (algorithm !== ED25519 || seed.length !== SEED_BYTES)
    throw refusal(`${path} is no Ed25519 private key of a note signer`);
  const key = privateKeyOf(Buffer.from(seed));
  const publicKey = publicKeyOf(key);
  if (Buffer.from(keyIdOf({ name, algorithm, publicKey })).toString("hex") !== id)
    throw refusal(`${path} is damaged: its key does not have the id ${id}`);
  return { name, publicKey, sign: async (message) => sign(null, message, key) };
}

function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
}

function publicKeyOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-PUBLIC_BYTES);
}

function refusal(message: string): AuditServiceError {
  return new AuditServiceError("invalid-configuration", message);
}
