/**
 * Sends events one after the other and tells what became of each in the order of the input, while later ones are under
 * way. Where the log takes no more, what was under way is still told, and how much was not stored.
 */
import type { CliContext } from "#cli/context.ts";
import { describeErrors } from "#cli/lines.ts";
import { printable, safeJson } from "#cli/terminal-text.ts";
import type { AuditService, LoggableEvent, LogReceipt } from "#client/audit-service.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** Events that may be under way at once. */
const MAX_UNDER_WAY = 1000;

export interface Sender {
  /**
   * Resolves when another may be sent.
   * @param place where the event stands in the input; "" for flags
   */
  readonly send: (place: string, event: LoggableEvent) => Promise<void>;
  readonly refuse: (place: string, reason: string) => Promise<void>;
  /** Whether the log takes no more: what is sent now would fail as well. */
  readonly hasFailed: () => boolean;
  /** Resolves, once all are told, with the number of events that are not stored. */
  readonly finish: () => Promise<number>;
}

/** @param isJson whether receipts are told as JSON */
export function createSender(
  audit: AuditService,
  isJson: boolean,
  { stdout, stderr }: Pick<CliContext, "stdout" | "stderr">,
): Sender {
  const told: Promise<void>[] = [];
  let last = Promise.resolve();
  let refusals = 0;
  let failures = 0;
  let hasFailed = false;

  const tell = async (work: () => Promise<void>): Promise<void> => {
    last = last.then(work);
    last.catch(() => (hasFailed = true)); // `finish` fails with it
    told.push(last);
    if (told.length >= MAX_UNDER_WAY) await told.shift();
  };
  const complain = (place: string, reason: string): Promise<void> =>
    stderr.write(`auditlog: ${place === "" ? "" : `${place}: `}${printable(reason)}\n`);
  const refuse: Sender["refuse"] = (place, reason) =>
    tell(() => {
      refusals++;
      return complain(place, reason);
    });
  const receiptText = (receipt: LogReceipt): string => {
    const text = isJson ? JSON.stringify(receipt) : receipt.event_id;
    if (!stdout.isTty) return text;
    return isJson ? safeJson(text) : printable(text);
  };
  const send: Sender["send"] = (place, event) => {
    const outcome = audit.log(event).catch((error: unknown) => {
      if (!(error instanceof AuditServiceError)) throw error;
      hasFailed ||= isFailure(error);
      return error;
    });
    outcome.catch(() => undefined); // it is looked at when its turn comes
    return tell(async () => {
      const receipt = await outcome;
      if (!(receipt instanceof AuditServiceError)) return stdout.write(`${receiptText(receipt)}\n`);
      if (!isFailure(receipt)) {
        refusals++;
        return complain(place, receipt.errors.length > 0 ? describeErrors(receipt.errors) : receipt.message);
      }
      failures++;
      // The others under way fail for the same reason.
      return failures === 1 ? complain(place, receipt.message) : undefined;
    });
  };
  const finish: Sender["finish"] = async () => {
    await last;
    if (failures > 1) await complain("", `${failures} events in all were not stored`);
    return refusals + failures;
  };
  return { send, refuse, hasFailed: () => hasFailed, finish };
}

/** It says nothing about the event: the log cannot take it now. */
function isFailure({ retryable, code }: AuditServiceError): boolean {
  return retryable || code === "closed";
}
