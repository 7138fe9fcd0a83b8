/**
 * The two private keys of a log on one machine: one signs its checkpoints, the other says when they were the newest. Made
 * at the first start, in the form of Go's note signers, readable by their owner alone. The name in the first is the
 * origin of the log, which never changes.
 */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { createFile, nodeDurableIo } from "#adapters/file/durable-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { syncFolder } from "#adapters/file/log-folder.ts";
import { AuditServiceError, AuditStorageError } from "#lib/errors.ts";
import type { LogSigner } from "#service/log-ports.ts";
import { ED25519, formatVerifierKey, keyIdOf } from "#tlog/note.ts";

export interface LogKeys {
  /** Name of the log. */
  readonly origin: string;
  readonly log: LogSigner;
  readonly freshness: LogSigner;
  /** Verifier key of the log, one line without its newline. */
  readonly verifierKey: string;
}

const KEY_MODE = 0o600;
const OTHERS_BITS = 0o077;
const SEED_BYTES = 32;
const ORIGIN_BYTES = 8;
/** What is before the seed in PKCS #8 of an Ed25519 key (RFC 8410 section 7). */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
/** Length of the public key at the end of SubjectPublicKeyInfo (RFC 8410 section 4). */
const PUBLIC_BYTES = 32;
/** As Go's `note.GenerateKey` writes it: name, key id, and base64 of the algorithm and the seed. */
const SIGNER = /^PRIVATE\+KEY\+([^+\s]+)\+([0-9a-f]{8})\+([0-9A-Za-z+/]+={0,2})\n?$/;

/**
 * Reads the keys, and makes those that are not there.
 * @param origin undefined: the name that the log has, or a new one where it has none
 * @throws AuditServiceError `invalid-configuration` where a key file is not readable by its owner alone, belongs to somebody
 * else, is damaged, or names another origin; AuditStorageError `storage-unavailable` (retryable)
 */
export function openLogKeys(paths: LogPaths, origin: string | undefined): LogKeys {
  const log = openKey(
    paths.logKey,
    () => origin ?? `audit-service.local/${randomBytes(ORIGIN_BYTES).toString("hex")}`,
  );
  if (origin !== undefined && origin !== log.name) {
    throw refusal(
      `AUDIT_LOG_ORIGIN is ${origin}, but the log in ${paths.folder} is ${log.name}: checkpoints that others keep have that name. Leave the variable out`,
    );
  }
  const freshness = openKey(paths.freshnessKey, () => `${log.name}/freshness`);
  if (freshness.name !== `${log.name}/freshness`)
    throw refusal(`${paths.freshnessKey} is a key of ${freshness.name}, not of ${log.name}/freshness`);
  const verifierKey = formatVerifierKey({ name: log.name, algorithm: ED25519, publicKey: log.publicKey });
  return { origin: log.name, log, freshness, verifierKey };
}

export function openKey(path: string, newName: () => string): LogSigner {
  try {
    if (!existsSync(path)) {
      createFile(path, Buffer.from(newKey(newName())), { io: nodeDurableIo, mode: KEY_MODE });
      syncFolder(dirname(path));
    }
    refuseShared(path);
    return readKey(path);
  } catch (cause) {
    if (cause instanceof AuditServiceError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the private key ${path} cannot be read or made: ${reason}`;
    throw new AuditStorageError("storage-unavailable", message, { cause, retryable: true });
  }
}

function newKey(name: string): string {
  const seed = randomBytes(SEED_BYTES);
  const publicKey = publicKeyOf(privateKeyOf(seed));
  const id = Buffer.from(keyIdOf({ name, algorithm: ED25519, publicKey })).toString("hex");
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(ED25519), seed]).toString("base64")}\n`;
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

function readKey(path: string): LogSigner {
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
