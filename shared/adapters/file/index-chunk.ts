/**
 * 16,384 consecutive rows of the in-memory index as columns: time, place in the file, id, and hashes of the members
 * that queries use. Rows are kept in time order as they come; a full chunk is sealed, which sorts it once by each
 * access path. About 75 bytes a row, ids included. Row numbers here are local to the chunk.
 */
import type { Instant } from "#lib/instant.ts";

export const CHUNK_ROWS = 16_384;
/** `kind` of a row whose line cannot be read: it takes a number but is in no order. */
const VOID_KIND = 255;
const FIRST_ID_BYTES = CHUNK_ROWS * 40;

/** Columns that an access path sorts by, beside the tenant's timeline. */
export type KeyColumn = "tenant" | "service" | "user" | "resource";
const KEY_COLUMNS: readonly KeyColumn[] = ["tenant", "service", "user", "resource"];

/** What the index keeps of one line. Hashes are 0 where the member is absent. */
export interface IndexRow {
  readonly instant: Instant;
  readonly eventId: string;
  readonly tenant: number;
  /** Level and category in one byte. */
  readonly kind: number;
  readonly service: number;
  readonly user: number;
  readonly resource: number;
  readonly action: number;
}

export class IndexChunk {
  count = 0;
  readonly seconds = new Uint32Array(CHUNK_ROWS);
  readonly nanos = new Uint32Array(CHUNK_ROWS);
  /** Byte at which the line begins in its file. */
  readonly offset = new Uint32Array(CHUNK_ROWS);
  readonly kind = new Uint8Array(CHUNK_ROWS);
  readonly tenant = new Uint32Array(CHUNK_ROWS);
  readonly service = new Uint32Array(CHUNK_ROWS);
  readonly user = new Uint32Array(CHUNK_ROWS);
  readonly resource = new Uint32Array(CHUNK_ROWS);
  readonly action = new Uint32Array(CHUNK_ROWS);
  /** Readable rows in time order; only the first `ordered` entries count. */
  readonly order = new Uint16Array(CHUNK_ROWS);
  ordered = 0;
  /** Whether lines of more than one tenant are here. */
  private isMixed = false;
  private ids = Buffer.allocUnsafeSlow(FIRST_ID_BYTES);
  private readonly idEnd = new Uint32Array(CHUNK_ROWS);
  private readonly sorted = new Map<KeyColumn, Uint16Array>();

  get isFull(): boolean {
    return this.count === CHUNK_ROWS;
  }

  /** Adds a line at byte `offset`. The chunk must not be full. */
  add(entry: IndexRow, offset: number): void {
    const row = this.addVoid(offset);
    this.seconds[row] = entry.instant.seconds;
    this.nanos[row] = entry.instant.nanos;
    this.kind[row] = entry.kind;
    this.tenant[row] = entry.tenant;
    if (this.ordered > 0 && this.tenant[this.order[0] ?? 0] !== entry.tenant) this.isMixed = true;
    this.service[row] = entry.service;
    this.user[row] = entry.user;
    this.resource[row] = entry.resource;
    this.action[row] = entry.action;
    this.addId(row, entry.eventId);
    this.insertInOrder(row);
  }

  /** Adds a line that cannot be read, so that the lines behind it keep their numbers. */
  addVoid(offset: number): number {
    const row = this.count++;
    this.offset[row] = offset;
    this.kind[row] = VOID_KIND;
    this.idEnd[row] = this.idStart(row);
    return row;
  }

  isVoid(row: number): boolean {
    return this.kind[row] === VOID_KIND;
  }

  eventId(row: number): string {
    return this.ids.toString("latin1", this.idStart(row), this.idEnd[row]);
  }

  hasEventId(row: number, eventId: string): boolean {
    const start = this.idStart(row);
    if ((this.idEnd[row] ?? 0) - start !== eventId.length) return false;
    for (let at = 0; at < eventId.length; at++)
      if (this.ids[start + at] !== eventId.charCodeAt(at)) return false;
    return true;
  }

