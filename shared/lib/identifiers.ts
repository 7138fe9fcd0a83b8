/**
 * Identifiers that the service mints: UUIDv7 event ids (RFC 9562 section 5.7) and salts. Randomness and time are
 * passed in. The ids of one source are strictly increasing, so events of one batch keep their order within a millisecond:
 * the 12 bits after the time are a counter (RFC 9562 section 6.2, method 1), the last 62 bits are random.
 */

export interface Identifiers {
  /** A UUIDv7 in lower case, greater than every one minted before. */
  readonly newEventId: () => string;
  /** 16 random bytes, base64url without padding (22 characters). */
  readonly newSalt: () => string;
}

export interface IdentifierSources {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Fills the whole array with cryptographically strong random bytes. */
  readonly fillRandom: (bytes: Buffer) => unknown;
}

const SALT_BYTES = 16;
const RANDOM_TAIL_BYTES = 8;
/** One call for so many bytes: asking the system for each id costs more than the id. */
const POOL_BYTES = 8 * 1024;
const COUNTER_LIMIT = 0x1000;

export function createIdentifiers({ nowMs, fillRandom }: IdentifierSources): Identifiers {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  let lastMs = 0;
  let counter = 0;
  let timeText = "";

  const take = (count: number): number => {
    if (used + count > POOL_BYTES) {
      fillRandom(pool);
      used = 0;
    }
    used += count;
    return used - count;
  };

  const newEventId = (): string => {
    const now = nowMs();
    if (now > lastMs) setTime(now);
    else if (++counter === COUNTER_LIMIT) setTime(lastMs + 1); // over 4,096 in a millisecond: borrow from the next
    const at = take(RANDOM_TAIL_BYTES);
    pool[at] = ((pool[at] ?? 0) & 0x3f) | 0x80; // the variant, 0b10
    const tail = pool.toString("hex", at, at + RANDOM_TAIL_BYTES);
    return `${timeText}-7${counter.toString(16).padStart(3, "0")}-${tail.slice(0, 4)}-${tail.slice(4)}`;
  };

  const setTime = (ms: number): void => {
    lastMs = ms;
    counter = 0;
    const hex = ms.toString(16).padStart(12, "0");
    timeText = `${hex.slice(0, 8)}-${hex.slice(8)}`;
  };

  const newSalt = (): string => {
    const at = take(SALT_BYTES);
    return pool.toString("base64url", at, at + SALT_BYTES);
  };

  return { newEventId, newSalt };
}
