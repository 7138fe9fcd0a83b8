// Random numbers that a seed decides alone: mulberry32, good enough to choose among few possibilities, and fast.

/** The next number of the sequence, in [0, 1). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An integer from 0 to `end` - 1. */
export function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}