  /** Order of two rows, perhaps of two chunks: by instant, then by event id (ASCII, so bytes are UTF-16 code units). */
  compare(row: number, other: IndexChunk, otherRow: number): number {
    const seconds = (this.seconds[row] ?? 0) - (other.seconds[otherRow] ?? 0);
    if (seconds !== 0) return seconds;
    const nanos = (this.nanos[row] ?? 0) - (other.nanos[otherRow] ?? 0);
    if (nanos !== 0) return nanos;
    const start = this.idStart(row);
    const otherStart = other.idStart(otherRow);
    const length = (this.idEnd[row] ?? 0) - start;
    const otherLength = (other.idEnd[otherRow] ?? 0) - otherStart;
    const shared = Math.min(length, otherLength);
    for (let at = 0; at < shared; at++) {
      const difference = (this.ids[start + at] ?? 0) - (other.ids[otherStart + at] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  /** Order of a row and an instant. */
  compareInstant(row: number, instant: Instant): number {
    const seconds = (this.seconds[row] ?? 0) - instant.seconds;
    return seconds === 0 ? (this.nanos[row] ?? 0) - instant.nanos : seconds;
  }

  /** Sorts a full chunk by each access path and gives back the memory it does not need. */
  seal(): void {
    const order = this.order.subarray(0, this.ordered);
    for (const column of KEY_COLUMNS)
      if (column !== "tenant" || this.isMixed) this.sorted.set(column, sortByKey(order, this[column]));
    const used = Buffer.allocUnsafeSlow(this.idEnd[CHUNK_ROWS - 1] ?? 0);
    this.ids.copy(used);
    this.ids = used;
  }

  /** The rows whose `column` is `key`, in time order. A snapshot: valid until the next row is added. */
  rowsWith(column: KeyColumn, key: number): Uint16Array {
    const keys = this[column];
    if (column === "tenant" && !this.isMixed)
      return this.order.subarray(0, keys[this.order[0] ?? 0] === key ? this.ordered : 0);
    const sorted = this.sorted.get(column);
    if (sorted === undefined) return this.order.subarray(0, this.ordered).filter((row) => keys[row] === key);
    const from = firstAtLeast(sorted, keys, key);
    return sorted.subarray(from, firstAtLeast(sorted, keys, key + 1));
  }

  private idStart(row: number): number {
    return row === 0 ? 0 : (this.idEnd[row - 1] ?? 0);
  }

  private addId(row: number, eventId: string): void {
    const start = this.idStart(row);
    const end = start + eventId.length;
    if (end > this.ids.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.ids.length * 2));
      this.ids.copy(larger, 0, 0, start);
      this.ids = larger;
    }
    this.ids.write(eventId, start, eventId.length, "latin1");
    this.idEnd[row] = end;
  }

  /** Events mostly come in time order, so the search goes back from the end before it halves. */
  private insertInOrder(row: number): void {
    let at = this.ordered;
    if (at > 0 && this.compare(row, this, this.order[at - 1] ?? 0) < 0) {
      let low = 0;
      at--;
      while (low < at) {
        const middle = (low + at) >>> 1;
        if (this.compare(row, this, this.order[middle] ?? 0) < 0) at = middle;
        else low = middle + 1;
      }
      this.order.copyWithin(at + 1, at, this.ordered);
    }
    this.order[at] = row;
    this.ordered++;
  }
}

/** The rows of `order` whose key is not 0, sorted by key and within a key as before (least significant byte first). */
function sortByKey(order: Uint16Array, keys: Uint32Array): Uint16Array {
  let from = order.filter((row) => keys[row] !== 0);
  let to = new Uint16Array(from.length);
  const starts = new Uint32Array(256);
  for (let shift = 0; shift < 32; shift += 8) {
    starts.fill(0);
    for (const row of from) {
      const digit = ((keys[row] ?? 0) >>> shift) & 255;
      starts[digit] = (starts[digit] ?? 0) + 1;
    }
    let next = 0;
    for (let digit = 0; digit < 256; digit++) {
      const count = starts[digit] ?? 0;
      starts[digit] = next;
      next += count;
    }
    for (const row of from) {
      const digit = ((keys[row] ?? 0) >>> shift) & 255;
      const at = starts[digit] ?? 0;
      to[at] = row;
      starts[digit] = at + 1;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Index of the first row in `sorted` whose key is at least `key`. */
function firstAtLeast(sorted: Uint16Array, keys: Uint32Array, key: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[sorted[middle] ?? 0] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
