/**
 * The few interfaces through which the use cases reach the world. Each comment is the contract that every adapter
 * keeps; `test/contract` holds one suite per port, which each adapter runs.
 */
import type { PreparedLine } from "#event/prepare-event.ts";
import type { Position, QueryPlan } from "#query/plan.ts";

/** Time, passed in so that tests drive it. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** What became of a line that was sent. */
export type SendOutcome =
  /** Durable; this send is the first that is known with its id. */
  | { readonly kind: "accepted" }
  /** The same content is durable already; `readLine` gives the stored line. Only where the store knows at once. */
  | { readonly kind: "duplicate"; readonly readLine: () => Promise<string> }
  /** Other content is stored under this id; nothing was written. Only where the store knows at once. */
  | { readonly kind: "conflict" };

/** Takes accepted lines. */
export interface EventQueue {
  /**
   * Makes lines durable; one outcome per line, in order. Durable on return: no crash after it loses a line.
   * Lines are stored in the order given; identity is (tenant_id, event_id), also between calls under way and within
   * one call, where the first of two wins. Rejects as a whole or not at all: after a rejection no line counts as
   * acknowledged, though some may be stored, and sending the same lines again is always safe. The caller retries.
   * @throws AuditQueueError `overloaded` (retryable): too much is waiting; nothing was taken
   * @throws AuditStorageError `storage-unavailable` (retryable): it cannot be made durable now
   */
  send(lines: readonly PreparedLine[]): Promise<readonly SendOutcome[]>;
}

export interface EventKey {
  readonly tenantId: string;
  readonly eventId: string;
}

/** What answering a page took. */
export interface ReadCost {
  /** Index entries looked at. */
  readonly entries: number;
  /** Stored lines read and checked. */
  readonly lines: number;
  /** Bytes of these lines. */
  readonly bytes: number;
  /** Read units billed; only where the store bills them. */
  readonly units?: number;
  /** Calls to the store that had to wait for each other; only where each is a round trip. */
  readonly roundTrips?: number;
}

/** A line as the store gives it. */
export interface FoundLine {
  /** The exact stored line. */
  readonly text: string;
  /** Id under which it stands, where that is not its event's: other content stands under that. */
  readonly derivedId?: string;
  /** Ids under which other content is kept that was sent with this id; absent where there is none. */
  readonly conflicts?: readonly string[];
}

export interface LinePage {
  /** Stored lines that match, in the order of the plan; at most `limit`, and at most 4 MiB unless one alone is larger. */
  readonly lines: readonly FoundLine[];
  /**
   * Where the next page goes on; undefined only when nothing that matches lies behind. Every match up to it is in
   * `lines` or was skipped. A page may end before `limit`, even empty, when its read budget is used up.
   */
  readonly next: Position | undefined;
  /** Matches passed over because of `plan.skip`. Less than that with `next` set: the budget ended before `skip` was reached. */
  readonly skipped: number;
  readonly cost: ReadCost;
}

export interface LineCount {
  /** Matches of the plan, exactly; null where that would pass `maxMatches` or the read budget. */
  readonly matches: number | null;
  readonly cost: ReadCost;
}

