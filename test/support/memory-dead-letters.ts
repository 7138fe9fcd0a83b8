// Dead letters in memory, as SQS keeps them: what is taken is hidden, and a receipt is good for the last taking alone.
import { AuditStorageError } from "#lib/errors.ts";
import type { DeadLetter, DeadLetters, LetterCount, LetterQueue } from "#service/dead-letters.ts";

export class MemoryDeadLetters implements DeadLetters {
  readonly queue: LetterQueue;
  readonly letters: DeadLetter[];
  /** So many of the next removals fail. */
  failRemovals = 0;
  private readonly taken = new Map<string, string>();
  private takings = 0;

  constructor(queue: LetterQueue, letters: readonly DeadLetter[]) {
    this.queue = queue;
    this.letters = [...letters];
  }

  visible(): readonly DeadLetter[] {
    return this.letters.filter(({ messageId }) => !this.taken.has(messageId));
  }

  readonly count = async (): Promise<LetterCount> => {
    return { waiting: this.visible().length, taken: this.taken.size };
  };

  readonly take = async (max: number): Promise<readonly DeadLetter[]> =>
    this.visible()
      .slice(0, max)
      .map((letter) => {
        const receipt = `taking ${++this.takings}`;
        this.taken.set(letter.messageId, receipt);
        return { ...letter, receipt };
      });

  readonly remove = async (letters: readonly DeadLetter[]): Promise<void> => {
    if (this.failRemovals-- > 0)
      throw new AuditStorageError("storage-unavailable", "the removal failed", { retryable: true });
    for (const { messageId, receipt } of letters) {
      if (this.taken.get(messageId) !== receipt) throw new Error(`${receipt} is not good any more`);
      const at = this.letters.findIndex((letter) => letter.messageId === messageId);
      if (at !== -1) this.letters.splice(at, 1);
      this.taken.delete(messageId);
    }
  };

  readonly putBack = async (letters: readonly DeadLetter[]): Promise<void> => {
    for (const { messageId } of letters) this.taken.delete(messageId);
  };
}
