/** Dead letters and what became of them, as text for people and as JSON for machines. */
import { describeErrors } from "#cli/lines.ts";
import type { LettersOfQueue, RedriveReport, ShownLetter } from "#cli/operator.ts";
import { formatCount, printable } from "#cli/terminal-text.ts";

export interface ListedQueue extends LettersOfQueue {
  /** Of the letters looked at; undefined where there were none. */
  readonly oldestMs: number | undefined;
  readonly messageIds: readonly string[];
}

/** Events of one message that are listed by name. */
const MAX_SHOWN_EVENTS = 20;

export function queuesText(queues: readonly ListedQueue[], nowMs: number): string {
  const lines = queues.map(({ queue, waiting, taken, oldestMs }) => {
    const inHand = taken > 0 ? `, ${formatCount(taken)} taken at the moment` : "";
    const oldest = oldestMs === undefined ? "" : `; oldest of a sample sent ${timeText(oldestMs, nowMs)}`;
    return `${queue.padEnd("intake".length)}  ${formatCount(waiting)} waiting${inHand}${oldest}\n`;
  });
  const isEmpty = queues.every(({ waiting, taken }) => waiting + taken === 0);
  return `${lines.join("")}${isEmpty ? "No dead letters.\n" : "Look at them with: auditlog dlq show\n"}`;
}

export interface LettersTextOptions {
  readonly hasPayload: boolean;
  readonly nowMs: number;
}

export function lettersText(letters: readonly ShownLetter[], options: LettersTextOptions): string {
  return letters.length === 0
    ? "No dead letters.\n"
    : letters.map((letter) => `${letterLines(letter, options).join("\n")}\n`).join("\n");
}

function letterLines(letter: ShownLetter, { hasPayload, nowMs }: LettersTextOptions): readonly string[] {
  const { queue, messageId, senderId, sentAtMs, receiveCount, bytes, newerFormat, events, refused } = letter;
  const lines = [
    `${queue} ${printable(messageId)}`,
    `  sent ${timeText(sentAtMs, nowMs)} by ${printable(senderId)}, received ${formatCount(receiveCount)} times, ${formatCount(bytes)} bytes`,
  ];
  if (newerFormat !== undefined) {
    return [...lines, `  is in a format of a newer release (${printable(newerFormat)}), which can read it`];
  }
  for (const { eventId, tenantId, action, service, text } of events.slice(0, MAX_SHOWN_EVENTS)) {
    lines.push(`  event ${printable(`${eventId} of tenant ${tenantId}: ${action} in ${service}`)}`);
    if (hasPayload) lines.push(`    ${printable(text)}`);
  }
  if (events.length > MAX_SHOWN_EVENTS)
    lines.push(`  and ${formatCount(events.length - MAX_SHOWN_EVENTS)} more events`);
  for (const { index, reason, errors, text } of refused) {
    lines.push(`  entry ${index} can never be stored, ${reason}: ${printable(describeErrors(errors))}`);
    if (hasPayload) lines.push(`    ${printable(text)}`);
  }
  return lines;
}

export function lettersJson(letters: readonly ShownLetter[], hasPayload: boolean): readonly unknown[] {
  return letters.map(({ events, refused, ...letter }) => ({
    queue: letter.queue,
    message_id: letter.messageId,
    sender_id: letter.senderId,
    sent_at: isoTime(letter.sentAtMs),
    receive_count: letter.receiveCount,
    bytes: letter.bytes,
    newer_format: letter.newerFormat ?? null,
    events: events.map(({ eventId, tenantId, action, service, text }) => ({
      event_id: eventId,
      tenant_id: tenantId,
      action,
      service_name: service,
      ...(hasPayload && { line: text }),
    })),
    refused: refused.map(({ index, reason, errors, text }) => ({
      index,
      reason,
      errors,
      ...(hasPayload && { text }),
    })),
  }));
}

export function redriveText(report: RedriveReport, isDryRun: boolean): string {
  const { messages, events, quarantined, quarantinedMessages, left, isFinished } = report;
  const what = `${counted(messages, "message")} with ${counted(events, "event")}`;
  const lines = left.map(
    ({ queue, messageId, reason }) => `${queue} ${printable(messageId)} was left: ${printable(reason)}\n`,
  );
  lines.push(isDryRun ? `To be sent again: ${what}; nothing was changed.\n` : `Sent again: ${what}.\n`);
  if (quarantined > 0) {
    const verb = isDryRun ? "To be put" : "Put";
    const whole =
      quarantinedMessages > 0 ? `, ${counted(quarantinedMessages, "message")} held nothing else` : "";
    const entries = `${formatCount(quarantined)} ${quarantined === 1 ? "entry" : "entries"}`;
    lines.push(`${verb} into quarantine/ of the archive: ${entries}${whole}.\n`);
  }
  if (left.length > 0)
    lines.push(
      `Left where ${left.length === 1 ? "it was" : "they were"}: ${counted(left.length, "message")}.\n`,
    );
  if (!isFinished) lines.push("There may be more: run the same again.\n");
  return lines.join("");
}

export function redriveJson(report: RedriveReport, isDryRun: boolean): unknown {
  const { messages, events, quarantined, quarantinedMessages, left, isFinished } = report;
  return {
    dry_run: isDryRun,
    messages,
    events,
    quarantined,
    quarantined_messages: quarantinedMessages,
    left: left.map(({ queue, messageId, reason }) => ({ queue, message_id: messageId, reason })),
    finished: isFinished,
  };
}

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
];

/** `2026-03-01T12:00:00.000Z (3 d ago)`. */
function timeText(timeMs: number, nowMs: number): string {
  const ageMs = nowMs - timeMs;
  const unit = UNITS.find(({ ms }) => ageMs >= ms);
  const age = unit === undefined ? "" : ` (${Math.floor(ageMs / unit.ms)} ${unit.name} ago)`;
  return `${isoTime(timeMs)}${age}`;
}

function isoTime(timeMs: number): string {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : "at an unknown time";
}
