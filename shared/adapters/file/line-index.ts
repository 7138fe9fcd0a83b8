/**
 * The in-memory index over every line of every file: finds an event by its identity and rows by access path, and
 * knows where each line begins. Rows are numbered from 0 in the order of the log. Holds no line text.
 */
import { randomInt } from "node:crypto";
import { createIdTable } from "#adapters/file/id-table.ts";
import type { IndexRow } from "#adapters/file/index-chunk.ts";
import { CHUNK_ROWS, IndexChunk } from "#adapters/file/index-chunk.ts";
import { hashText } from "#adapters/file/text-hash.ts";
import type { Category, Level } from "#event/audit-event.ts";
import { CATEGORIES, LEVELS } from "#event/audit-event.ts";
import type { Instant } from "#lib/instant.ts";

/** Members of an event that the index keeps something of. */
export interface IndexedEvent {
  readonly event_id: string;
  readonly tenant_id: string;
  readonly level: Level;
  readonly category: Category;
  readonly action: string;
  readonly service_name: string;
  readonly user_id?: string | undefined;
  readonly resource_id?: string | undefined;
}

/** What the index keeps of a line, ready to be added. */
export interface IndexEntry extends IndexRow {
  /** `identityHash` of the event. */
  readonly hash: number;
}

/** Hashed members, each under a seed of its own so that equal texts in two members do not meet. */
export type HashedMember = "service" | "user" | "resource" | "action";

const MAX_ROWS = 2 ** 32 - 2;

const LEVEL_NUMBERS: ReadonlyMap<string, number> = new Map(LEVELS.map((level, index) => [level, index]));
const CATEGORY_NUMBERS: ReadonlyMap<string, number> = new Map(
  CATEGORIES.map((category, index) => [category, index]),
);

/** Level and category as one byte. */
export function kindOf(level: string, category: string): number {
  return (CATEGORY_NUMBERS.get(category) ?? 0) * LEVELS.length + (LEVEL_NUMBERS.get(level) ?? 0);
}

export class LineIndex {
  readonly chunks: IndexChunk[] = [];
  private rowCount = 0;
  private readonly ids = createIdTable();
  /** Tenant numbers begin at 1. */
  private readonly tenants = new Map<string, number>();
  private readonly eventCounts: number[] = [0];
  private readonly seeds: Readonly<Record<HashedMember | "id", number>> = {
    id: randomInt(2 ** 32),
    service: randomInt(2 ** 32),
    user: randomInt(2 ** 32),
    resource: randomInt(2 ** 32),
    action: randomInt(2 ** 32),
  };

  /** Lines indexed, also those that cannot be read. */
  get rows(): number {
    return this.rowCount;
  }

  entryOf(event: IndexedEvent, instant: Instant): IndexEntry {
    const tenant = this.tenantNumber(event.tenant_id);
    return {
      instant,
      eventId: event.event_id,
      tenant,
      kind: kindOf(event.level, event.category),
      service: this.memberHash("service", tenant, event.service_name),
      user: event.user_id === undefined ? 0 : this.memberHash("user", tenant, event.user_id),
      resource: event.resource_id === undefined ? 0 : this.memberHash("resource", tenant, event.resource_id),
      action: this.memberHash("action", tenant, event.action),
      hash: this.identityHash(event.tenant_id, event.event_id),
    };
  }

  /** Adds the next line. The caller has made sure that the identity is new. */
  add(entry: IndexEntry, offset: number): void {
    this.head().add(entry, offset);
    this.ids.add(entry.hash, this.rowCount);
    this.eventCounts[entry.tenant] = (this.eventCounts[entry.tenant] ?? 0) + 1;
    this.advance();
  }

  /** Gives a line that cannot be read its number. */
  addVoid(offset: number): void {
    this.head().addVoid(offset);
    this.advance();
  }

  /** Whether a row is that of a line that cannot be served. */
  isVoid(row: number): boolean {
    return this.chunkOf(row).isVoid(row % CHUNK_ROWS);
  }

  /** The row of an event, or -1. */
  find(tenantId: string, eventId: string): number {
    const tenant = this.tenants.get(tenantId);
    return tenant === undefined
      ? -1
      : this.rowOf({ tenant, eventId, hash: this.identityHash(tenantId, eventId) });
  }

  /** The row of the event with an entry's identity, or -1. */
  rowOf({ tenant, eventId, hash }: Pick<IndexEntry, "tenant" | "eventId" | "hash">): number {
    return this.ids.find(hash, (row) => {
      const chunk = this.chunkOf(row);
      const local = row % CHUNK_ROWS;
      return chunk.tenant[local] === tenant && chunk.hasEventId(local, eventId);
    });
  }

  private identityHash(tenantId: string, eventId: string): number {
    return hashText(eventId, hashText(tenantId, this.seeds.id));
  }

  /** Number of a tenant, or undefined where it has no events. */
  knownTenant(tenantId: string): number | undefined {
    return this.tenants.get(tenantId);
  }

  /** Lines that are events and can be found. */
  get events(): number {
    return this.eventCounts.reduce((sum, count) => sum + count, 0);
  }

  eventsOf(tenantId: string): number {
    return this.eventCounts[this.tenants.get(tenantId) ?? 0] ?? 0;
  }

  memberHash(member: HashedMember, tenant: number, value: string): number {
    return hashText(value, this.seeds[member] ^ Math.imul(tenant, 0x9e3779b1));
  }

  offsetOf(row: number): number {
    return this.chunkOf(row).offset[row % CHUNK_ROWS] ?? 0;
  }

  chunkOf(row: number): IndexChunk {
    const chunk = this.chunks[Math.floor(row / CHUNK_ROWS)];
    if (chunk === undefined) throw new RangeError(`row ${row} is not indexed; there are ${this.rowCount}`);
    return chunk;
  }

  private head(): IndexChunk {
    const last = this.chunks.at(-1);
    if (last !== undefined && !last.isFull) return last;
    if (this.rowCount >= MAX_ROWS) throw new RangeError(`the index holds ${MAX_ROWS} lines at most`);
    const chunk = new IndexChunk();
    this.chunks.push(chunk);
    return chunk;
  }

  private advance(): void {
    this.rowCount++;
    const last = this.chunks.at(-1);
    if (last?.isFull === true) last.seal();
  }

  private tenantNumber(tenantId: string): number {
    const known = this.tenants.get(tenantId);
    if (known !== undefined) return known;
    const number = this.tenants.size + 1;
    this.tenants.set(tenantId, number);
    return number;
  }
}
