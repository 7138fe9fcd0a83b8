/** A dead letter as `auditlog dlq show` shows it: what this release would make of it. */
import type { ShownLetter } from "#cli/operator.ts";
import type { DeadLetter, LetterQueue } from "#service/dead-letters.ts";
import type { StampMessage } from "#service/read-message.ts";
import { readMessage } from "#service/read-message.ts";

export function showLetter(queue: LetterQueue, letter: DeadLetter, stamp: StampMessage): ShownLetter {
  const { messageId, senderId, sentAtMs, receiveCount, body } = letter;
  const shown = { queue, messageId, senderId, sentAtMs, receiveCount, bytes: Buffer.byteLength(body) };
  const reading = readMessage(queue, letter, stamp);
  if (reading.kind === "newer") return { ...shown, newerFormat: reading.format, events: [], refused: [] };
  return {
    ...shown,
    newerFormat: undefined,
    events: reading.lines.map(({ event, text }) => ({
      eventId: event.event_id,
      tenantId: event.tenant_id,
      action: event.action,
      service: event.service_name,
      text,
    })),
    refused: reading.refused.map(({ index, reason, errors, text }) => ({ index, reason, errors, text })),
  };
}