/** Condition of the store as a probe found it. */
export interface StoreHealth {
  /** `healthy`; `degraded`: serves, but a human must act; `unhealthy`: takes no events. */
  readonly status: "healthy" | "degraded" | "unhealthy";
  /** What is wrong, for a human; empty when healthy. */
  readonly problems: readonly string[];
  /** Facts about the store: counts, bytes, places. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Finds stored lines. All reads see at least every line whose `send` had returned before the read began. */
export interface EventStore {
  /**
   * The stored line of an event, or undefined.
   * @throws AuditStorageError `storage-unavailable` where the event is stored but its line cannot be read
   */
  get(key: EventKey): Promise<FoundLine | undefined>;
  /**
   * One page of a plan, within a stated read budget. Pages that follow each other by `after` never repeat a line and
   * never skip one that was stored before the first page, whatever arrives meanwhile.
   */
  page(plan: QueryPlan): Promise<LinePage>;
  /** Counts the plan's matches from its beginning (`after`, `skip` and `limit` are ignored), bounded. */
  count(plan: QueryPlan, maxMatches: number): Promise<LineCount>;
  /** Resolves when every line whose `send` began before this call is stored or rejected. */
  flush(): Promise<void>;
  /** Really tries the storage. Never rejects. */
  probe(): Promise<StoreHealth>;
}

/** Where a line stands: the batch object that holds it, and its number there, from 0. */
export interface LinePlace {
  /** UUIDv7 in lower case; its time is when the batch was begun. */
  readonly batchId: string;
  readonly line: number;
}

/** A line on its way into the hot store. */
export interface TableEntry extends LinePlace {
  /** Id under which it is stored: the event's, or the derived id of a conflict. */
  readonly eventId: string;
  readonly prepared: PreparedLine;
}

/** What stands under the id of an entry after `insert`. */
export type InsertOutcome =
  /** The entry itself, inserted by this call. */
  | { readonly kind: "inserted"; readonly isIndexed: boolean }
  /** What was inserted before: the same entry by an earlier call, or another line. */
  | {
      readonly kind: "exists";
      readonly at: LinePlace;
      readonly contentHash: string;
      readonly isIndexed: boolean;
    };

/** The writing side of a hot store that is apart from queue and archive. */
export interface EventTable {
  /**
   * Inserts entries whose (tenant_id, eventId) is absent; one outcome per entry, in order. Each is atomic by itself and
   * durable on return; nothing that stands is changed. Two entries of one call with one id: one is inserted, and the
   * other finds it. An index that takes no more writes does not hold an entry up: it is inserted with `isIndexed` false.
   * After a rejection any of the entries may stand, and the same call is safe to repeat.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  insert(entries: readonly TableEntry[]): Promise<readonly InsertOutcome[]>;
  /**
   * Adds the index keys of entries that were inserted without them. Idempotent; entries that stand elsewhere or are gone
   * are passed over.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  index(entries: readonly TableEntry[]): Promise<void>;
  /**
   * Notes on the stored event of a conflict that other content was sent with its id, and keeps it for as long as the
   * conflict is kept: with the id free again, a repetition of the conflict would stand twice. Idempotent; the first 20 ids
   * are noted, which bounds what somebody who knows an id can add to it. An event that is gone is passed over.
   * @param conflict the entry under its derived id
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  noteConflict(conflict: TableEntry): Promise<void>;
}

/** Looks up where stored entries say that they stand, without their lines. */
export interface ItemPlaces {
  /**
   * The place of what is stored under each key, a derived id too; undefined where nothing is. Read consistently.
   * @param keys each once
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  placesOf(keys: readonly EventKey[]): Promise<readonly (LinePlace | undefined)[]>;
}

export interface ArchivedObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Immutable objects by key: the source of truth. */
export interface Archive {
  /**
   * Stores an object where none is stored under its key; what is there stays. Durable on return, atomic, and safe to repeat.
   * @throws AuditStorageError `storage-unavailable` (retryable): it may be stored or not
   */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<"created" | "exists">;
  /** @throws AuditStorageError `storage-unavailable` (retryable) */
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * Objects whose key begins with `prefix` and is greater than `after`, by key in ascending order of UTF-8 bytes.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  list(prefix: string, after?: string): AsyncIterable<ArchivedObject>;
}

/** What became of the lines of a batch. Line numbers ascend. */
export interface BatchRecord {
  readonly batchId: string;
  readonly lineCount: number;
  /** Lines that stand under the id of their event. */
  readonly winners: readonly number[];
  /** Lines that stand under a derived id, because other content stands under theirs. */
  readonly conflicts: readonly number[];
  /** Lines among these that the indexes do not show yet. */
  readonly unindexed: readonly number[];
  /** Where its lines stand in the log; absent while no leaf is theirs. */
  readonly sealed?: SealedPlace | undefined;
}

/** Where the lines of a batch stand in the log. */
export interface SealedPlace {
  /** Leaf of the first of its winners and conflicts, which take leaves in the order of their line numbers. */
  readonly firstLeaf: number;
  /** Key of the segment that holds them; absent where none of its lines has a leaf. */
  readonly segment?: string | undefined;
}

/** The rows that say which batches are complete, what is to be indexed later, and how far the janitor has come. */
export interface Ledger {
  /**
   * Those of the batches that have a row, read consistently.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  registered(batchIds: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Writes the row of a batch, its pending pointer, and one for lines to be indexed later, all or none, where the batch has no row;
   * else does nothing. A row that says already where its lines stand in the log gets no pending pointer.
   * A row is never deleted by this port, and nothing but its place in the log is ever added to it.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  register(record: BatchRecord): Promise<void>;
  /** The row of a batch, read consistently. */
  find(batchId: string): Promise<BatchRecord | undefined>;
  /** Batches with lines to be indexed, oldest first, at most `limit`. */
  unindexed(limit: number): Promise<readonly BatchRecord[]>;
  /** Notes that the lines of a batch are all indexed. Idempotent. */
  markIndexed(batchId: string): Promise<void>;
  /** A small note by name, such as how far the janitor has come; undefined where none is written. */
  readNote(name: string): Promise<string | undefined>;
  /** Replaces a note. */
  writeNote(name: string, text: string): Promise<void>;
}
