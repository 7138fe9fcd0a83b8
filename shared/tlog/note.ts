/**
 * Signed notes, verifier keys and timestamped cosignatures (C2SP signed-note, tlog-cosignature). Signatures are made and
 * checked by functions that the caller passes. Texts are attacker-controlled: at most 1 MiB and 100 signatures, as in Go.
 */
import { fromBase64, toBase64 } from "#tlog/base64.ts";
import { concatBytes, encodeUtf8, equalBytes, fromHex, quote, toHex } from "#tlog/bytes.ts";
import { checkSize } from "#tlog/numbers.ts";
import { sha256 } from "#tlog/sha256.ts";
import type { Sha256 } from "#tlog/sha256.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const MAX_NOTE_CHARACTERS = 1024 * 1024;
const MAX_SIGNATURES = 100;
const KEY_ID_BYTES = 4;
const TIMESTAMP_BYTES = 8;
const ED25519_KEY_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const COSIGNATURE_BYTES = TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES;
const SIGNATURE_START = "\u2014 ";

/** Signature type of signed-note: Ed25519 over the text of the note. */
export const ED25519 = 1;
/** Signature type of signed-note: an Ed25519 cosignature with a timestamp, `cosignature/v1`. */
export const COSIGNATURE_V1 = 4;

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** What stands behind the key id, as long as the kind of signature wants; at least 1 byte. */
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** Ends with a newline. */
  readonly body: string;
  readonly signatures: readonly NoteSignature[];
}

