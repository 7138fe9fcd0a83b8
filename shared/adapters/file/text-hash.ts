/**
 * Short keyed hashes of strings for the in-memory index. A match is only a hint: the line itself is checked before
 * anything is answered, so a collision costs time and never an answer. The seed is random per process, so nobody can
 * prepare colliding values.
 */

/** 32 bits, never 0 (which stands for "absent" in the index). Mixing as in MurmurHash3 (public domain, A. Appleby). */
export function hashText(text: string, seed: number): number {
  let hash = seed ^ text.length;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0xcc9e2d51);
    hash = (hash << 15) | (hash >>> 17);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return hash === 0 ? 1 : hash;
}
