/** From a record of Lambda's event source to the lines and refused entries of its message. */
import type { SQSRecord } from "aws-lambda";
import type { IntakeDeps } from "#service/intake.ts";
import { stampIntake } from "#service/intake.ts";
import type { MessageReading } from "#service/read-message.ts";
import { readMessage } from "#service/read-message.ts";

export interface DecodeDeps extends IntakeDeps {
  /** ARN of the queue `lines`; every other queue is taken for `intake`. */
  readonly linesQueueArn: string;
}

/** Never throws because of what was sent. */
export function decodeMessage(record: SQSRecord, deps: DecodeDeps): MessageReading {
  const queue = record.eventSourceARN === deps.linesQueueArn ? "lines" : "intake";
  const message = {
    messageId: record.messageId,
    senderId: record.attributes.SenderId,
    sentAtMs: sentAtMs(record),
    body: record.body,
  };
  return readMessage(queue, message, (given) => stampIntake(given, deps));
}

export function sentAtMs(record: SQSRecord): number {
  return Number(record.attributes.SentTimestamp);
}
