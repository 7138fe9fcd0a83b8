/** Reads a checkpoint and checks who has signed it. Only what comes out of here is believed. */
import { decodeUtf8 } from "#tlog/bytes.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import type { VerifiedNote, VerifierKey } from "#tlog/note.ts";
import { ED25519, parseNote, verifyNote } from "#tlog/note.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import type { Finding, FindingKind } from "#verify/finding.ts";
import type { TrustedKeys } from "#verify/keys.ts";
import { verifyEd25519 } from "#verify/keys.ts";

export interface Cosigner {
  readonly name: string;
  /** Seconds since 1970: when it saw this to be the newest state of the log. */
  readonly timeS: number;
}

export interface SignedCheckpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** The note as it is. */
  readonly note: string;
  readonly signers: readonly string[];
  readonly freshness: Cosigner | undefined;
  /** Cosigners whose keys came with those of the log. */
  readonly others: readonly Cosigner[];
  readonly witnesses: readonly Cosigner[];
}

export type CheckedCheckpoint =
  | { readonly kind: "signed"; readonly checkpoint: SignedCheckpoint }
  | { readonly kind: "refused"; readonly finding: Finding };

/**
 * @param given the note; as bytes, they must be UTF-8
 * @param object where the note comes from
 */
export function checkCheckpoint(
  given: string | Uint8Array,
  keys: TrustedKeys,
  object: string,
): CheckedCheckpoint {
  const refused = (kind: FindingKind, meaning: string): CheckedCheckpoint => ({
    kind: "refused",
    finding: { kind, object, meaning },
  });
  let note: string;
  let parsed: ReturnType<typeof parseNote>;
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try {
    note = typeof given === "string" ? given : decodeUtf8(given);
    parsed = parseNote(note);
    checkpoint = parseCheckpoint(parsed.body);
  } catch (error) {
    return refused("checkpoint", `it is no checkpoint: ${messageOf(error)}`);
  }
  let verified: VerifiedNote["verified"];
  try {
    const all = [...keys.log, ...keys.freshness, ...keys.others, ...keys.witnesses];
    ({ verified } = verifyNote(parsed, all, verifyEd25519));
  } catch (error) {
    return refused("signature", `its signature does not hold: ${messageOf(error)}`);
  }
  const { origin, root } = checkpoint;
  const signers = verified.filter(
    ({ key }) => key.algorithm === ED25519 && key.name === origin && keys.log.includes(key),
  );
  if (signers.length === 0) {
    const names = keys.log.map(({ name }) => name).join(", ");
    return refused("signature", `the log ${origin} has not signed it with the key that was given (${names})`);
  }
  if (checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER)) {
    return refused("checkpoint", `it says a size of ${checkpoint.size}, more than can be checked`);
  }
  const cosigners = verified.flatMap(({ key, timestamp }) =>
    timestamp === undefined ? [] : [{ key, name: key.name, timeS: Number(timestamp) }],
  );
  const among = (known: readonly VerifierKey[]): readonly Cosigner[] =>
    cosigners.filter(({ key }) => known.includes(key)).map(({ name, timeS }) => ({ name, timeS }));
  return {
    kind: "signed",
    checkpoint: {
      origin,
      size: Number(checkpoint.size),
      root: Buffer.from(root),
      note,
      signers: signers.map(({ key }) => key.name),
      freshness: among(keys.freshness)[0],
      others: among(keys.others),
      witnesses: among(keys.witnesses),
    },
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof TlogError)) throw error;
  return error.message;
}

/** undefined where enough witnesses have cosigned. */
export function witnessFinding(
  { witnesses }: SignedCheckpoint,
  {
    keys,
    required,
    object,
  }: { readonly keys: TrustedKeys; readonly required: number; readonly object: string },
): Finding | undefined {
  if (witnesses.length >= required) return undefined;
  const seen = new Set(witnesses.map(({ name }) => name));
  const absent = keys.witnesses.map(({ name }) => name).filter((name) => !seen.has(name));
  return {
    kind: "witness",
    object,
    expected: `cosignatures of ${required} witnesses`,
    found: `${witnesses.length}`,
    meaning: `it is not cosigned by ${absent.join(", ")}: nobody else vouches that the log only grew`,
  };
}
