/**
 * What a verification finds wrong, with its place and what it means. Findings are results, not errors: an error says only
 * that something could not be looked at.
 */

export type FindingKind =
  /** There is no checkpoint, or it is none. */
  | "checkpoint"
  /** The checkpoint does not carry a good signature of the key that was given. */
  | "signature"
  /** Fewer witnesses have cosigned than were asked for. */
  | "witness"
  /** The log is shorter than a checkpoint that is known. */
  | "rollback"
  /** The log holds other entries than a checkpoint that is known says. */
  | "fork"
  /** The checkpoint is signed, and its root is not that of the stored tree. */
  | "root"
  /** A tile of hashes is not the one that was sealed. */
  | "tile"
  /** A bundle of entries is not the one that was sealed. */
  | "bundle"
  /** Entries and the hashes above them were altered to fit each other. */
  | "entries"
  /** A line is not the one that was sealed. */
  | "line"
  /** Lines that were sealed are not there. */
  | "lines-missing"
  /** Two files hold the same leaves. */
  | "lines-overlap"
  /** Bytes in quarantine are not the lines that were sealed. */
  | "quarantine"
  /** A manifest does not say what its segment holds. */
  | "manifest";

export interface Finding {
  readonly kind: FindingKind;
  /** File, object or address that it is about. */
  readonly object: string;
  readonly leaf?: number | undefined;
  /** First leaf, and the one behind the last. */
  readonly leaves?: readonly [number, number] | undefined;
  /** Line of the object, from 1. */
  readonly line?: number | undefined;
  /** Offset in the object, uncompressed, from 0. */
  readonly byte?: number | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** A sentence, without its period. */
  readonly meaning: string;
}

/** What could not be looked at, so that nothing is proven either way. */
export class UndecidedError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "UndecidedError";
  }
}

/** `leaf 7`, `leaves 7 to 9` */
export function leafRange(first: number, end: number): string {
  return end - first === 1 ? `leaf ${first}` : `leaves ${first} to ${end - 1}`;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
