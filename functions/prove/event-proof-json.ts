/** The proof of an event as JSON: all that checking it takes but the key, so that it can be kept as a receipt. */
import type { EventProof } from "#service/prove.ts";
import { toBase64 } from "#tlog/base64.ts";

/** @param eventId under which the event was asked for */
export function eventProofJson(eventId: string, proof: EventProof): string {
  return JSON.stringify({
    event_id: eventId,
    leaf_index: proof.leaf,
    log_size: proof.logSize,
    leaf_hash: toBase64(proof.leafHash),
    hashes: proof.hashes.map(toBase64),
    checkpoint: proof.checkpoint,
    proof: proof.text,
    line: proof.line,
    content_hash: proof.contentHash,
  });
}
