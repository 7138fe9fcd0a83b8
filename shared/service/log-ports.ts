/**
 * What sealing and proving ask of the outside world: the head of the log, its objects, where lines without a leaf come
 * from, keys, witnesses, and which leaf an event has. Leaves are numbered from 0; numbers here are safe integers.
 */
import type { Archive, BatchRecord, EventKey, FoundLine, SealedPlace } from "#service/ports.ts";

/** The newest state that a sealer has committed to. */
export interface LogHead {
  /** The checkpoint as a signed note, with the signatures of the log alone. */
  readonly checkpoint: string;
  /** Key of the staging object that led to it; undefined where there was nothing to stage. */
  readonly staging: string | undefined;
  /** When it was sealed, by the sealer's clock: milliseconds since 1970. */
  readonly sealedAtMs: number;
}

/** The one linearisation point of sealing. */
export interface LogLedger {
  /**
   * Read consistently; undefined before the log was founded.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  readHead(): Promise<LogHead | undefined>;
  /**
   * Replaces the head where it is still `expected`, byte for byte of the checkpoint (undefined: where there is none).
   * Atomic and durable on return.
   * @throws AuditStorageError `storage-unavailable` (retryable): it may be swapped or not. Read again, never repeat blindly
   */
  swapHead(expected: LogHead | undefined, next: LogHead): Promise<"swapped" | "lost">;
}

/** A batch that a pending pointer names. */
export interface PendingBatch {
  readonly batchId: string;
  readonly row: BatchRecord | undefined;
}

/** The side of the ledger of batches that sealing writes. */
export interface SealLedger {
  /**
   * Batches with a pending pointer, oldest first, at most `limit`: pointers and rows are read consistently. A pointer that
   * outlived its batch's sealing gives a record with `sealed`; one whose row is missing gives `row: undefined`.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  pending(limit: number): Promise<readonly PendingBatch[]>;
  /**
   * Notes in the row of a batch where its lines stand in the log, then takes its pending pointer away. Idempotent.
   * @throws AuditStorageError `log-diverged` where the row says another place, `storage-unavailable` where there is no row
   */
  markSealed(batchId: string, place: SealedPlace): Promise<void>;
  /** Writes the pending pointer of a batch that has a row and lost its pointer. Idempotent; nothing where it is sealed. */
  repoint(batchId: string): Promise<void>;
}

/** An object that can be replaced, with what tells its versions apart. */
export interface VersionedObject {
  readonly bytes: Uint8Array;
  readonly version: string;
}

/** Objects of the log. All but the published checkpoint and the keys are immutable. */
export interface LogStore extends Archive {
  /** @throws AuditStorageError `storage-unavailable` (retryable) */
  readVersion(key: string): Promise<VersionedObject | undefined>;
  /**
   * Replaces an object where its version is still `version` (undefined: where there is none). Atomic, durable on return.
   * @throws AuditStorageError `storage-unavailable` (retryable): it may be replaced or not
   */
  replace(key: string, bytes: Uint8Array, version: string | undefined): Promise<"replaced" | "changed">;
  /** Removes objects that are no longer needed; those that are gone are passed over. */
  remove(keys: readonly string[]): Promise<void>;
}

/** A batch and the leaves that its lines take. */
export interface SealedBatch {
  readonly batchId: string;
  readonly lineCount: number;
  /** Line numbers, ascending. */
  readonly winners: readonly number[];
  readonly conflicts: readonly number[];
  readonly firstLeaf: number;
  readonly segment?: string | undefined;
}

export interface StagedObject {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** Lines that get their leaves by one seal. */
export interface SealInput {
  /** The entries of the leaves, 32 bytes each, in leaf order: SHA-256 of each line without its newline. */
  readonly entries: Uint8Array;
  /** Objects beside tiles and bundles to be published with them, in this order. */
  readonly objects: readonly StagedObject[];
  readonly batches: readonly SealedBatch[];
  /** When the oldest of the lines was accepted, as far as known: milliseconds since 1970. */
  readonly oldestMs: number | undefined;
  /** What was passed over and waits for a human; the same again until it is mended. */
  readonly problems?: readonly SealProblem[];
}

/** Something that cannot be sealed; sealing goes on with the rest. */
export interface SealProblem {
  /** What it is about: a batch id, a key. */
  readonly subject: string;
  readonly problem: string;
}

/** Where lines without a leaf come from. */
export interface SealSource {
  /**
   * The lines that come next behind `size` leaves; undefined where there are none. The same lines again until they are
   * settled. Input without entries is never sealed: its batches are settled and tidied at once, which must be safe at any
   * time and size; without batches too it only names problems.
   * @throws AuditStorageError `storage-unavailable`; `log-diverged` where the lines that should come next are missing
   */
  next(size: number): Promise<SealInput | undefined>;
  /** Notes where the lines stand, once their objects are published and before the checkpoint is. Idempotent. */
  settle(batches: readonly SealedBatch[]): Promise<void>;
  /** Lets go of what is no longer needed once the checkpoint that covers it is published. Idempotent. */
  tidy(batches: readonly SealedBatch[]): Promise<void>;
}

/** A key that signs for the log, or cosigns. */
export interface LogSigner {
  /** Name in its signature lines; for the log it is the origin. */
  readonly name: string;
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array;
  /**
   * @returns the Ed25519 signature over the message itself, 64 bytes
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** What a witness answered to a checkpoint. */
export type WitnessAnswer =
  /** Signature lines as they came, each with its newline; not yet checked. */
  | { readonly kind: "cosigned"; readonly lines: string }
  /** It knows the log at this size. */
  | { readonly kind: "at-size"; readonly size: number }
  | { readonly kind: "refused"; readonly reason: string };

/** Somebody else who watches that the log only grows (C2SP tlog-witness). */
export interface Witness {
  readonly name: string;
  /** Verifier key, of a cosigner (algorithm byte 0x04). */
  readonly verifierKey: string;
  /**
   * @param body of an `add-checkpoint` request
   * @throws AuditStorageError `storage-unavailable` (retryable): it does not answer
   */
  addCheckpoint(body: string): Promise<WitnessAnswer>;
}

/** Where a stored event stands in the log. */
export interface FoundLeaf extends FoundLine {
  /** undefined while the event has none. It may still lie behind the published checkpoint. */
  readonly leaf: number | undefined;
}

/** A line by its leaf. */
export interface LeafLine extends FoundLine {
  readonly leaf: number;
}

export interface LeafPage {
  /** In leaf order. They are as they were found: a reader must expect one that is no event. */
  readonly lines: readonly LeafLine[];
  /** Leaves that have no line to give, ascending: in quarantine, damaged, erased, gone. With `lines`, every leaf that is passed. */
  readonly unreadable: readonly number[];
  /** The leaf that comes next. */
  readonly next: number;
}

/** Finds leaves by event and lines by leaf. */
export interface LeafStore {
  /**
   * The event with its line and leaf; undefined where it is not stored.
   * @throws AuditStorageError `storage-unavailable`
   */
  findLeaf(key: EventKey): Promise<FoundLeaf | undefined>;
  /**
   * Lines of leaves from `from` on and below `end`: at least one leaf is passed, at most 2,000 leaves or about 4 MiB.
   * @param end at most the size of the published log
   * @throws AuditStorageError `storage-unavailable`
   */
  readLeaves(from: number, end: number): Promise<LeafPage>;
}
