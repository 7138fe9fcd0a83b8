// The port EventTable kept by a map: the oracle of property tests, and the table of tests that need no stand-in.
import { MAX_NOTED_CONFLICTS } from "#service/conflict-id.ts";
import type { EventTable, InsertOutcome, ItemPlaces, LinePlace, TableEntry } from "#service/ports.ts";

/** What stands in the table. */
export interface MemoryItem {
  readonly tenantId: string;
  /** Id under which it stands: the event's, or a derived one. */
  readonly eventId: string;
  readonly at: LinePlace;
  readonly contentHash: string;
  readonly text: string;
  readonly isIndexed: boolean;
  readonly conflicts: readonly string[];
}

export class MemoryEventTable implements EventTable {
  /** Items by tenant and id, joined by "#". */
  readonly items = new Map<string, MemoryItem>();
  /** Whether the indexes take a new entry; where not, it is inserted without them. */
  takesIndexKeys: (entry: TableEntry) => boolean = () => true;

  async insert(entries: readonly TableEntry[]): Promise<readonly InsertOutcome[]> {
    return entries.map((entry) => this.insertOne(entry));
  }

  async index(entries: readonly TableEntry[]): Promise<void> {
    for (const entry of entries) {
      const item = this.items.get(keyOf(entry));
      if (item === undefined || !isAt(item.at, entry)) continue;
      this.items.set(keyOf(entry), { ...item, isIndexed: true });
    }
  }

  async noteConflict({ eventId: conflictId, prepared }: TableEntry): Promise<void> {
    const { tenant_id: tenantId, event_id: eventId } = prepared.event;
    const item = this.items.get(`${tenantId}#${eventId}`);
    if (item === undefined || item.conflicts.includes(conflictId)) return;
    if (item.conflicts.length === MAX_NOTED_CONFLICTS) return;
    this.items.set(`${tenantId}#${eventId}`, { ...item, conflicts: [...item.conflicts, conflictId] });
  }

  private insertOne(entry: TableEntry): InsertOutcome {
    const item = this.items.get(keyOf(entry));
    if (item !== undefined) {
      const { at, contentHash, isIndexed: isFound } = item;
      return { kind: "exists", at, contentHash, isIndexed: isFound };
    }
    const { batchId, line, eventId, prepared } = entry;
    const isIndexed = this.takesIndexKeys(entry);
    this.items.set(keyOf(entry), {
      tenantId: prepared.event.tenant_id,
      eventId,
      at: { batchId, line },
      contentHash: prepared.contentHash,
      text: prepared.text,
      isIndexed,
      conflicts: [],
    });
    return { kind: "inserted", isIndexed };
  }
}

/** The port ItemPlaces over the same map. */
export function itemPlaces({ items }: MemoryEventTable): ItemPlaces {
  return {
    placesOf: async (keys) => keys.map(({ tenantId, eventId }) => items.get(`${tenantId}#${eventId}`)?.at),
  };
}

function keyOf({ eventId, prepared }: TableEntry): string {
  return `${prepared.event.tenant_id}#${eventId}`;
}

function isAt(at: LinePlace, { batchId, line }: LinePlace): boolean {
  return at.batchId === batchId && at.line === line;
}
