/**
 * From a message of either queue to lines that can be stored and entries that never can: for the consumer, and for who
 * brings dead letters back, so that the same message has the same events, and the same objects in quarantine, for both.
 * What comes over `lines` was prepared by the service and is checked line by line all the same; what comes over `intake`
 * is prepared here.
 */
import { unpackMessage } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { readStoredLine } from "#event/read-line.ts";
import type { IntakeMessage, StampedMessage } from "#service/intake.ts";
import type { QuarantineEntry } from "#service/quarantine.ts";

export type MessageReading =
  | {
      readonly kind: "read";
      readonly lines: readonly PreparedLine[];
      /** What can never be stored. */
      readonly refused: readonly QuarantineEntry[];
    }
  /** In a format that a newer release writes, which is to be left for it. */
  | { readonly kind: "newer"; readonly format: string };

/** Stamps a message of `intake` from what the queue says of it, so always with the same outcome. */
export type StampMessage = (message: IntakeMessage) => StampedMessage;

/**
 * Never throws because of what was sent.
 * @param queue that the message was sent to
 */
export function readMessage(
  queue: QuarantineEntry["source"],
  message: IntakeMessage,
  stamp: StampMessage,
): MessageReading {
  return queue === "intake" ? readIntake(message, stamp) : readLines(message);
}

function readIntake(message: IntakeMessage, stamp: StampMessage): MessageReading {
  const stamped = stamp(message);
  if (stamped.kind === "newer") return stamped;
  const refused = stamped.refused.map(({ code, ...place }) => {
    return { ...place, ...originOf(message, "intake"), reason: code };
  });
  return { kind: "read", lines: stamped.lines, refused };
}

function readLines(message: IntakeMessage): MessageReading {
  const origin = originOf(message, "lines");
  const unpacked = unpackMessage(message.body);
  if (unpacked.kind === "newer") return unpacked;
  if (unpacked.kind !== "lines") {
    const problem = unpacked.kind === "damaged" ? unpacked.reason : "holds no stored lines";
    const errors = [{ path: "", message: problem }];
    const whole = { ...origin, reason: "damaged-message", errors, index: 0, text: message.body } as const;
    return { kind: "read", lines: [], refused: [whole] };
  }
  const lines: PreparedLine[] = [];
  const refused: QuarantineEntry[] = [];
  for (const [index, text] of unpacked.lines.entries()) {
    const read = readStoredLine(text);
    if (read.kind === "newer") return { kind: "newer", format: `line version ${read.version}` };
    if (read.kind === "line") lines.push(read.line);
    else {
      const errors = [{ path: "", message: read.reason }];
      refused.push({ ...origin, reason: "damaged-line", errors, index, text });
    }
  }
  return { kind: "read", lines, refused };
}

function originOf(
  { messageId, sentAtMs }: IntakeMessage,
  source: QuarantineEntry["source"],
): Pick<QuarantineEntry, "source" | "messageId" | "sentAtMs"> {
  return { source, messageId, sentAtMs };
}
