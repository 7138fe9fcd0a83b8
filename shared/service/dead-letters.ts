/**
 * Dead letters: messages that the consumer could not take however often it tried, kept apart by the queue. This is the
 * small port through which they are looked at and taken.
 */
import type { IntakeMessage } from "#service/intake.ts";

/** The queue that a dead letter was sent to. */
export type LetterQueue = "lines" | "intake";

/** What the queue says of it is of the time when it was first sent. */
export interface DeadLetter extends IntakeMessage {
  /** Proves that it was taken; good until it is visible again. */
  readonly receipt: string;
  readonly receiveCount: number;
}

export interface LetterCount {
  /** Waiting, about. */
  readonly waiting: number;
  /** Taken by somebody at the moment, about. */
  readonly taken: number;
}

/** The dead letters of one queue. All functions throw AuditStorageError `storage-unavailable` (retryable). */
export interface DeadLetters {
  readonly queue: LetterQueue;
  readonly count: () => Promise<LetterCount>;
  /** Takes at most `max`, 1–10, which nobody else sees for five minutes; none where none was found this time. */
  readonly take: (max: number) => Promise<readonly DeadLetter[]>;
  /** Deletes letters that were taken, at most 10. */
  readonly remove: (letters: readonly DeadLetter[]) => Promise<void>;
  /** Lets others see letters again that were taken, at most 10; best effort, since time does it too. */
  readonly putBack: (letters: readonly DeadLetter[]) => Promise<void>;
}

/** What one call to SQS takes. */
export const LETTERS_PER_TAKE = 10;
/** A queue is spread over servers, of which one answer may miss some: so many empty ones in a row are believed. */
export const EMPTY_TAKES = 3;

/** Looks at up to `max` letters and leaves them where they are, though nobody else sees them meanwhile. */
export async function peekLetters(source: DeadLetters, max: number): Promise<readonly DeadLetter[]> {
  const seen = new Map<string, DeadLetter>();
  try {
    for (let empty = 0; empty < EMPTY_TAKES && seen.size < max; ) {
      const before = seen.size;
      const letters = await source.take(Math.min(LETTERS_PER_TAKE, max - before));
      for (const letter of letters) seen.set(letter.messageId, letter);
      empty = seen.size === before ? empty + 1 : 0;
    }
  } finally {
    await putBackAll(source, [...seen.values()]);
  }
  return [...seen.values()];
}

export async function putBackAll(source: DeadLetters, letters: readonly DeadLetter[]): Promise<void> {
  for (let at = 0; at < letters.length; at += LETTERS_PER_TAKE)
    await source.putBack(letters.slice(at, at + LETTERS_PER_TAKE));
}
