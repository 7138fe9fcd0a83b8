/**
 * Counts lines whose tenant and event id an earlier line has. They are no fault: an event that is sent again after its hot
 * retention is stored again, and other content under a known id is kept too. Exact up to a collision of 64 bits; holds at
 * most 128 MiB, and says so where a log has more lines than fit.
 */
import { randomBytes } from "node:crypto";

export interface LateDuplicates {
  /** Whether an earlier line has the ids of the line in [from, to). */
  readonly add: (bytes: Buffer, from: number, to: number) => boolean;
  /** Whether there was no room for some lines. */
  readonly isFull: () => boolean;
}

/** Of 32 bits each, per line. */
const NUMBERS = 2;
const MIN_SLOTS_LOG2 = 10;
const MAX_SLOTS_LOG2 = 24;
const MAX_LOAD = 0.75;

const EVENT_ID = Buffer.from('"event_id":');
const TENANT_ID = Buffer.from('"tenant_id":');
const CHANGES = Buffer.from('"changes":');
const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d] as const;

/** @param lines at most so many will come */
export function createLateDuplicates(lines: number): LateDuplicates {
  // So that who sends events cannot prepare two that collide.
  const seed = randomBytes(8);
  const [seedA, seedB] = [seed.readUInt32LE(0), seed.readUInt32LE(4)];
  const log2 = Math.ceil(Math.log2(lines / MAX_LOAD + 1));
  const slots = new Uint32Array(NUMBERS << Math.min(MAX_SLOTS_LOG2, Math.max(MIN_SLOTS_LOG2, log2)));
  const maxUsed = (slots.length / NUMBERS) * MAX_LOAD;
  let used = 0;

  const place = (a: number, b: number): boolean => {
    const mask = slots.length / NUMBERS - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const [storedA = 0, storedB = 0] = [slots[slot * NUMBERS], slots[slot * NUMBERS + 1]];
      if (storedA === a && storedB === b) return false;
      if (storedA !== 0 || storedB !== 0) continue;
      slots[slot * NUMBERS] = a;
      slots[slot * NUMBERS + 1] = b;
      return true;
    }
  };
  return {
    add: (bytes, from, to) => {
      if (used >= maxUsed) return false; // isFull says so
      const id = findEventId(bytes, from, to);
      const tenant = id === -1 ? -1 : findTenantId(bytes, from, to);
      if (tenant === -1) return false;
      let [a, b] = [seedA, seedB];
      for (const start of [id + 1, tenant + 1]) {
        // Four bytes at once; the quote that ends a string ends its last word.
        for (let at = start, isEnd = false; !isEnd; ) {
          let word = 1;
          for (let n = 0; n < 4 && !isEnd; n++, at++) {
            const byte = at < to ? (bytes[at] ?? QUOTE) : QUOTE;
            word = (word << 8) | byte;
            isEnd = byte === QUOTE;
          }
          // Multipliers of MurmurHash3 (Austin Appleby, public domain).
          a = Math.imul(a ^ word, 0xcc9e2d51);
          a = (a << 15) | (a >>> 17);
          b = Math.imul(b ^ word, 0x1b873593) + 0x52dce729;
          b = (b << 13) | (b >>> 19);
        }
      }
      a = mixed(a ^ (b << 7));
      b = mixed(b);
      const isNew = place(a, b === 0 ? 1 : b);
      if (isNew) used++;
      return !isNew;
    },
    isFull: () => used >= maxUsed,
  };
}

function mixed(hash: number): number {
  let mixing = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35);
  return (mixing ^ (mixing >>> 16)) >>> 0;
}

/** Whether a member of that name has its colon at `colon`. */
function isMember(bytes: Uint8Array, colon: number, name: Uint8Array): boolean {
  for (let at = colon, n = name.length - 1; n >= 0; at--, n--) if (bytes[at] !== name[n]) return false;
  return true;
}

/**
 * Where the value begins of the member that is the event's own id, or -1. Only `changes`, which comes before it, may hold a
 * member of the same name. Looks no further than the line, however hostile it is.
 */
function findEventId(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    if (bytes[at] !== COLON || bytes[at - 1] !== QUOTE) continue;
    if (isMember(bytes, at, EVENT_ID)) return at + 1;
    if (isMember(bytes, at, CHANGES)) return findTopLevelEventId(bytes, from, to);
  }
  return -1;
}

/** Where the value begins of the last member `tenant_id` of a line, or -1. */
function findTenantId(bytes: Uint8Array, from: number, to: number): number {
  for (let at = to - 1; at > from; at--) {
    if (bytes[at] === COLON && bytes[at - 1] === QUOTE && isMember(bytes, at, TENANT_ID)) return at + 1;
  }
  return -1;
}

/** Steps over strings and counts brackets. */
function findTopLevelEventId(bytes: Uint8Array, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    else if (byte === QUOTE) {
      const colon = at + EVENT_ID.length - 1;
      if (depth === 1 && isMember(bytes, colon, EVENT_ID)) return colon + 1;
      for (at++; at < to && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    }
  }
  return -1;
}
