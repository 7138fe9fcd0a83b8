/**
 * Where lines and events go that can never be stored: one object each in the archive, with the reason and what was
 * sent, so that nothing vanishes and a human can look. Written once, however often its message is delivered.
 */
import type { AuditErrorCode, FieldError } from "#lib/errors.ts";
import type { Archive } from "#service/ports.ts";

/** All quarantined objects lie under it. */
export const QUARANTINE_PREFIX = "quarantine/";
const FORMAT = 1;
/** Writes under way at once for one group of entries. */
const MAX_PARALLEL = 8;

export interface QuarantineEntry {
  /** A code of the contract, or: a stored line was damaged, or a message of the service was. */
  readonly reason: AuditErrorCode | "damaged-line" | "damaged-message";
  readonly errors: readonly FieldError[];
  /** The queue that it came from. */
  readonly source: "lines" | "intake";
  readonly messageId: string;
  /** Place of the entry in its message. */
  readonly index: number;
  /** When the queue took the message; milliseconds since 1970. */
  readonly sentAtMs: number;
  /** What was sent, character for character. */
  readonly text: string;
}

/** Durable on return. Safe to repeat. */
export type Quarantine = (entries: readonly QuarantineEntry[]) => Promise<void>;

/** The function throws AuditStorageError `storage-unavailable` (retryable) where the archive does. */
export function createQuarantine(archive: Archive): Quarantine {
  return async (entries) => {
    for (let from = 0; from < entries.length; from += MAX_PARALLEL) {
      const group = entries.slice(from, from + MAX_PARALLEL);
      await Promise.all(group.map((entry) => archive.putIfAbsent(quarantineKey(entry), encode(entry))));
    }
  };
}

/** A function of what the queue says of the message, hence the same at every delivery. */
export function quarantineKey({ messageId, index, sentAtMs }: QuarantineEntry): string {
  const time = new Date(sentAtMs).toISOString();
  return `${QUARANTINE_PREFIX}dt=${time.slice(0, 10)}/hh=${time.slice(11, 13)}/${messageId}-${index}.json`;
}

function encode({ reason, errors, source, messageId, sentAtMs, text }: QuarantineEntry): Uint8Array {
  const sentAt = new Date(sentAtMs).toISOString();
  return Buffer.from(
    JSON.stringify({ format: FORMAT, reason, errors, source, message_id: messageId, sent_at: sentAt, text }),
  );
}
