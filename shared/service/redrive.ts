/**
 * Brings dead letters back to where they are consumed, once what failed is mended. Every event is stamped first, from
 * what the queue says of the original message, and travels on as a stored line: a new message has another id and time,
 * from which the events of `intake` would get others too. A letter is deleted only when its lines are durable elsewhere,
 * so a run can be cut off anywhere; what is sent twice is stored once, because it is the same.
 */
import type { DeadLetter, DeadLetters, LetterQueue } from "#service/dead-letters.ts";
import { EMPTY_TAKES, LETTERS_PER_TAKE, putBackAll } from "#service/dead-letters.ts";
import type { Clock, EventQueue } from "#service/ports.ts";
import type { Quarantine } from "#service/quarantine.ts";
import type { StampMessage } from "#service/read-message.ts";
import { readMessage } from "#service/read-message.ts";

export interface RedriveDeps {
  readonly sources: readonly DeadLetters[];
  /** The queue `lines`. */
  readonly queue: EventQueue;
  readonly stamp: StampMessage;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
}

export interface RedriveRequest {
  /** Letters to take at most; undefined: all there are. */
  readonly maxMessages?: number | undefined;
  /** Read them and put them back. */
  readonly isDryRun: boolean;
  readonly stop?: AbortSignal;
  readonly onProgress?: (report: RedriveReport) => Promise<void>;
}

export interface RedriveReport {
  /** Letters of which some event was sent again. */
  readonly messages: number;
  /** Events sent to `lines`. */
  readonly events: number;
  /** Entries put into quarantine; a message that cannot be read is one. */
  readonly quarantined: number;
  /** Letters that held nothing but such entries, so that nothing of them was sent. */
  readonly quarantinedMessages: number;
  /** Letters that were left, because they are in a format of another release. */
  readonly left: readonly LeftLetter[];
  /** Whether the queues held nothing more that could be taken. */
  readonly isFinished: boolean;
}

export interface LeftLetter {
  readonly queue: LetterQueue;
  readonly messageId: string;
  readonly reason: string;
}

/** The function throws AuditStorageError or AuditQueueError where the queues cannot be reached; running it again is safe. */
export function createRedrive(deps: RedriveDeps): (request: RedriveRequest) => Promise<RedriveReport> {
  return async (request) => {
    const run = new Run(deps, request);
    for (const source of deps.sources) await run.empty(source);
    return run.report();
  };
}

class Run {
  private readonly deps: RedriveDeps;
  private readonly request: RedriveRequest;
  private readonly startMs: number;
  private messages = 0;
  private events = 0;
  private quarantined = 0;
  private quarantinedMessages = 0;
  private readonly left: LeftLetter[] = [];
  private isFinished = true;

  constructor(deps: RedriveDeps, request: RedriveRequest) {
    this.deps = deps;
    this.request = request;
    this.startMs = deps.clock.nowMs();
  }

  async empty(source: DeadLetters): Promise<void> {
    const held = new Map<string, DeadLetter>();
    try {
      for (let empty = 0; empty < EMPTY_TAKES; ) {
        const done = this.messages + this.quarantinedMessages;
        const wanted = Math.min(LETTERS_PER_TAKE, (this.request.maxMessages ?? Infinity) - done);
        if (wanted <= 0 || this.request.stop?.aborted === true) {
          this.isFinished = false;
          return;
        }
        const letters = await source.take(wanted);
        const fresh = letters.filter(({ messageId }) => !held.has(messageId));
        for (const letter of letters) held.set(letter.messageId, letter); // the newest receipt is the one that is good
        // Only letters that were taken before, as after five minutes, do not say that there are no others.
        empty = letters.length === 0 ? empty + 1 : 0;
        const outcomes = await Promise.allSettled(fresh.map((letter) => this.bringBack(source, letter)));
        for (const [index, letter] of fresh.entries()) {
          const outcome = outcomes[index];
          if (outcome?.status === "fulfilled" && outcome.value === "removed") held.delete(letter.messageId);
        }
        const failure = outcomes.find((outcome) => outcome.status === "rejected");
        if (failure !== undefined) throw failure.reason;
        await this.request.onProgress?.(this.report());
      }
    } finally {
      await putBackAll(source, [...held.values()]);
    }
  }

  private async bringBack(source: DeadLetters, letter: DeadLetter): Promise<"removed" | "kept"> {
    const { queue } = source;
    // Sent by this run, and dead again: what failed is not mended, and this run would never end.
    if (queue === "lines" && letter.sentAtMs >= this.startMs) {
      this.left.push({ queue, messageId: letter.messageId, reason: "was sent after this run had begun" });
      return "kept";
    }
    const reading = readMessage(queue, letter, this.deps.stamp);
    if (reading.kind === "newer") {
      const reason = `is in a format of a newer release (${reading.format})`;
      this.left.push({ queue, messageId: letter.messageId, reason });
      return "kept";
    }
    const { lines, refused } = reading;
    if (!this.request.isDryRun) {
      if (refused.length > 0) await this.deps.quarantine(refused);
      if (lines.length > 0) await this.deps.queue.send(lines);
      await source.remove([letter]);
    }
    if (lines.length > 0) this.messages++;
    else this.quarantinedMessages++;
    this.events += lines.length;
    this.quarantined += refused.length;
    return this.request.isDryRun ? "kept" : "removed";
  }

  report(): RedriveReport {
    const { messages, events, quarantined, quarantinedMessages, left, isFinished } = this;
    return { messages, events, quarantined, quarantinedMessages, left: [...left], isFinished };
  }
}
