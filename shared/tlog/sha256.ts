/**
 * SHA-256 (FIPS 180-4), synchronous and without a platform: browsers have only an asynchronous one. Where the platform has
 * a faster one, callers pass it; both give the same bytes.
 */

/** Any synchronous SHA-256: takes bytes of any length, returns 32 of its own. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

const BLOCK_BYTES = 64;

/** FIPS 180-4 section 4.2.2: fractional parts of the cube roots of the first 64 primes. */
const ROUND = fractionsOfRoots(64, 3);
/** FIPS 180-4 section 5.3.3: fractional parts of the square roots of the first 8 primes. */
const INITIAL = fractionsOfRoots(8, 2);

/** Reused by every call: computing is synchronous, and each call fills them before it reads them. */
const STATE = new Int32Array(8);
const SCHEDULE = new Int32Array(64);
const TAIL = new Uint8Array(2 * BLOCK_BYTES);

export function sha256(bytes: Uint8Array): Uint8Array {
  STATE.set(INITIAL);
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(bytes, at);
  const tailBytes = fillTail(bytes, whole);
  for (let at = 0; at < tailBytes; at += BLOCK_BYTES) compress(TAIL, at);
  const digest = new Uint8Array(32);
  for (let at = 0; at < 32; at += 1) digest[at] = (STATE[at >> 2] ?? 0) >>> (24 - (at & 3) * 8);
  return digest;
}

/** Section 5.1.1: what is left of the message, a one bit, zeroes, and the length in bits as 64 bits. Returns its length. */
function fillTail(bytes: Uint8Array, whole: number): number {
  const rest = bytes.length - whole;
  const tailBytes = rest + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES;
  TAIL.fill(0);
  for (let at = 0; at < rest; at += 1) TAIL[at] = bytes[whole + at] ?? 0;
  TAIL[rest] = 0x80;
  let left = bytes.length * 8;
  for (let at = tailBytes - 1; left > 0; at -= 1) {
    TAIL[at] = left % 256;
    left = Math.floor(left / 256);
  }
  return tailBytes;
}

/** Section 6.2.2, one block of 64 bytes. Words are signed 32-bit integers, whose sums wrap as the standard wants. */
function compress(bytes: Uint8Array, start: number): void {
  fillSchedule(bytes, start);
  let a = STATE[0] ?? 0;
  let b = STATE[1] ?? 0;
  let c = STATE[2] ?? 0;
  let d = STATE[3] ?? 0;
  let e = STATE[4] ?? 0;
  let f = STATE[5] ?? 0;
  let g = STATE[6] ?? 0;
  let h = STATE[7] ?? 0;
  for (let t = 0; t < 64; t += 1) {
    const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + (ROUND[t] ?? 0) + (SCHEDULE[t] ?? 0)) | 0;
    const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  STATE[0] = (STATE[0] ?? 0) + a;
  STATE[1] = (STATE[1] ?? 0) + b;
  STATE[2] = (STATE[2] ?? 0) + c;
  STATE[3] = (STATE[3] ?? 0) + d;
  STATE[4] = (STATE[4] ?? 0) + e;
  STATE[5] = (STATE[5] ?? 0) + f;
  STATE[6] = (STATE[6] ?? 0) + g;
  STATE[7] = (STATE[7] ?? 0) + h;
}

/** Section 6.2.2, step 1. */
function fillSchedule(bytes: Uint8Array, start: number): void {
  for (let t = 0; t < 16; t += 1) {
    const at = start + t * 4;
    SCHEDULE[t] =
      ((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0);
  }
  for (let t = 16; t < 64; t += 1) {
    const w15 = SCHEDULE[t - 15] ?? 0;
    const w2 = SCHEDULE[t - 2] ?? 0;
    const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
    const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
    SCHEDULE[t] = (SCHEDULE[t - 16] ?? 0) + s0 + (SCHEDULE[t - 7] ?? 0) + s1;
  }
}

/** The first 32 bits behind the point of the n-th roots of the first primes, exactly, by integer arithmetic. */
function fractionsOfRoots(count: number, degree: 2 | 3): Int32Array {
  const words: number[] = [];
  for (let candidate = 2n; words.length < count; candidate += 1n) {
    if (!isPrime(candidate)) continue;
    words.push(Number(BigInt.asIntN(32, integerRoot(candidate << BigInt(32 * degree), degree))));
  }
  return Int32Array.from(words);
}

function isPrime(candidate: bigint): boolean {
  for (let divisor = 2n; divisor * divisor <= candidate; divisor += 1n) {
    if (candidate % divisor === 0n) return false;
  }
  return true;
}

/** The greatest integer whose `degree`-th power is at most `value`, by bisection. */
function integerRoot(value: bigint, degree: number): bigint {
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** BigInt(degree) <= value) low = middle;
    else high = middle;
  }
  return low;
}
