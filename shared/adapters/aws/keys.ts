/**
 * The one source of the DynamoDB layout: names of attributes and indexes, the key strings, and both tables as plain
 * data, from which the CDK app and the tests create them. Names are stored data: they are never changed, only added to.
 */
import { hash } from "node:crypto";
import type { AccessPath } from "#query/plan.ts";

/** Attributes of an item of the events table; short, because each name is stored and billed with every item. */
export const ITEM = {
  /** S: `<tenant>#<event id or derived id>`. */
  key: "pk",
  /** N: version of the item's layout. */
  version: "v",
  /** B, 16 bytes: the batch (a UUIDv7) whose object holds the line. */
  batch: "g",
  /** N: number of the line in it, from 0. */
  line: "n",
  /** B, 32 bytes: SHA-256 of the content. */
  contentHash: "k",
  /** B: one codec byte, then the line in that codec. */
  body: "b",
  /** B: nanoseconds since 1970 as 64 bits big-endian, then the event id in ASCII. Sort key of all indexes. */
  sort: "s",
  /** S: `<tenant>#<lane>`. */
  timeline: "t",
  /** B, 16 bytes: hash of tenant and user. */
  user: "u",
  /** B, 16 bytes: hash of tenant and resource. */
  resource: "r",
  /** B, 18 bytes: hashes of service and action, level, category; what an index entry refutes filters by. */
  facets: "f",
  /** N: seconds since 1970 after which DynamoDB may remove the item. */
  expiry: "e",
  /** SS: derived ids under which other content is kept that was sent with this id. */
  conflicts: "x",
} as const;

/** Attributes that every row of the ledger table has. */
export const ROW = {
  /** S: one of LEDGER_PARTITION, or `b#<batch>`. */
  partition: "pk",
  /** S: what tells rows of one partition apart. */
  sort: "sk",
  /** N: format of the row. */
  format: "v",
} as const;

/** Partitions of the ledger table that hold many rows. */
export const LEDGER_PARTITION = {
  /** One row per lane epoch; sort: its number, 6 digits. */
  lanes: "lanes",
  /** The head of the log; sort: `head`. */
  log: "log",
  /** The mark of the deployment; sort: `mark`. */
  mark: "mark",
  /** Small texts by name; sort: the name. */
  notes: "notes",
  /** One row per batch that is not sealed yet; sort: the batch. */
  pending: "pending",
  /** One row per batch with lines to be indexed; sort: the batch. */
  unindexed: "unindexed",
} as const;

/** Key of the mark in the events table; no event has it, because no tenant's name is empty. */
export const MARK_ITEM_KEY = "#mark";

/** Partition of a batch's own row, which has the sort key `b`. */
export function batchPartition(batchId: string): string {
  return `b#${batchId}`;
}

export interface KeyAttribute {
  readonly name: string;
  /** S: text, B: bytes. */
  readonly type: "S" | "B";
}

export interface IndexDefinition {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey: KeyAttribute;
  /** Attributes that an entry holds beside the keys of index and table. */
  readonly included: readonly string[];
}

export interface TableDefinition {
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  /** Global secondary indexes with projection INCLUDE. */
  readonly indexes: readonly IndexDefinition[];
  /** Attribute with the second after which an item may be removed. */
  readonly expiryAttribute?: string;
}

const SORT_KEY: KeyAttribute = { name: ITEM.sort, type: "B" };
const INCLUDED = [ITEM.facets];

const TIMELINE_INDEX: IndexDefinition = {
  name: "timeline",
  partitionKey: { name: ITEM.timeline, type: "S" },
  sortKey: SORT_KEY,
  included: INCLUDED,
};
const USER_INDEX: IndexDefinition = {
  name: "user",
  partitionKey: { name: ITEM.user, type: "B" },
  sortKey: SORT_KEY,
  included: INCLUDED,
};
const RESOURCE_INDEX: IndexDefinition = {
  name: "resource",
  partitionKey: { name: ITEM.resource, type: "B" },
  sortKey: SORT_KEY,
  included: INCLUDED,
};

/** Events, one item each, found by id, by time, by user and by resource. */
export const EVENT_TABLE: TableDefinition = {
  partitionKey: { name: ITEM.key, type: "S" },
  indexes: [TIMELINE_INDEX, USER_INDEX, RESOURCE_INDEX],
  expiryAttribute: ITEM.expiry,
};

/** Batches, pointers to what is to be done with them, the head of the log, notes, lane epochs, marks. No indexes; nothing expires. */
export const LEDGER_TABLE: TableDefinition = {
  partitionKey: { name: ROW.partition, type: "S" },
  sortKey: { name: ROW.sort, type: "S" },
  indexes: [],
};

/** The index that answers each access path. A service is found in the lanes of the timeline that its events take. */
export const INDEX_OF_PATH: Readonly<Record<AccessPath["kind"], IndexDefinition>> = {
  timeline: TIMELINE_INDEX,
  service: TIMELINE_INDEX,
  user: USER_INDEX,
  resource: RESOURCE_INDEX,
};

/** Tenants have no `#` in their names, and neither have ids, so no two events share a key. */
export function itemKey(tenantId: string, eventId: string): string {
  return `${tenantId}#${eventId}`;
}

/** The event id in an item's key. */
export function eventIdOfKey(key: string): string {
  return key.slice(key.indexOf("#") + 1);
}

export function laneKey(tenantId: string, lane: string): string {
  return `${tenantId}#${lane}`;
}

const VALUE_HASH_BYTES = 16;

/**
 * Partition of a user or resource: no client's text is part of an index key. What it finds is checked on the line again.
 * @returns the first 16 bytes of SHA-256(tenant ‖ 0 ‖ value); neither holds a NUL
 */
export function valueKey(tenantId: string, value: string): Uint8Array {
  return hash("sha256", `${tenantId}\0${value}`, "buffer").subarray(0, VALUE_HASH_BYTES);
}
