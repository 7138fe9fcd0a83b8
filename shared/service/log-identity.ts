/**
 * Under which name and keys a log signs: makes its checkpoints and freshness cosignatures, and reads checkpoints back, of
 * which only those with its own valid signature count. A signature is checked before anybody sees it.
 */
import { AuditStorageError } from "#lib/errors.ts";
import { verifyEd25519 } from "#service/ed25519.ts";
import { logDiverged } from "#service/log-diverged.ts";
import type { LogSigner } from "#service/log-ports.ts";
import { encodeUtf8, toHex } from "#tlog/bytes.ts";
import { formatCheckpoint, parseCheckpoint } from "#tlog/checkpoint.ts";
import type { NoteSignature, SignedNote, VerifierKey } from "#tlog/note.ts";
import {
  COSIGNATURE_V1,
  cosignatureMessage,
  ED25519,
  encodeCosignature,
  formatNote,
  formatVerifierKey,
  keyIdOf,
  parseNote,
  verifyNote,
} from "#tlog/note.ts";

export interface LogKeys {
  /** Name of the log in its checkpoints. */
  readonly origin: string;
  /** The key of the log first; while keys are exchanged a second one, whose signature stands beside. */
  readonly signers: readonly LogSigner[];
  /** Signs times, so that a reader sees how old a checkpoint is; undefined where nobody needs to. */
  readonly cosigner: LogSigner | undefined;
}

/** A checkpoint of this log, with a valid signature by one of its keys. */
export interface OwnCheckpoint {
  /** The whole note. */
  readonly text: string;
  readonly note: SignedNote;
  readonly size: number;
  readonly root: Uint8Array;
  readonly rootHex: string;
  /** Time of its newest valid freshness cosignature, in milliseconds since 1970. */
  readonly freshAtMs: number | undefined;
}

export interface LogIdentity {
  readonly origin: string;
  /** Those of the log itself, then that of its cosigner. */
  readonly verifierKeys: readonly string[];
  /**
   * A checkpoint with the signatures of the log alone.
   * @throws AuditStorageError `storage-unavailable`: retryable where a signer said so, not where a signature is wrong
   */
  readonly sign: (size: number, root: Uint8Array) => Promise<OwnCheckpoint>;
  /**
   * The freshness cosignature over a checkpoint; undefined without a cosigner.
   * @throws AuditStorageError as `sign`
   */
  readonly cosign: (body: string, nowMs: number) => Promise<NoteSignature | undefined>;
  /** Whether a signature is a freshness cosignature of this log. */
  readonly isFreshness: (signature: NoteSignature) => boolean;
  /**
   * @param what completes "the … is no checkpoint of this log"
   * @throws AuditStorageError `log-diverged` where it is no checkpoint that a key of this log has signed
   */
  readonly read: (text: string, what: string) => OwnCheckpoint;
}

const MAX_REMEMBERED = 8;

export function createLogIdentity({ origin, signers, cosigner }: LogKeys): LogIdentity {
  const logKeys = signers.map((signer) => keyOf(signer, ED25519));
  const freshness = cosigner === undefined ? undefined : keyOf(cosigner, COSIGNATURE_V1);
  const isFreshness = ({ name, keyId }: NoteSignature): boolean =>
    name === freshness?.name && toHex(keyId) === toHex(freshness.keyId);
  const sign = async (body: string): Promise<SignedNote> => {
    const signatures = signers.map(async (signer): Promise<NoteSignature> => {
      const signature = await checkedSignature(signer, encodeUtf8(body));
      return { name: signer.name, keyId: keyOf(signer, ED25519).keyId, signature };
    });
    return { body, signatures: await Promise.all(signatures) };
  };
  const known = new Map<string, OwnCheckpoint>();
  const read = (text: string): OwnCheckpoint => known.get(text) ?? remember(known, readNew(text));
  const readNew = (text: string): OwnCheckpoint => {
    const note = parseNote(text);
    const { origin: found, size, root } = parseCheckpoint(note.body);
    verifyNote(note, logKeys, verifyEd25519);
    if (found !== origin) throw new RangeError(`its origin is ${found}, not ${origin}`);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`its size ${size} is beyond 2^53`);
    const freshAtMs =
      freshness && timeOf({ body: note.body, signatures: note.signatures.filter(isFreshness) }, freshness);
    return { text, note, size: Number(size), root, rootHex: toHex(root), freshAtMs };
  };
  return {
    origin,
    verifierKeys: [...logKeys, ...(freshness === undefined ? [] : [freshness])].map((key) =>
      formatVerifierKey(key),
    ),
    isFreshness,
    sign: async (size, root) => {
      const body = formatCheckpoint({ origin, size: BigInt(size), root, extensions: [] });
      return read(formatNote(await sign(body)));
    },
    cosign: async (body, nowMs) => {
      if (cosigner === undefined || freshness === undefined) return undefined;
      const timestamp = BigInt(Math.floor(nowMs / 1000));
      const signature = await checkedSignature(cosigner, cosignatureMessage(timestamp, body));
      return {
        name: freshness.name,
        keyId: freshness.keyId,
        signature: encodeCosignature(timestamp, signature),
      };
    },
    read: (text, what) => {
      try {
        return read(text);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw logDiverged(`the ${what} is no checkpoint of this log: ${reason}`, { cause });
      }
    },
  };
}

/** The same few checkpoints are read again and again, and two signatures take longer to check than all else of it. */
function remember(known: Map<string, OwnCheckpoint>, checkpoint: OwnCheckpoint): OwnCheckpoint {
  known.set(checkpoint.text, checkpoint);
  const [oldest] = known.keys();
  if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest);
  return checkpoint;
}

function keyOf({ name, publicKey }: LogSigner, algorithm: number): VerifierKey {
  return { name, algorithm, publicKey, keyId: keyIdOf({ name, algorithm, publicKey }) };
}

async function checkedSignature(signer: LogSigner, message: Uint8Array): Promise<Uint8Array> {
  const signature = await signer.sign(message);
  if (verifyEd25519(signer.publicKey, message, signature)) return signature;
  throw new AuditStorageError(
    "storage-unavailable",
    `the signer ${signer.name} gave a signature that its own key refuses`,
  );
}

/** Undefined where there is no valid cosignature: then a new one is due. */
function timeOf(note: SignedNote, key: VerifierKey): number | undefined {
  try {
    const [found] = verifyNote(note, [key], verifyEd25519).verified;
    return found?.timestamp === undefined ? undefined : Number(found.timestamp) * 1000;
  } catch {
    return undefined;
  }
}
