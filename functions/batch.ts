/**
 * Works through messages in groups, so that what a group costs is spread, and narrows failures down, so that one message
 * that trips a fault does not drag others into the dead-letter queue. Every message is either done or failed.
 */

/** A message with what it weighs. */
export interface Weighed {
  readonly lines: number;
  /** Of its content in memory. */
  readonly bytes: number;
  /** It has failed before, so it may be what makes its group fail. */
  readonly isSuspect: boolean;
}

export interface GroupOptions<Message extends Weighed> {
  /** Does all of a group or rejects, after which any part may be done; safe to repeat in any grouping. */
  readonly work: (messages: readonly Message[]) => Promise<void>;
  /** Takes the messages that are to be delivered again. `error` is undefined where they were not tried. */
  readonly onFailed: (messages: readonly Message[], error: unknown) => void;
  readonly monotonicMs: () => number;
}

/** What one batch object may hold of whole messages; a single message may be larger. */
const MAX_GROUP_LINES = 5_000;
const MAX_GROUP_BYTES = 32 * 1024 * 1024;
/** After a failure nothing new is tried for longer than this: something is down, and every try takes its time. */
const MAX_TROUBLED_MS = 30_000;
/**
 * Nothing new is begun after half the time that the function has (120 s). One that is cut off acknowledges nothing, not
 * even what it has stored, and would have it all to do again, as slowly.
 */
const MAX_RUN_MS = 60_000;
/** Narrowing 10,000 messages down to one takes 14 failures in a row; more means that all fail. */
const MAX_FAILURES_IN_A_ROW = 20;

/** For one invocation: `add` every message, then `end`. */
export class MessageGroups<Message extends Weighed> {
  private readonly options: GroupOptions<Message>;
  private readonly startMs: number;
  private readonly fresh: Group<Message> = { messages: [], lines: 0, bytes: 0 };
  /** Apart, so that others do not fail with them. */
  private readonly suspects: Group<Message> = { messages: [], lines: 0, bytes: 0 };
  private failures = 0;
  private failuresInARow = 0;

  constructor(options: GroupOptions<Message>) {
    this.options = options;
    this.startMs = options.monotonicMs();
  }

  /** May work a group off before it returns, so that no more is in memory than two groups hold. */
  async add(message: Message): Promise<void> {
    const group = message.isSuspect ? this.suspects : this.fresh;
    const isFull =
      group.lines + message.lines > MAX_GROUP_LINES || group.bytes + message.bytes > MAX_GROUP_BYTES;
    if (isFull) await this.workOff(group);
    group.messages.push(message);
    group.lines += message.lines;
    group.bytes += message.bytes;
  }

  /** Whether nothing more is begun by this invocation: what is not added yet need not be read. */
  isOver(): boolean {
    return this.elapsedMs() > MAX_RUN_MS;
  }

  async end(): Promise<void> {
    await this.workOff(this.fresh);
    await this.workOff(this.suspects);
  }

  private async workOff(group: Group<Message>): Promise<void> {
    const messages = group.messages.splice(0);
    group.lines = 0;
    group.bytes = 0;
    await this.try(messages, group === this.suspects);
  }

  private async try(messages: readonly Message[], mayNarrow: boolean): Promise<void> {
    if (messages.length === 0) return;
    if (!this.mayTry()) {
      this.options.onFailed(messages, undefined);
      return;
    }
    const failure = await this.workOn(messages);
    if (failure === undefined) return;
    if (!mayNarrow || messages.length === 1) {
      this.options.onFailed(messages, failure.error);
      return;
    }
    const middle = Math.ceil(messages.length / 2);
    await this.try(messages.slice(0, middle), true);
    await this.try(messages.slice(middle), true);
  }

  private async workOn(messages: readonly Message[]): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.options.work(messages);
      this.failuresInARow = 0;
      return undefined;
    } catch (error) {
      this.failures++;
      this.failuresInARow++;
      return { error };
    }
  }

  private mayTry(): boolean {
    if (this.isOver()) return false;
    if (this.failures === 0) return true;
    return this.elapsedMs() <= MAX_TROUBLED_MS && this.failuresInARow < MAX_FAILURES_IN_A_ROW;
  }

  private elapsedMs(): number {
    return this.options.monotonicMs() - this.startMs;
  }
}

interface Group<Message> {
  readonly messages: Message[];
  lines: number;
  bytes: number;
}
