/** The lines that tlog-proof and tlog-witness share: hashes in base64, a blank line, a signed note as it is. */
import { fromBase64, toBase64 } from "#tlog/base64.ts";
import { parseNote } from "#tlog/note.ts";
import { MAX_PROOF_HASHES } from "#tlog/proof.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { checkHash } from "#tlog/tree-hash.ts";

/** A note of 1 MiB behind more than everything that may stand before it. */
const MAX_TEXT_CHARACTERS = 2 * 1024 * 1024;

export interface ProofText {
  /** Lines before the hashes, without newlines. */
  readonly head: readonly string[];
  readonly hashes: readonly Uint8Array[];
  /** A signed note, as it is. */
  readonly checkpoint: string;
}

/** @throws TlogError `malformed` where it could not be parsed again */
export function formatProofText(p: ProofText): string {
  checkHashes(p.hashes);
  parseNote(p.checkpoint);
  const lines = [...p.head, ...p.hashes.map(toBase64), "", p.checkpoint];
  return lines.join("\n");
}

/**
 * @param isHead whether a line, which is the `at`-th, still stands before the hashes
 * @throws TlogError `malformed`
 */
export function parseProofText(text: string, isHead: (line: string, at: number) => boolean): ProofText {
  if (text.length > MAX_TEXT_CHARACTERS) {
    throw new TlogError(
      "malformed",
      `the text is ${text.length} characters; the limit is ${MAX_TEXT_CHARACTERS}`,
    );
  }
  const blank = text.indexOf("\n\n");
  if (blank === -1) throw new TlogError("malformed", "no blank line stands before the checkpoint");
  const lines = text.slice(0, blank).split("\n");
  const heads = lines.findIndex((line, at) => !isHead(line, at));
  const head = heads === -1 ? lines : lines.slice(0, heads);
  const hashLines = lines.slice(head.length);
  checkCount(hashLines.length);
  const hashes = hashLines.map(fromBase64);
  checkHashes(hashes);
  const checkpoint = text.slice(blank + 2);
  parseNote(checkpoint);
  return { head, hashes, checkpoint };
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  checkCount(hashes.length);
  hashes.forEach((hash, at) => {
    checkHash(hash, `hash ${at} of the proof`);
  });
}

function checkCount(count: number): void {
  if (count > MAX_PROOF_HASHES) {
    throw new TlogError("malformed", `the proof has ${count} hashes; the limit is ${MAX_PROOF_HASHES}`);
  }
}
