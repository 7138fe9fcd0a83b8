/** Requests to a witness that it cosign a checkpoint (C2SP tlog-witness, `add-checkpoint`). */
import { checkSize, parseDecimal } from "#tlog/numbers.ts";
import { formatProofText, parseProofText } from "#tlog/proof-text.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const OLD = "old ";

export interface AddCheckpoint {
  /** Size of the checkpoint that the witness cosigned last; 0 where it never did. */
  readonly oldSize: bigint;
  /** From the old size to that of the checkpoint, at most 63 hashes; none where the old size is 0. */
  readonly proof: readonly Uint8Array[];
  /** The log's checkpoint with at least its own signature. */
  readonly checkpoint: string;
}

/** @throws TlogError `malformed` where the request could not be parsed again */
export function formatAddCheckpoint(r: AddCheckpoint): string {
  checkSize(r.oldSize, "old size");
  return formatProofText({ head: [`${OLD}${r.oldSize}`], hashes: r.proof, checkpoint: r.checkpoint });
}

/**
 * Reads a request. Whether sizes, proof and signatures fit is the witness's to check, each with a status of its own.
 * @throws TlogError `malformed`
 */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const { head, hashes, checkpoint } = parseProofText(text, (_line, at) => at === 0);
  const old = head[0] ?? "";
  if (!old.startsWith(OLD)) throw new TlogError("malformed", `the request does not begin with "${OLD}"`);
  return { oldSize: parseDecimal(old.slice(OLD.length), "old size"), proof: hashes, checkpoint };
}
