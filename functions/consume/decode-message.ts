/**
 * From a message of either queue to lines that can be persisted and entries that never can. What comes over `lines` was
 * prepared by the service and is checked line by line all the same; what comes over `intake` is prepared here.
 */
import type { SQSRecord } from "aws-lambda";
import { unpackMessage } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { readStoredLine } from "#event/read-line.ts";
import type { IntakeDeps } from "#service/intake.ts";
import { stampIntake } from "#service/intake.ts";
import type { QuarantineEntry } from "#service/quarantine.ts";

export interface DecodeDeps extends IntakeDeps {
  /** ARN of the queue `lines`; every other queue is taken for `intake`. */
  readonly linesQueueArn: string;
}

export type DecodedMessage =
  | {
      readonly kind: "decoded";
      readonly lines: readonly PreparedLine[];
      readonly refused: readonly QuarantineEntry[];
    }
  /** In a format that a newer release writes: it stays in the queue for a release that reads it. */
  | { readonly kind: "newer"; readonly format: string };

/** Never throws because of what was sent. */
export function decodeMessage(record: SQSRecord, deps: DecodeDeps): DecodedMessage {
  return record.eventSourceARN === deps.linesQueueArn ? decodeLines(record) : decodeIntake(record, deps);
}

export function sentAtMs(record: SQSRecord): number {
  return Number(record.attributes.SentTimestamp);
}

function decodeLines(record: SQSRecord): DecodedMessage {
  const origin = originOf(record, "lines");
  const unpacked = unpackMessage(record.body);
  if (unpacked.kind === "newer") return unpacked;
  if (unpacked.kind !== "lines") {
    const message = unpacked.kind === "damaged" ? unpacked.reason : "holds no stored lines";
    const errors = [{ path: "", message }];
    const entry = { ...origin, reason: "damaged-message", errors, index: 0, text: record.body } as const;
    return { kind: "decoded", lines: [], refused: [entry] };
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
  return { kind: "decoded", lines, refused };
}

function decodeIntake(record: SQSRecord, deps: DecodeDeps): DecodedMessage {
  const origin = originOf(record, "intake");
  const message = {
    messageId: record.messageId,
    senderId: record.attributes.SenderId,
    sentAtMs: origin.sentAtMs,
    body: record.body,
  };
  const stamped = stampIntake(message, deps);
  if (stamped.kind === "newer") return stamped;
  const refused = stamped.refused.map(({ index, code, errors, text }) => ({
    ...origin,
    reason: code,
    errors,
    index,
    text,
  }));
  return { kind: "decoded", lines: stamped.lines, refused };
}

function originOf(
  record: SQSRecord,
  source: QuarantineEntry["source"],
): Pick<QuarantineEntry, "source" | "messageId" | "sentAtMs"> {
  return { source, messageId: record.messageId, sentAtMs: sentAtMs(record) };
}
