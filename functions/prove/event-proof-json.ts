/** The proof of an event as JSON: all that checking it takes but the key, so that it can be kept as a receipt. */
import type { EventProof } from "#service/prove.ts";
import { toBase64 } from "#tlog/base64.ts";

/** Members as on the wire. */
export interface ProofMembers {
  readonly event_id: string;
  readonly leaf_index: number;
  readonly log_size: number;
  /** Base64, as the hashes. */
  readonly leaf_hash: string;
  readonly hashes: readonly string[];
  readonly checkpoint: string;
  readonly proof: string;
  readonly line: string;
  readonly content_hash: string;
}

/** @param eventId under which the event was asked for */
export function eventProofJson(eventId: string, proof: EventProof): string {
  return JSON.stringify(proofMembers(eventId, proof));
}

export function proofMembers(eventId: string, proof: EventProof): ProofMembers {
  return {
    event_id: eventId,
    leaf_index: proof.leaf,
    log_size: proof.logSize,
    leaf_hash: toBase64(proof.leafHash),
    hashes: proof.hashes.map(toBase64),
    checkpoint: proof.checkpoint,
    proof: proof.text,
    line: proof.line,
    content_hash: proof.contentHash,
  };
}
