/**
 * The port LogSigner over KMS: the private key never leaves it. Messages are signed as they are (ED25519_SHA_512 over RAW);
 * the form over a digest is Ed25519ph, which signs no notes. Each signature is verified before anybody gets it.
 */
import { createPublicKey, verify } from "node:crypto";
import { GetPublicKeyCommand, SignCommand } from "@aws-sdk/client-kms";
import { storageError } from "#adapters/aws/aws-errors.ts";
import type { KmsSender } from "#adapters/aws/kms-client.ts";
import { AuditStorageError } from "#lib/errors.ts";
import type { LogKeys } from "#service/log-identity.ts";
import type { LogSigner } from "#service/log-ports.ts";

export interface KmsLogSignerOptions {
  readonly client: KmsSender;
  readonly keyArn: string;
  /** Name in the signature lines. */
  readonly name: string;
}

const KEY_SPEC = "ECC_NIST_EDWARDS25519";
const ALGORITHM = "ED25519_SHA_512";
/** What stands before the 32 bytes of the key in SubjectPublicKeyInfo (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Of a message that is signed as it is: AWS KMS API Reference, Sign. */
const MAX_MESSAGE_BYTES = 4096;

export interface LogKeyArns {
  readonly origin: string;
  readonly logKeyArn: string;
  readonly freshnessKeyArn: string;
}

/**
 * The keys of a log on AWS.
 * @throws AuditStorageError as `openKmsLogSigner`
 */
export async function openLogKeys(
  client: KmsSender,
  { origin, logKeyArn, freshnessKeyArn }: LogKeyArns,
): Promise<LogKeys> {
  const [signer, cosigner] = await Promise.all([
    openKmsLogSigner({ client, keyArn: logKeyArn, name: origin }),
    openKmsLogSigner({ client, keyArn: freshnessKeyArn, name: `${origin}/freshness` }),
  ]);
  return { origin, signers: [signer], cosigner };
}

/**
 * Asks for the public key.
 * @throws AuditStorageError `storage-unavailable`: not retryable where the key cannot sign for a log
 */
export async function openKmsLogSigner({ client, keyArn, name }: KmsLogSignerOptions): Promise<LogSigner> {
  const spki = await readPublicKey(client, keyArn);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });

  const sign: LogSigner["sign"] = async (message) => {
    if (message.length > MAX_MESSAGE_BYTES) {
      const problem = `a message of ${message.length} bytes is more than the ${MAX_MESSAGE_BYTES} that KMS signs`;
      throw new AuditStorageError("storage-unavailable", problem);
    }
    const signature = await requestSignature(client, keyArn, message);
    // A key that was put in the place of another one must not sign what is published under the name of that.
    if (signature.length !== SIGNATURE_BYTES || !verify(null, message, publicKey, signature)) {
      const problem = `key ${keyArn} gave a signature of ${signature.length} bytes that its public key does not verify`;
      throw new AuditStorageError("storage-unavailable", problem);
    }
    return signature;
  };

  return { name, publicKey: Uint8Array.from(spki.subarray(SPKI_PREFIX.length)), sign };
}

async function readPublicKey(client: KmsSender, keyArn: string): Promise<Buffer> {
  const answer = await client.send(new GetPublicKeyCommand({ KeyId: keyArn })).catch((cause: unknown) => {
    throw storageError(`the read of public key ${keyArn}`, cause);
  });
  const { KeySpec: spec = "none", SigningAlgorithms: algorithms = [] } = answer;
  const spki = Buffer.from(answer.PublicKey ?? []);
  const isEd25519 =
    spec === KEY_SPEC &&
    algorithms.some((algorithm) => algorithm === ALGORITHM) &&
    spki.length === SPKI_PREFIX.length + PUBLIC_KEY_BYTES &&
    spki.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX);
  if (isEd25519) return spki;
  const problem = `key ${keyArn} is of spec ${spec}; a log is signed with ${KEY_SPEC} and ${ALGORITHM}`;
  throw new AuditStorageError("storage-unavailable", problem);
}

async function requestSignature(client: KmsSender, keyArn: string, message: Uint8Array): Promise<Uint8Array> {
  const request = new SignCommand({
    KeyId: keyArn,
    Message: message,
    MessageType: "RAW",
    SigningAlgorithm: ALGORITHM,
  });
  try {
    const { Signature: signature = new Uint8Array() } = await client.send(request);
    return signature;
  } catch (cause) {
    throw storageError(`the signature of key ${keyArn}`, cause);
  }
}
