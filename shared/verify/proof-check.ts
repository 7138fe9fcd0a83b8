/** Checks offline that one line is in a log: a proof of C2SP tlog-proof, the exact line, and the key of the log. */
import { inclusionProblem } from "#tlog/proof.ts";
import { parseTlogProof } from "#tlog/tlog-proof.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { createTreeHasher } from "#tlog/tree-hash.ts";
import type { SignedCheckpoint } from "#verify/checkpoint-check.ts";
import { checkCheckpoint, witnessFinding } from "#verify/checkpoint-check.ts";
import { contentHashOf } from "#verify/content-hash.ts";
import type { Finding } from "#verify/finding.ts";
import { hex } from "#verify/finding.ts";
import type { TrustedKeys } from "#verify/keys.ts";
import { sha256 } from "#verify/native-hash.ts";

export interface ProofClaim {
  /** What it is about, for messages: an event, a file. */
  readonly object: string;
  readonly proof: string;
  /** The exact stored line, without a newline. */
  readonly line: Uint8Array;
  readonly keys: TrustedKeys;
  readonly witnessesRequired: number;
  /** What the service answered to the sender of the event, 64 hexadecimal digits in lower case: to be that of the line. */
  readonly contentHash?: string | undefined;
}

export type ProofVerdict =
  | {
      readonly kind: "proven";
      readonly leaf: number;
      readonly checkpoint: SignedCheckpoint;
      /** Where it was to be checked. */
      readonly contentHash?: string;
    }
  | { readonly kind: "refused"; readonly finding: Finding };

const HASHER = createTreeHasher(sha256);

export function checkProof(claim: ProofClaim): ProofVerdict {
  const { object, proof, line, keys, witnessesRequired, contentHash } = claim;
  const refused = (finding: Omit<Finding, "object">): ProofVerdict => ({
    kind: "refused",
    finding: { object, ...finding },
  });
  let parsed: ReturnType<typeof parseTlogProof>;
  try {
    parsed = parseTlogProof(proof);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    return refused({ kind: "checkpoint", meaning: `it is no proof: ${error.message}` });
  }
  const checked = checkCheckpoint(parsed.checkpoint, keys, `the checkpoint of ${object}`);
  if (checked.kind === "refused") return checked;
  const { checkpoint } = checked;
  const unwitnessed = witnessFinding(checkpoint, { keys, required: witnessesRequired, object });
  if (unwitnessed !== undefined) return { kind: "refused", finding: unwitnessed };
  const leaf = Number(parsed.index);
  const leafHash = HASHER.leaf(sha256(line));
  const { root, size } = checkpoint;
  const place = { index: parsed.index, size: BigInt(size), leafHash, proof: parsed.hashes, root };
  const problem = inclusionProblem(place, HASHER);
  if (problem === undefined) {
    if (contentHash === undefined) return { kind: "proven", leaf, checkpoint };
    const found = contentHashOf(line) ?? "no stored event";
    if (found === contentHash) return { kind: "proven", leaf, checkpoint, contentHash };
    const meaning = `the line is what was sealed as leaf ${leaf}, but it is not the event of the receipt: its content has another hash`;
    return refused({ kind: "line", leaf, expected: contentHash, found, meaning });
  }
  return refused({
    kind: "line",
    leaf,
    found: `a line with SHA-256 ${hex(sha256(line))}`,
    meaning: `the stored line of ${object} is not what was sealed as leaf ${leaf}, or the proof is not that of this leaf: ${problem}`,
  });
}