export interface VerifierKey {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** `ED25519` or `COSIGNATURE_V1`. */
  readonly algorithm: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/**
 * Splits a note into its text and its signatures, of which nothing is checked yet.
 * @throws TlogError `malformed`
 */
export function parseNote(text: string): SignedNote {
  if (text.length > MAX_NOTE_CHARACTERS) {
    throw malformed(`the note is ${text.length} characters; the limit is ${MAX_NOTE_CHARACTERS}`);
  }
  checkText(text);
  const split = text.lastIndexOf("\n\n");
  if (split === -1 || !text.endsWith("\n")) throw malformed("the note has no blank line before signatures");
  const lines = text
    .slice(split + 2)
    .split("\n")
    .slice(0, -1);
  if (lines.length === 0) throw malformed("the note has no signature");
  if (lines.length > MAX_SIGNATURES) {
    throw malformed(`the note has ${lines.length} signatures; the limit is ${MAX_SIGNATURES}`);
  }
  return { body: text.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** @throws TlogError `malformed` where the note could not be parsed again */
export function formatNote(note: SignedNote): string {
  if (!note.body.endsWith("\n")) throw malformed("the text of the note does not end with a newline");
  const text = `${note.body}\n${note.signatures.map(formatSignatureLine).join("")}`;
  parseNote(text);
  return text;
}

/** With its newline. @throws TlogError `malformed` */
export function formatSignatureLine(s: NoteSignature): string {
  checkName(s.name);
  if (s.keyId.length !== KEY_ID_BYTES) {
    throw malformed(`the key id is ${s.keyId.length} bytes; it must be ${KEY_ID_BYTES}`);
  }
  if (s.signature.length === 0) throw malformed("the signature is empty");
  return `${SIGNATURE_START}${s.name} ${toBase64(concatBytes([s.keyId, s.signature]))}\n`;
}

/** With or without its newline. @throws TlogError `malformed` */
export function parseSignatureLine(line: string): NoteSignature {
  const text = line.endsWith("\n") ? line.slice(0, -1) : line;
  const space = text.indexOf(" ", SIGNATURE_START.length);
  if (!text.startsWith(SIGNATURE_START) || space === -1)
    throw malformed(`${quote(text)} is no signature line`);
  const name = text.slice(SIGNATURE_START.length, space);
  checkText(name);
  checkName(name);
  const bytes = fromBase64(text.slice(space + 1));
  if (bytes.length <= KEY_ID_BYTES) throw malformed(`${quote(text)} has no signature behind its key id`);
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

type KeyParts = Pick<VerifierKey, "name" | "algorithm" | "publicKey">;

/** The first 4 bytes of SHA-256(name ‖ newline ‖ algorithm ‖ public key). */
export function keyIdOf(key: KeyParts, hash: Sha256 = sha256): Uint8Array {
  const head = encodeUtf8(`${key.name}\n`);
  const digest = hash(concatBytes([head, Uint8Array.of(key.algorithm), key.publicKey]));
  return Uint8Array.from(digest.subarray(0, KEY_ID_BYTES));
}

/** @returns `name+hex(key id)+base64(algorithm ‖ public key)` @throws TlogError `malformed` */
export function formatVerifierKey(key: KeyParts, hash: Sha256 = sha256): string {
  checkName(key.name);
  checkKey(key.algorithm, key.publicKey);
  const encoded = toBase64(concatBytes([Uint8Array.of(key.algorithm), key.publicKey]));
  return `${key.name}+${toHex(keyIdOf(key, hash))}+${encoded}`;
}

/**
 * Reads one verifier key, without a newline.
 * @throws TlogError `malformed`, also where the key id is not that of the key, or the algorithm is neither of the two
 */
export function parseVerifierKey(text: string, hash: Sha256 = sha256): VerifierKey {
  const [, name = "", id = "", encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+([0-9A-Za-z+/=]+)$/.exec(text) ?? [];
  if (name === "" || encoded.length > 64) throw malformed(`${quote(text)} is no verifier key`);
  checkText(name);
  checkName(name);
  const [algorithm = 0, ...rest] = fromBase64(encoded);
  const publicKey = Uint8Array.from(rest);
  checkKey(algorithm, publicKey);
  const keyId = keyIdOf({ name, algorithm, publicKey }, hash);
  if (!equalBytes(keyId, fromHex(id))) {
    throw malformed(`the key id of ${quote(name)} is ${id}; its key has ${toHex(keyId)}`);
  }
  return { name, keyId, algorithm, publicKey };
}

/** Whether `signature` is the Ed25519 signature of `message` by `publicKey` (RFC 8032); all three are attacker-controlled. */
export type Ed25519Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
export type Ed25519VerifyAsync = (...args: Parameters<Ed25519Verify>) => Promise<boolean>;

export interface VerifiedNote {
  /** At least one; each key once. */
  readonly verified: readonly {
    readonly key: VerifierKey;
    /** Seconds since 1970, the newest where a cosigner signed several times; undefined for plain signatures. */
    readonly timestamp?: bigint | undefined;
  }[];
}

/**
 * Checks every signature by one of `keys`. Signatures by others are ignored, as signed-note wants it: whoever needs a
 * certain key must look for it in the answer.
 * @throws TlogError `bad-signature` where a signature of one of the keys is wrong, or none of them signed; `malformed`
 *   where two different keys have one name and id
 * @example
 * import { createPublicKey, verify } from "node:crypto";
 * const SPKI = Buffer.from("302a300506032b6570032100", "hex");
 * const ed25519: Ed25519Verify = (publicKey, message, signature) => {
 *   const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: "der", type: "spki" });
 *   return verify(null, message, key, signature);
 * };
 */
export function verifyNote(
  note: SignedNote,
  keys: readonly VerifierKey[],
  verify: Ed25519Verify,
): VerifiedNote {
  const claims = claimsOf(note, keys);
  const valid = claims.map(({ key, message, signature }) => verify(key.publicKey, message, signature));
  return judge(claims, valid);
}

/**
 * `verifyNote` where signatures are checked asynchronously, as in a browser.
 * @throws TlogError as `verifyNote`
 * @example
 * const ed25519: Ed25519VerifyAsync = async (publicKey, message, signature) => {
 *   const key = await crypto.subtle.importKey("raw", publicKey.slice(), "Ed25519", false, ["verify"]);
 *   return crypto.subtle.verify("Ed25519", key, signature.slice(), message.slice());
 * };
 */
export async function verifyNoteAsync(
  note: SignedNote,
  keys: readonly VerifierKey[],
  verify: Ed25519VerifyAsync,
): Promise<VerifiedNote> {
  const claims = claimsOf(note, keys);
  const checks = claims.map(async ({ key, message, signature }) => verify(key.publicKey, message, signature));
  return judge(claims, await Promise.all(checks));
}

/** What an Ed25519 `cosignature/v1` signs: a time in seconds since 1970, and the body of a checkpoint. */
export function cosignatureMessage(timestamp: bigint, body: string): Uint8Array {
  checkSize(timestamp, "timestamp");
  return encodeUtf8(`cosignature/v1\ntime ${timestamp}\n${body}`);
}

/** The signature of a cosignature line: time as big-endian uint64, then the Ed25519 signature. @throws TlogError `malformed` */
export function encodeCosignature(timestamp: bigint, signature: Uint8Array): Uint8Array {
  checkSize(timestamp, "timestamp");
  if (signature.length !== ED25519_SIGNATURE_BYTES) {
    throw malformed(`the signature is ${signature.length} bytes; it must be ${ED25519_SIGNATURE_BYTES}`);
  }
  const time = new DataView(new ArrayBuffer(TIMESTAMP_BYTES));
  time.setBigUint64(0, timestamp);
  return concatBytes([new Uint8Array(time.buffer), signature]);
}

/** @throws TlogError `malformed` */
export function decodeCosignature(bytes: Uint8Array): {
  readonly timestamp: bigint;
  readonly signature: Uint8Array;
} {
  if (bytes.length !== COSIGNATURE_BYTES) {
    throw malformed(`the cosignature is ${bytes.length} bytes; it must be ${COSIGNATURE_BYTES}`);
  }
  const timestamp = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0);
  checkSize(timestamp, "timestamp");
  return { timestamp, signature: Uint8Array.from(bytes.subarray(TIMESTAMP_BYTES)) };
}

interface Claim {
  readonly key: VerifierKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly timestamp: bigint | undefined;
}

/** What the signatures by known keys say was signed. */
function claimsOf(note: SignedNote, keys: readonly VerifierKey[]): Claim[] {
  const known = new Map<string, VerifierKey>();
  for (const key of keys) {
    const id = `${key.name}+${toHex(key.keyId)}`;
    const other = known.get(id) ?? key;
    if (other.algorithm !== key.algorithm || !equalBytes(other.publicKey, key.publicKey)) {
      throw malformed(`two different keys are called ${quote(id)}`);
    }
    known.set(id, key);
  }
  const text = encodeUtf8(note.body);
  return note.signatures.flatMap(({ name, keyId, signature }): Claim[] => {
    const key = known.get(`${name}+${toHex(keyId)}`);
    if (key === undefined) return [];
    if (key.algorithm === ED25519) return [{ key, message: text, signature, timestamp: undefined }];
    if (signature.length !== COSIGNATURE_BYTES) throw wrongSignature(key);
    const cosignature = decodeCosignature(signature);
    const message = cosignatureMessage(cosignature.timestamp, note.body);
    return [{ key, message, ...cosignature }];
  });
}

function judge(claims: readonly Claim[], valid: readonly boolean[]): VerifiedNote {
  const verified = new Map<VerifierKey, { key: VerifierKey; timestamp: bigint | undefined }>();
  claims.forEach(({ key, signature, timestamp }, at) => {
    if (signature.length !== ED25519_SIGNATURE_BYTES || valid[at] !== true) throw wrongSignature(key);
    const before = verified.get(key)?.timestamp ?? -1n;
    if ((timestamp ?? 0n) > before) verified.set(key, { key, timestamp });
  });
  if (verified.size === 0) throw new TlogError("bad-signature", "none of the known keys signed the note");
  return { verified: [...verified.values()] };
}

function wrongSignature(key: VerifierKey): TlogError {
  const id = `${key.name}+${toHex(key.keyId)}`;
  return new TlogError("bad-signature", `the signature by ${quote(id)} is wrong`);
}

/** Names are written into lines between spaces, and into verifier keys between pluses. */
function checkName(name: string): void {
  if (name === "" || /[+\p{White_Space}]/u.test(name) || !name.isWellFormed()) {
    throw malformed(`${quote(name)} is no key name: it is empty, or has a space or a plus`);
  }
}

function checkKey(algorithm: number, publicKey: Uint8Array): void {
  if (algorithm !== ED25519 && algorithm !== COSIGNATURE_V1) {
    throw malformed(`key algorithm ${algorithm} is neither ${ED25519} nor ${COSIGNATURE_V1}`);
  }
  if (publicKey.length !== ED25519_KEY_BYTES) {
    throw malformed(`the public key is ${publicKey.length} bytes; it must be ${ED25519_KEY_BYTES}`);
  }
}

/** Well-formed Unicode without ASCII control characters but newline. */
function checkText(text: string): void {
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw malformed("the note has a control character");
  if (!text.isWellFormed()) throw malformed("the note is not well-formed Unicode");
}

function malformed(message: string): TlogError {
  return new TlogError("malformed", message);
}
