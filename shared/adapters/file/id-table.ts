/**
 * From the hash of an event's identity to its row: an open-addressing table in typed arrays, split into 256 parts so
 * that growing one moves a few thousand entries and never stalls a request. About 16 bytes a row. Equal hashes are
 * told apart by the caller, who knows the ids.
 */

const PARTS = 256;
const FIRST_SLOTS = 64;
const MAX_LOAD = 0.7;

interface Part {
  hashes: Uint32Array;
  /** Row + 1; 0 is an empty slot. */
  rows: Uint32Array;
  used: number;
}

export interface IdTable {
  /** Adds a row; the caller has made sure that its identity is new. */
  add(hash: number, row: number): void;
  /** The first row with this hash for which `isMatch` holds, or -1. */
  find(hash: number, isMatch: (row: number) => boolean): number;
}

export function createIdTable(): IdTable {
  const parts: Part[] = [];
  for (let index = 0; index < PARTS; index++) parts.push(emptyPart(FIRST_SLOTS));

  return {
    add: (hash, row) => {
      const index = hash >>> 24;
      let part = partAt(parts, index);
      if (part.used + 1 > part.rows.length * MAX_LOAD) {
        part = grown(part);
        parts[index] = part;
      }
      insert(part, hash, row + 1);
    },
    find: (hash, isMatch) => {
      const { hashes, rows } = partAt(parts, hash >>> 24);
      const mask = rows.length - 1;
      for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
        const row = rows[slot] ?? 0;
        if (row === 0) return -1;
        if (hashes[slot] === hash && isMatch(row - 1)) return row - 1;
      }
    },
  };
}

function partAt(parts: readonly Part[], index: number): Part {
  const part = parts[index];
  if (part === undefined) throw new RangeError(`no part ${index}`);
  return part;
}

function emptyPart(slots: number): Part {
  return { hashes: new Uint32Array(slots), rows: new Uint32Array(slots), used: 0 };
}

function insert(part: Part, hash: number, rowPlusOne: number): void {
  const mask = part.rows.length - 1;
  let slot = hash & mask;
  while (part.rows[slot] !== 0) slot = (slot + 1) & mask;
  part.hashes[slot] = hash;
  part.rows[slot] = rowPlusOne;
  part.used++;
}

function grown(part: Part): Part {
  const larger = emptyPart(part.rows.length * 2);
  part.rows.forEach((row, slot) => {
    if (row !== 0) insert(larger, part.hashes[slot] ?? 0, row);
  });
  return larger;
}
