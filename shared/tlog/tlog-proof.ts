/** Inclusion proofs as text that can be kept and checked offline (C2SP tlog-proof). */
import { fromBase64, toBase64 } from "#tlog/base64.ts";
import { checkSize, parseDecimal } from "#tlog/numbers.ts";
import { formatProofText, parseProofText } from "#tlog/proof-text.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const EXTRA = "extra ";
const INDEX = "index ";

export interface TlogProof {
  readonly index: bigint;
  /** From the leaf's sibling to the root's child, at most 63. */
  readonly hashes: readonly Uint8Array[];
  /** The log's checkpoint with all its signatures, as it is. */
  readonly checkpoint: string;
  /** Not authenticated by anything; at least 1 byte where it is given. */
  readonly extra?: Uint8Array | undefined;
}

/** @throws TlogError `malformed` where the proof could not be parsed again */
export function formatTlogProof(p: TlogProof): string {
  checkSize(p.index, "index");
  if (p.extra?.length === 0) throw new TlogError("malformed", "the extra data is empty; leave it out");
  const extra = p.extra === undefined ? [] : [`${EXTRA}${toBase64(p.extra)}`];
  const head = [FIRST_LINE, ...extra, `${INDEX}${p.index}`];
  return formatProofText({ head, hashes: p.hashes, checkpoint: p.checkpoint });
}

/**
 * Reads a proof; it proves nothing before the checkpoint's signature and `inclusionProblem` were checked.
 * @throws TlogError `malformed`
 */
export function parseTlogProof(text: string): TlogProof {
  const { head, hashes, checkpoint } = parseProofText(text, isHead);
  const [first, ...named] = head;
  if (first !== FIRST_LINE) throw new TlogError("malformed", `the proof does not begin with ${FIRST_LINE}`);
  const extraLine = named.length === 2 ? named[0] : undefined;
  const indexLine = named.at(-1);
  if (indexLine?.startsWith(INDEX) !== true || extraLine?.startsWith(EXTRA) === false) {
    throw new TlogError("malformed", "the proof must have a line with the index, and at most one before it");
  }
  const index = parseDecimal(indexLine.slice(INDEX.length), "index");
  if (extraLine === undefined) return { index, hashes, checkpoint };
  const extra = fromBase64(extraLine.slice(EXTRA.length));
  if (extra.length === 0) throw new TlogError("malformed", "the extra data is empty");
  return { index, hashes, checkpoint, extra };
}

/** The first line, then those that begin with a word: no hash in base64 holds a space. */
function isHead(line: string, at: number): boolean {
  return at === 0 || (at <= 2 && line.includes(" "));
}
