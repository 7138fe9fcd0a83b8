/**
 * The sort key of all indexes: nanoseconds since 1970 as 64 bits big-endian, then the event id in ASCII. Bytes compare as
 * the total order of events does (instant, then id), so an index reads in the order of pages.
 */
import type { Instant } from "#lib/instant.ts";
import type { Position } from "#query/plan.ts";

const TIME_BYTES = 8;
const NANOS_PER_SECOND = 1_000_000_000n;
/** 2554-07-21. No event lies behind it, because none may be in the future; a bound may. */
const MAX_NANOS = 0xffff_ffff_ffff_ffffn;
/** Above every character of an id. */
const ABOVE_IDS = 0xff;

export function sortKey({ instant, eventId }: Position): Uint8Array {
  const bytes = Buffer.alloc(TIME_BYTES + eventId.length);
  bytes.writeBigUInt64BE(nanosOf(instant));
  bytes.write(eventId, TIME_BYTES, "latin1");
  return bytes;
}

export function positionOf(key: Uint8Array): Position {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const nanos = bytes.readBigUInt64BE();
  const instant = { seconds: Number(nanos / NANOS_PER_SECOND), nanos: Number(nanos % NANOS_PER_SECOND) };
  return { instant, eventId: bytes.toString("latin1", TIME_BYTES) };
}

/** Negative where `a` comes first in ascending order. */
export function compareSortKeys(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Inclusive bounds of sort keys. */
export interface SortRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** A key at the bound that is not part of the range: key conditions know no "between" that leaves one bound out. */
  readonly except: Uint8Array | undefined;
}

interface RangeRequest {
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly after: Position | undefined;
  readonly isDescending: boolean;
}

/** The range of a plan; undefined where nothing can be in it. */
export function sortRange({ from, to, after, isDescending }: RangeRequest): SortRange | undefined {
  const lower = timeBytes(from === undefined ? 0n : nanosOf(from));
  const upper = Buffer.concat([
    timeBytes(to === undefined ? MAX_NANOS : nanosOf(to)),
    Uint8Array.of(ABOVE_IDS),
  ]);
  const place = after === undefined ? undefined : sortKey(after);
  const range = {
    from: place !== undefined && !isDescending && Buffer.compare(place, lower) > 0 ? place : lower,
    to: place !== undefined && isDescending && Buffer.compare(place, upper) < 0 ? place : upper,
    except: place,
  };
  return Buffer.compare(range.from, range.to) > 0 ? undefined : range;
}

function nanosOf({ seconds, nanos }: Instant): bigint {
  const all = BigInt(seconds) * NANOS_PER_SECOND + BigInt(nanos);
  return all > MAX_NANOS ? MAX_NANOS : all;
}

function timeBytes(nanos: bigint): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES);
  bytes.writeBigUInt64BE(nanos);
  return bytes;
}
