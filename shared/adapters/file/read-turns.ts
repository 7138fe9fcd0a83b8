/**
 * Shares the event loop between readers and everything else: stretches of synchronous reading run one per turn of the
 * loop, in the order in which they were asked for, so that however many pages are asked for at once, a writer never
 * waits for more than one.
 */
import { AuditQueryError } from "#lib/errors.ts";

/** Stretches take up to 25 ms each, so the last of so many waits five seconds. */
const MAX_WAITING = 200;
const RETRY_AFTER_S = 1;

export class ReadTurns {
  private readonly waiting: (() => void)[] = [];
  private isTaken = false;

  /**
   * Runs `stretch` at once where this turn is free, else in a later one.
   * @throws AuditQueryError `overloaded` (retryable) where too many wait already
   */
  async run<Result>(stretch: () => Result): Promise<Result> {
    if (this.isTaken) await this.turn();
    else this.isTaken = true;
    setImmediate(() => this.pass());
    return stretch();
  }

  private turn(): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) {
      const message = `${this.waiting.length} reads wait already, which is the limit`;
      throw new AuditQueryError("overloaded", message, { retryable: true, retryAfterS: RETRY_AFTER_S });
    }
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  /** The turn is over: the next one that waits has it, or the next that comes. */
  private pass(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.isTaken = false;
    else next();
  }
}
