/**
 * Dead letters: messages that the consumer could not take however often it tried, kept apart by the queue. This is the
 * small port through which they are looked at and taken, and how one is read.
 */
import { unpackMessage } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { readStoredLine } from "#event/read-line.ts";
import type { IntakeMessage, StampedMessage } from "#service/intake.ts";
import type { QuarantineEntry } from "#service/quarantine.ts";

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

export type LetterReading =
  | {
      readonly kind: "read";
      readonly lines: readonly PreparedLine[];
      /** What can never be stored. */
      readonly refused: readonly QuarantineEntry[];
    }
  /** In a format of another release, which is to be left for it. */
  | { readonly kind: "newer"; readonly format: string };

/** Stamps a message of `intake` as the consumer does: from what the queue says of it, so always with the same outcome. */
export type StampLetter = (letter: IntakeMessage) => StampedMessage;

export function readLetter(queue: LetterQueue, letter: DeadLetter, stamp: StampLetter): LetterReading {
  const { messageId, sentAtMs } = letter;
  const entry = (place: Pick<QuarantineEntry, "index" | "reason" | "errors" | "text">): QuarantineEntry => {
    return { ...place, source: queue, messageId, sentAtMs };
  };
  if (queue === "intake") {
    const stamped = stamp(letter);
    if (stamped.kind === "newer") return stamped;
    const refused = stamped.refused.map(({ code, ...place }) => entry({ ...place, reason: code }));
    return { kind: "read", lines: stamped.lines, refused };
  }
  const message = unpackMessage(letter.body);
  if (message.kind === "newer") return message;
  if (message.kind === "lines") return readLines(message.lines, entry);
  const problem = message.kind === "damaged" ? message.reason : "holds no stored lines";
  const errors = [{ path: "", message: problem }];
  const whole = entry({ index: 0, reason: "damaged-message", errors, text: letter.body });
  return { kind: "read", lines: [], refused: [whole] };
}

function readLines(
  texts: readonly string[],
  entry: (place: Pick<QuarantineEntry, "index" | "reason" | "errors" | "text">) => QuarantineEntry,
): LetterReading {
  const lines: PreparedLine[] = [];
  const refused: QuarantineEntry[] = [];
  for (const [index, text] of texts.entries()) {
    const read = readStoredLine(text);
    if (read.kind === "newer") return { kind: "newer", format: `line format ${read.version}` };
    if (read.kind === "line") lines.push(read.line);
    else {
      const errors = [{ path: "", message: read.reason }];
      refused.push(entry({ index, reason: "damaged-line", errors, text }));
    }
  }
  return { kind: "read", lines, refused };
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
