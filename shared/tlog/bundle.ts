/** Entry bundles (C2SP tlog-tiles): each entry behind its length as big-endian uint16, 1 to 256 entries. */
import { concatBytes } from "#tlog/bytes.ts";
import { TILE_WIDTH } from "#tlog/tile.ts";
import { TlogError } from "#tlog/tlog-error.ts";
import { HASH_BYTES } from "#tlog/tree-hash.ts";

const MAX_ENTRY_BYTES = 0xffff;
const LENGTH_BYTES = 2;

/** @throws TlogError `malformed` where there are none or more than 256, or one is longer than 65535 bytes */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkCount(entries.length);
  const long = entries.find((entry) => entry.length > MAX_ENTRY_BYTES);
  if (long !== undefined) {
    throw new TlogError("malformed", `an entry is ${long.length} bytes; the limit is ${MAX_ENTRY_BYTES}`);
  }
  return concatBytes(
    entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]),
  );
}

/**
 * Views into `bytes`, no copies.
 * @throws TlogError `malformed` where the bytes are no bundle
 */
export function decodeBundle(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + LENGTH_BYTES;
    const end = start <= bytes.length ? start + view.getUint16(at) : start;
    if (end > bytes.length) {
      throw new TlogError("malformed", `entry ${entries.length} of the bundle is cut off at byte ${at}`);
    }
    if (entries.length === TILE_WIDTH) checkCount(entries.length + 1);
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  checkCount(entries.length);
  return entries;
}

/**
 * A bundle of entries of 32 bytes each that lie one behind the other.
 * @throws TlogError `malformed` where they are not 1 to 256 times 32 bytes
 */
export function encodeHashBundle(entries: Uint8Array): Uint8Array {
  if (entries.length % HASH_BYTES !== 0) {
    throw new TlogError("malformed", `${entries.length} bytes are not entries of ${HASH_BYTES} bytes`);
  }
  const count = entries.length / HASH_BYTES;
  checkCount(count);
  const bundle = new Uint8Array(count * (LENGTH_BYTES + HASH_BYTES));
  for (let from = 0, to = 0; from < entries.length; from += HASH_BYTES, to += LENGTH_BYTES + HASH_BYTES) {
    bundle[to + 1] = HASH_BYTES;
    bundle.set(entries.subarray(from, from + HASH_BYTES), to + LENGTH_BYTES);
  }
  return bundle;
}

/**
 * The entries of a bundle one behind the other, which must be of 32 bytes each.
 * @throws TlogError `malformed` where the bytes are no bundle, or an entry has another length
 */
export function decodeHashBundle(bytes: Uint8Array): Uint8Array {
  const entries = decodeBundle(bytes);
  const wrong = entries.findIndex((entry) => entry.length !== HASH_BYTES);
  const entry = entries[wrong];
  if (entry !== undefined) {
    throw new TlogError("malformed", `entry ${wrong} is ${entry.length} bytes; it must be ${HASH_BYTES}`);
  }
  return concatBytes(entries);
}

function checkCount(count: number): void {
  if (count < 1 || count > TILE_WIDTH) {
    throw new TlogError("malformed", `a bundle holds 1 to ${TILE_WIDTH} entries, not ${count}`);
  }
}
