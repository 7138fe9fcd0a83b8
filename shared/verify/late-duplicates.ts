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

const EVENT_ID = Buffer.from('"event_id":"');
const TENANT_ID = Buffer.from('"tenant_id":"');
const CHANGES = Buffer.from('"changes":');
const QUOTE = 0x22;

/** @param lines at most so many will come */
export function createLateDuplicates(lines: number): LateDuplicates {
  // So that who sends events cannot prepare two that collide.
  const seed = randomBytes(8);
  const [seedA, seedB] = [seed.readUInt32LE(0), seed.readUInt32LE(4)];
  const log2 = Math.ceil(Math.log2(lines / MAX_LOAD + 1));
  const slots = new Uint32Array(NUMBERS << Math.min(MAX_SLOTS_LOG2, Math.max(MIN_SLOTS_LOG2, log2)));
  const maxUsed = (slots.length / NUMBERS) * MAX_LOAD;
  let used = 0;
  const findId = createIdFinder();

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
      const id = findId(bytes, from, to);
      const tenant = id === -1 ? -1 : bytes.lastIndexOf(TENANT_ID, to - 1);
      if (tenant < from) return false;
      let [a, b] = [seedA, seedB];
      for (const start of [id + EVENT_ID.length, tenant + TENANT_ID.length]) {
        for (let at = start; at < to; at++) {
          const byte = bytes[at] ?? QUOTE;
          // Multipliers of MurmurHash3 (Austin Appleby, public domain).
          a = Math.imul(a ^ byte, 0xcc9e2d51);
          a = (a << 15) | (a >>> 17);
          b = Math.imul(b ^ byte, 0x1b873593) + 0x52dce729;
          b = (b << 13) | (b >>> 19);
          if (byte === QUOTE) break;
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

/**
 * Finds where the member begins that is the event's own id, or -1. Only `changes`, which comes before it, may hold a member
 * of the same name. Most lines have none: where the next one is, is looked up once for many lines of a block.
 */
function createIdFinder(): (bytes: Buffer, from: number, to: number) => number {
  let block: Buffer | undefined;
  let nextChanges = -1;
  return (bytes, from, to) => {
    const first = bytes.indexOf(EVENT_ID, from);
    if (first === -1 || first >= to) return -1;
    if (block !== bytes || nextChanges < from) {
      block = bytes;
      const found = bytes.indexOf(CHANGES, from);
      nextChanges = found === -1 ? Number.POSITIVE_INFINITY : found;
    }
    return nextChanges > first ? first : topLevelEventId(bytes, from, to);
  };
}

/** Steps over strings and counts brackets. */
function topLevelEventId(bytes: Buffer, from: number, to: number): number {
  const [open, close] = [new Set([0x7b, 0x5b]), new Set([0x7d, 0x5d])];
  let depth = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (open.has(byte)) depth++;
    else if (close.has(byte)) depth--;
    else if (byte === QUOTE) {
      if (depth === 1 && bytes.subarray(at, at + EVENT_ID.length).equals(EVENT_ID)) return at;
      for (at++; at < to && bytes[at] !== QUOTE; at++) if (bytes[at] === 0x5c) at++;
    }
  }
  return -1;
}
