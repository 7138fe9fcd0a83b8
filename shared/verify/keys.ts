/** The keys that a verification trusts, as they are given: verifier keys of C2SP signed-note, one or several lines of them. */
import { createPublicKey, verify } from "node:crypto";
import { equalBytes } from "#tlog/bytes.ts";
import type { Ed25519Verify, VerifierKey } from "#tlog/note.ts";
import { COSIGNATURE_V1, ED25519, parseVerifierKey } from "#tlog/note.ts";

/** DER in front of the 32 bytes of an Ed25519 public key (RFC 8410 section 4). */
const SPKI_START = Buffer.from("302a300506032b6570032100", "hex");

export const verifyEd25519: Ed25519Verify = (publicKey, message, signature) => {
  const key = createPublicKey({
    key: Buffer.concat([SPKI_START, publicKey]),
    format: "der",
    type: "spki",
  });
  return verify(null, message, key, signature);
};

export interface TrustedKeys {
  /** Those of the log: one, or two while keys change. */
  readonly log: readonly VerifierKey[];
  /** Cosigners of the log itself: what they say of time is shown. */
  readonly freshness: readonly VerifierKey[];
  /** Cosigners who came with the keys of the log: shown, and no witnesses, since whoever gave these keys chose them. */
  readonly others: readonly VerifierKey[];
  /** Those who vouch that the log only grew, as who verifies has named them. */
  readonly witnesses: readonly VerifierKey[];
}

/**
 * @param texts each a verifier key, or lines of them as the service gives under `/log/vkeys`
 * @param witnessTexts of cosigners that are witnesses
 * @throws TlogError `malformed`
 */
export function readKeys(texts: readonly string[], witnessTexts: readonly string[] = []): TrustedKeys {
  const keys = texts.flatMap(parseLines);
  const log = keys.filter(({ algorithm }) => algorithm === ED25519);
  const names = new Set(log.map(({ name }) => `${name}/freshness`));
  const cosigners = keys.filter(({ algorithm }) => algorithm === COSIGNATURE_V1);
  const freshness = cosigners.filter(({ name }) => names.has(name));
  const others = cosigners.filter(({ name }) => !names.has(name));
  const witnesses = witnessTexts.flatMap(parseLines);
  const isWitness = (key: VerifierKey): boolean => witnesses.some((witness) => isSameKey(key, witness));
  return {
    log,
    freshness: freshness.filter((key) => !isWitness(key)),
    others: others.filter((key) => !isWitness(key)),
    witnesses: witnesses.filter((key, at) => witnesses.findIndex((other) => isSameKey(key, other)) === at),
  };
}

function isSameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && equalBytes(a.keyId, b.keyId) && equalBytes(a.publicKey, b.publicKey);
}

function parseLines(text: string): readonly VerifierKey[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => parseVerifierKey(line));
}
