/**
 * `audit-service/tlog`: transparency logs of RFC 6962 in the formats of C2SP (tlog-tiles, signed-note, tlog-checkpoint,
 * tlog-cosignature, tlog-proof, tlog-witness). Pure and synchronous, imports nothing, runs in browsers and on Node.
 */
export { fromBase64, toBase64 } from "#tlog/base64.ts";
export { decodeBundle, decodeHashBundle, encodeBundle, encodeHashBundle } from "#tlog/bundle.ts";
export { concatBytes, decodeUtf8, encodeUtf8, equalBytes, fromHex, toHex } from "#tlog/bytes.ts";
export type { Checkpoint } from "#tlog/checkpoint.ts";
export { formatCheckpoint, parseCheckpoint } from "#tlog/checkpoint.ts";
export type {
  Ed25519Verify,
  Ed25519VerifyAsync,
  NoteSignature,
  SignedNote,
  VerifiedNote,
  VerifierKey,
} from "#tlog/note.ts";
export {
  COSIGNATURE_V1,
  cosignatureMessage,
  decodeCosignature,
  ED25519,
  encodeCosignature,
  formatNote,
  formatSignatureLine,
  formatVerifierKey,
  keyIdOf,
  parseNote,
  parseSignatureLine,
  parseVerifierKey,
  verifyNote,
  verifyNoteAsync,
} from "#tlog/note.ts";
export { MAX_SIZE } from "#tlog/numbers.ts";
export type { ConsistencyClaim, InclusionClaim } from "#tlog/proof.ts";
export { consistencyProblem, inclusionProblem, MAX_PROOF_HASHES } from "#tlog/proof.ts";
export type { Sha256 } from "#tlog/sha256.ts";
export { sha256 } from "#tlog/sha256.ts";
export type { TileBytes, TileId } from "#tlog/tile.ts";
export { bundlesOfSize, edgeTiles, parseTilePath, TILE_WIDTH, tilePath, tilesOfSize } from "#tlog/tile.ts";
export type { TlogErrorCode } from "#tlog/tlog-error.ts";
export { TlogError } from "#tlog/tlog-error.ts";
export type { TlogProof } from "#tlog/tlog-proof.ts";
export { formatTlogProof, parseTlogProof } from "#tlog/tlog-proof.ts";
export type { Append, Appended, ProofSource, WrittenTile } from "#tlog/tree.ts";
export {
  appendLeaves,
  CompactRange,
  leafHashes,
  proveConsistency,
  proveInclusion,
  rootOfEdge,
  tileHash,
  tilesForConsistency,
  tilesForInclusion,
} from "#tlog/tree.ts";
export type { TreeHasher } from "#tlog/tree-hash.ts";
export { createTreeHasher, HASH_BYTES } from "#tlog/tree-hash.ts";
export type { AddCheckpoint } from "#tlog/witness.ts";
export { formatAddCheckpoint, parseAddCheckpoint } from "#tlog/witness.ts";
