/**
 * How far the log is durable, shared between threads: the thread that writes it counts, and one that seals reads up to
 * there without asking. Tells as well with which line the live file begins, which its name does not.
 */
import { setTimeout as sleep } from "node:timers/promises";

const DURABLE = 0;
const LIVE_FIRST = 1;
/** Odd while the live file changes its name. */
const TURN = 2;
const CELLS = 3;

/** Takes a moment of the other thread at most; longer means that it has died in the middle. */
const MAX_WAIT_MS = 10_000;
const WAIT_MS = 1;

/** What one thread hands to another. */
export type SharedTail = BigInt64Array<SharedArrayBuffer>;

export class LogTail {
  readonly shared: SharedTail;

  constructor(shared: SharedTail = new BigInt64Array(new SharedArrayBuffer(CELLS * 8))) {
    this.shared = shared;
  }

  /** Lines of the log that are durable, which is the number of the line that comes next. */
  get durableLines(): number {
    return Number(Atomics.load(this.shared, DURABLE));
  }

  /** Number of the first line of the live file. */
  get liveFirstLine(): number {
    return Number(Atomics.load(this.shared, LIVE_FIRST));
  }

  /** To be called before another thread looks. */
  begin(durableLines: number, liveFirstLine: number): void {
    Atomics.store(this.shared, DURABLE, BigInt(durableLines));
    Atomics.store(this.shared, LIVE_FIRST, BigInt(liveFirstLine));
  }

  /** To be called once lines are on the medium. */
  commit(durableLines: number): void {
    Atomics.store(this.shared, DURABLE, BigInt(durableLines));
  }

  /** To be called before the live file gets another name; `endRotation` must follow, also where that fails. */
  beginRotation(): void {
    Atomics.add(this.shared, TURN, 1n);
  }

  endRotation(liveFirstLine: number): void {
    Atomics.store(this.shared, LIVE_FIRST, BigInt(liveFirstLine));
    Atomics.add(this.shared, TURN, 1n);
  }

  /**
   * What `look` finds while no rotation comes between; it may be called several times, and `discard` gets what is void.
   * @throws RangeError where a rotation does not end
   */
  async steadily<T>(look: (liveFirstLine: number) => T, discard: (found: T) => void): Promise<T> {
    for (let waitedMs = 0; waitedMs < MAX_WAIT_MS; waitedMs += WAIT_MS) {
      const turn = Atomics.load(this.shared, TURN);
      if (turn % 2n === 0n) {
        const found = look(this.liveFirstLine);
        if (Atomics.load(this.shared, TURN) === turn) return found;
        discard(found);
      } else await sleep(WAIT_MS);
    }
    throw new RangeError(`the live file has been changing its name for ${MAX_WAIT_MS} ms`);
  }
}
