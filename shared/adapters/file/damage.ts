/** What reading a log finds wrong, from a line that has rotted to a file that is missing. */

/** A stretch of a file that cannot be served. */
export interface Damage {
  readonly path: string;
  /** Byte in the uncompressed file. */
  readonly offset: number;
  readonly reason: string;
}

/** Bytes of a file that are not served. */
export interface DamagedBytes {
  /** A line and its newline; one whose identity is taken; what has no newline; raw bytes of a compressed file. */
  readonly kind: "line" | "duplicate" | "fragment" | "member";
  /** Byte in the uncompressed file. */
  readonly offset: number;
  /** Where they begin: for a member the byte of the compressed file, otherwise `offset`. */
  readonly from: number;
  readonly bytes: number;
  /** Uncompressed bytes that they can have held at most. */
  readonly room: number;
  readonly reason: string;
}

/** Everything that reading all files can find, in the order of the log. */
export type Finding =
  | (Damage & DamagedBytes & { readonly line: number })
  /** The name of `path` tells that `missing` lines are not there behind `after`; less than 0: that it has too many. */
  | (Damage & { readonly kind: "gap"; readonly missing: number; readonly after: string | undefined })
  /** Lines that were sealed and are not there. */
  | (Damage & { readonly kind: "lost" })
  /** An uncompressed file that holds less than its compressed form. */
  | (Damage & { readonly kind: "twin"; readonly firstLine: number });
