/**
 * The port EventQueue over SQS: lines travel packed, in as few messages as they fit into, and are durable when SQS has
 * taken them. What is stored already is known only to the consumer: of two lines with one id it knows what else this very
 * call sends, and no more.
 */
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import type { SqsSender } from "#adapters/aws/sqs-client.ts";
import { packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import type { AuditServiceError } from "#lib/errors.ts";
import { AuditQueueError } from "#lib/errors.ts";
import type { EventQueue, SendOutcome } from "#service/ports.ts";

export interface SqsEventQueueOptions {
  readonly client: SqsSender;
  /** Of the queue `lines`. */
  readonly queueUrl: string;
}

const ACCEPTED: SendOutcome = { kind: "accepted" };
const OVERLOADED_RETRY_AFTER_S = 1;

export function createSqsEventQueue({ client, queueUrl }: SqsEventQueueOptions): EventQueue {
  return {
    send: async (lines) => {
      const outcomes = outcomesWithinCall(lines);
      const taken = lines.filter((_, index) => outcomes[index] === ACCEPTED);
      const bodies = packLines(taken.map(({ text }) => text));
      // One after the other: the queue delivers roughly in the order of sending, and the first of two lines wins.
      for (const [index, body] of bodies.entries()) {
        try {
          await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
        } catch (cause) {
          throw sendError(cause, { sent: index, messages: bodies.length });
        }
      }
      return outcomes;
    },
  };
}

/** The first of the lines with one id is taken; the same again is its duplicate, and other content is in conflict. */
function outcomesWithinCall(lines: readonly PreparedLine[]): readonly SendOutcome[] {
  const firsts = new Map<string, PreparedLine>();
  return lines.map((line): SendOutcome => {
    const key = `${line.event.tenant_id}#${line.event.event_id}`;
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, line);
      return ACCEPTED;
    }
    if (first.contentHash !== line.contentHash) return { kind: "conflict" };
    return { kind: "duplicate", readLine: async () => first.text };
  });
}

interface Progress {
  readonly sent: number;
  readonly messages: number;
}

/** Names under which SQS says that a caller goes too fast (API reference of SQS, common errors). */
const THROTTLED = ["RequestThrottled", "ThrottlingException", "OverLimit"];

function sendError(cause: unknown, { sent, messages }: Progress): AuditServiceError {
  if (sent === 0 && isVendorError(cause, ...THROTTLED)) {
    return new AuditQueueError("overloaded", "the queue takes no more messages for the moment", {
      cause,
      retryable: true,
      retryAfterS: OVERLOADED_RETRY_AFTER_S,
    });
  }
  return storageError(`sending message ${sent + 1} of ${messages}`, cause);
}
