/**
 * Items of the events table: from an entry to its attributes and back. Layout version 1, golden in `test/vectors`. An
 * item of a newer version is never guessed at: its line is refused by name, while batch, line number and content hash,
 * which every version keeps, are still read, so that an older consumer knows a duplicate.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { facetsOf } from "#adapters/aws/event-item-facets.ts";
import { decodeBody, encodeBody } from "#adapters/aws/item-codec.ts";
import { eventIdOfKey, ITEM, itemKey, laneKey, valueKey } from "#adapters/aws/keys.ts";
import type { LaneEpoch } from "#adapters/aws/lanes.ts";
import { laneOf } from "#adapters/aws/lanes.ts";
import { sortKey } from "#adapters/aws/event-item-sort.ts";
import { receivedAtMs } from "#event/stored-line.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { isDerivedId } from "#service/conflict-id.ts";
import type { FoundLine, LinePlace, TableEntry } from "#service/ports.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

const ITEM_VERSION = 1;
const SECONDS_PER_DAY = 86_400;

/** How items are written now. */
export interface ItemSettings {
  readonly epoch: LaneEpoch;
  /** Days from `received_at` for which an item stays. */
  readonly retentionDays: number;
}

/** All attributes of an entry; `indexAttributes` are among them. */
export function toItem(entry: TableEntry, settings: ItemSettings): Item {
  return { ...toUnindexedItem(entry, settings), ...indexAttributes(entry, settings.epoch) };
}

/** The attributes by which no index shows the item. */
export function toUnindexedItem(
  { prepared, eventId, batchId, line }: TableEntry,
  { retentionDays }: ItemSettings,
): Item {
  return {
    [ITEM.key]: { S: itemKey(prepared.event.tenant_id, eventId) },
    [ITEM.version]: { N: String(ITEM_VERSION) },
    [ITEM.batch]: { B: batchBytes(batchId) },
    [ITEM.line]: { N: String(line) },
    [ITEM.contentHash]: { B: Buffer.from(prepared.contentHash, "hex") },
    [ITEM.body]: { B: encodeBody(prepared.text) },
    [ITEM.facets]: { B: facetsOf(prepared.event) },
    [ITEM.expiry]: { N: String(expiryS(prepared.text, retentionDays)) },
  };
}

/** Seconds since 1970 up to which an item with this line stays. */
export function expiryS(text: string, retentionDays: number): number {
  return Math.floor(receivedAtMs(text) / 1000) + retentionDays * SECONDS_PER_DAY;
}

/** The keys of the index entries; user and resource only where the event has them. */
export function indexAttributes({ prepared, eventId }: TableEntry, epoch: LaneEpoch): Item {
  const { tenant_id: tenantId, user_id: userId, resource_id: resourceId } = prepared.event;
  return {
    [ITEM.sort]: { B: sortKey({ instant: prepared.instant, eventId }) },
    [ITEM.timeline]: { S: laneKey(tenantId, laneOf(prepared.event, eventId, epoch)) },
    ...(userId !== undefined && { [ITEM.user]: { B: valueKey(tenantId, userId) } }),
    ...(resourceId !== undefined && { [ITEM.resource]: { B: valueKey(tenantId, resourceId) } }),
  };
}

/** What says which entry an item is, and whether the indexes show it. */
export const PLACE_ATTRIBUTES: readonly string[] = [
  ITEM.key,
  ITEM.batch,
  ITEM.line,
  ITEM.contentHash,
  ITEM.sort,
];

export interface ItemPlace {
  readonly at: LinePlace;
  readonly contentHash: string;
  readonly isIndexed: boolean;
}

/** @throws AuditStorageError `storage-unavailable` where an attribute is missing that every version has */
export function readPlace(item: Item): ItemPlace {
  const batch = item[ITEM.batch]?.B;
  const line = item[ITEM.line]?.N;
  const contentHash = item[ITEM.contentHash]?.B;
  if (batch === undefined || line === undefined || contentHash === undefined) throw damaged(item);
  return {
    at: { batchId: batchText(batch), line: Number(line) },
    contentHash: Buffer.from(contentHash).toString("hex"),
    isIndexed: item[ITEM.sort] !== undefined,
  };
}

/** What `readFoundLine` needs of an item. */
export const LINE_ATTRIBUTES: readonly string[] = [ITEM.key, ITEM.version, ITEM.body, ITEM.conflicts];

/** @throws AuditStorageError `storage-unavailable` where the item is of a newer version, or damaged */
export function readFoundLine(item: Item): FoundLine {
  const version = item[ITEM.version]?.N;
  if (version !== String(ITEM_VERSION)) {
    const message = `item ${item[ITEM.key]?.S ?? ""} is of version ${version ?? "none"}; this version of the service reads ${ITEM_VERSION}`;
    throw new AuditStorageError("storage-unavailable", message);
  }
  const body = item[ITEM.body]?.B;
  if (body === undefined) throw damaged(item);
  const text = decodeBody(body);
  const id = eventIdOfKey(item[ITEM.key]?.S ?? "");
  const conflicts = item[ITEM.conflicts]?.SS;
  return {
    text,
    ...(isDerivedId(id) && { derivedId: id }),
    ...(conflicts !== undefined && { conflicts: conflicts.toSorted() }),
  };
}

function damaged(item: Item): AuditStorageError {
  const message = `item ${item[ITEM.key]?.S ?? ""} lacks attributes that every item has`;
  return new AuditStorageError("storage-unavailable", message);
}

/** A UUID as its 16 bytes. */
export function batchBytes(batchId: string): Uint8Array {
  return Buffer.from(batchId.replaceAll("-", ""), "hex");
}

function batchText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
