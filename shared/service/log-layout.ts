/**
 * Where the objects of the log lie. Keys are stored data and public paths: never changed, only added to. What lies under
 * `log/` is hashes and signatures, and may be shown to anybody.
 */

/** Objects that are served under `/log/`, by the same path. */
export const LOG_PREFIX = "log/";
export const CHECKPOINT_KEY = "log/checkpoint";
/** The verifier key of the log, one line. */
export const VERIFIER_KEY_KEY = "log/vkey";
/** Verifier keys of the log, of its freshness cosigner and of witnesses, one line each. */
export const VERIFIER_KEYS_KEY = "log/vkeys";
/** Segments: lines in leaf order. */
export const SEGMENT_PREFIX = "segments/v1/";
/** One manifest per segment: which batches its lines came in. */
export const MANIFEST_PREFIX = "manifests/";
/** Not served: whoever knows its key sees lines. */
export const STAGING_PREFIX = "staging/";

const LEAF_DIGITS = 16;
/** 128 bits: nobody finds another object for a key that is known. */
const STAGING_DIGEST_DIGITS = 32;

/** @param tilePath as C2SP tlog-tiles writes it: `tile/0/x001/067`, `tile/entries/000.p/12` */
export function tileKey(tilePath: string): string {
  return `${LOG_PREFIX}${tilePath}`;
}

/** Day and hour are those of sealing, in UTC. */
export function segmentKey(sealedAtMs: number, firstLeaf: number, count: number): string {
  const time = new Date(sealedAtMs).toISOString();
  const folder = `${SEGMENT_PREFIX}dt=${time.slice(0, 10)}/hh=${time.slice(11, 13)}/`;
  return `${folder}${digits(firstLeaf)}-${count}.jsonl.gz`;
}

/**
 * Named by the leaf behind its last one, so that the first key greater than `manifestKey(leaf)` is that of the segment
 * which holds `leaf`.
 */
export function manifestKey(endLeaf: number): string {
  return `${MANIFEST_PREFIX}${digits(endLeaf)}.json`;
}

/** What tells the objects of seals apart. */
export interface StagingName {
  readonly oldSize: number;
  readonly newSize: number;
  /** Root of the tree of the new size, lower-case hex. */
  readonly rootHex: string;
  /** SHA-256 of the object itself, lower-case hex. */
  readonly sha256Hex: string;
}

/**
 * The digest is part of it: two sealers at the same lines name another time of sealing, and may take along other batches
 * that have no line in the log. Only equal objects meet under one key, and who replays one knows that it is what was sealed.
 */
export function stagingKey({ oldSize, newSize, rootHex, sha256Hex }: StagingName): string {
  return `${STAGING_PREFIX}${digits(oldSize)}-${digits(newSize)}-${rootHex}-${sha256Hex.slice(0, STAGING_DIGEST_DIGITS)}`;
}

/** All staging objects that begin at a size. */
export function stagingPrefix(oldSize: number): string {
  return `${STAGING_PREFIX}${digits(oldSize)}-`;
}

function digits(leaf: number): string {
  return String(leaf).padStart(LEAF_DIGITS, "0");
}
