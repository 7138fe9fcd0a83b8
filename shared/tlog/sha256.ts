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

export function sha256(bytes: Uint8Array): Uint8Array {
  const state = Int32Array.from(INITIAL);
  const schedule = new Int32Array(64);
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  const input = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(state, schedule, { view: input, at });
  const tail = paddedTail(bytes, whole);
  const tailView = new DataView(tail.buffer);
  for (let at = 0; at < tail.length; at += BLOCK_BYTES) compress(state, schedule, { view: tailView, at });
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => {
    digest.setInt32(index * 4, word);
  });
  return new Uint8Array(digest.buffer);
}

/** Section 5.1.1: what is left of the message, a one bit, zeroes, and the length in bits as 64 bits. */
function paddedTail(bytes: Uint8Array, whole: number): Uint8Array<ArrayBuffer> {
  const rest = bytes.length - whole;
  const tail = new Uint8Array(rest + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(bytes.length / 0x2000_0000));
  view.setUint32(tail.length - 4, (bytes.length << 3) >>> 0);
  return tail;
}

/** Section 6.2.2, one block. Words are signed 32-bit integers, whose sums wrap as the standard wants. */
function compress(state: Int32Array, w: Int32Array, block: { view: DataView; at: number }): void {
  for (let t = 0; t < 16; t += 1) w[t] = block.view.getInt32(block.at + t * 4);
  for (let t = 16; t < 64; t += 1) {
    const w15 = w[t - 15] ?? 0;
    const w2 = w[t - 2] ?? 0;
    const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
    const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
    w[t] = ((w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1) | 0;
  }
  let [a = 0, b = 0, c = 0, d = 0] = state;
  let [e = 0, f = 0, g = 0, h = 0] = state.subarray(4);
  for (let t = 0; t < 64; t += 1) {
    const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + (ROUND[t] ?? 0) + (w[t] ?? 0)) | 0;
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
  const words = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i += 1) state[i] = ((state[i] ?? 0) + (words[i] ?? 0)) | 0;
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
