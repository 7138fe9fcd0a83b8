/**
 * What a witness asks of the outside world: where it keeps the last checkpoint of each log that it watches. It is the
 * other side of the port `Witness` of log-ports.ts, and may run far from the log: in an account or on a machine of its own.
 */

/** The last checkpoint that was cosigned, by the origin of its log. */
export interface WitnessStore {
  /**
   * The note that was stored last, read consistently; undefined where none ever was.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  read(origin: string): Promise<string | undefined>;
  /**
   * Stores `next` where `expected` still stands, byte for byte (undefined: where nothing does). Atomic against every other
   * witness process of the store, and durable on return.
   * @throws AuditStorageError `storage-unavailable` (retryable): it may be stored or not
   */
  swap(origin: string, change: WitnessChange): Promise<"swapped" | "lost">;
}

export interface WitnessChange {
  readonly expected: string | undefined;
  readonly next: string;
}

/** An answer of the witness, as HTTP has it. */
export interface WitnessReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Set where the request shows that a log has signed two histories: signed evidence. */
  readonly isContradiction?: true;
}
