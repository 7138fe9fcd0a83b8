/**
 * Stores what the queues bring. A message is acknowledged only when each of its lines is stored and each entry that can
 * never be stored is in quarantine; a message that failed comes back later, alone in its failure.
 */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { MessageGroups } from "#functions/batch.ts";
import { decodeMessage, sentAtMs } from "#functions/consume/decode-message.ts";
import { count, emf } from "#functions/metrics.ts";
import type { Fields, Telemetry } from "#functions/telemetry.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { AuditServiceError } from "#lib/errors.ts";
import type { Identifiers } from "#lib/identifiers.ts";
import type { Persist, PersistReport } from "#service/persist.ts";
import { MAX_TOLD_CONFLICTS } from "#service/persist.ts";
import type { Clock } from "#service/ports.ts";
import type { Quarantine, QuarantineEntry } from "#service/quarantine.ts";
import type { MessageReading } from "#service/read-message.ts";

/** A message that is to be delivered again, not before `delayS` from now. */
export interface RetriedMessage {
  readonly queueArn: string;
  readonly receiptHandle: string;
  readonly delayS: number;
}

export interface ConsumeDependencies {
  readonly persist: Persist;
  readonly quarantine: Quarantine;
  /** Puts failed messages off; where it rejects, they come back when their visibility timeout ends. */
  readonly retryLater: (messages: readonly RetriedMessage[]) => Promise<void>;
  readonly linesQueueArn: string;
  /** Tenants of senders on `intake`, by role id. */
  readonly intakeTenants: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly identifiers: Identifiers;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly telemetry: Pick<Telemetry, "error" | "warn">;
  readonly serviceName: string;
  /** Takes one line with its newline. */
  readonly writeMetrics: (line: string) => void;
}

export type Consume = (event: SQSEvent) => Promise<SQSBatchResponse>;

/** From the third delivery on, a message may be the reason of its failures. */
const SUSPECT_FROM_RECEIVES = 3;
const FIRST_DELAY_S = 5;
const MAX_DELAY_S = 900;
/** Of one call of `persist`; only a single message can hold more. */
const MAX_LINES = 5_000;
const MAX_BYTES = 32 * 1024 * 1024;

export function createConsume(dependencies: ConsumeDependencies): Consume {
  return async ({ Records: records }) => {
    const run = new Run(dependencies);
    for (const record of records) await run.take(record);
    return run.end(records);
  };
}

interface Message {
  readonly record: SQSRecord;
  readonly content: readonly PreparedLine[];
  readonly refused: readonly QuarantineEntry[];
  readonly lines: number;
  readonly bytes: number;
  readonly isSuspect: boolean;
}

/** One invocation. */
class Run {
  private readonly dependencies: ConsumeDependencies;
  private readonly groups: MessageGroups<Message>;
  private readonly failed: SQSRecord[] = [];
  /** Not looked at, because time was up. */
  private readonly left: SQSRecord[] = [];
  private readonly reports: PersistReport[] = [];
  private quarantined = 0;

  constructor(dependencies: ConsumeDependencies) {
    this.dependencies = dependencies;
    this.groups = new MessageGroups({
      work: (messages) => this.store(messages),
      onFailed: (messages, error) =>
        this.fail(
          messages.map(({ record }) => record),
          error,
        ),
      monotonicMs: dependencies.monotonicMs,
    });
  }

  async take(record: SQSRecord): Promise<void> {
    if (this.groups.isOver()) {
      this.left.push(record);
      return;
    }
    const decoded = this.decode(record);
    if (decoded === undefined) return;
    if (decoded.kind === "newer") {
      this.failed.push(record);
      const fields = { message_id: record.messageId, format: decoded.format };
      this.dependencies.telemetry.error("message is in the format of a newer release", fields);
      return;
    }
    const { lines: content, refused } = decoded;
    await this.groups.add({
      record,
      content,
      refused,
      lines: content.length + refused.length,
      bytes: [...content, ...refused].reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      isSuspect: receivesOf(record) >= SUSPECT_FROM_RECEIVES,
    });
  }

  /** Undefined where it tripped a fault: it fails alone then, and its neighbours are stored. */
  private decode(record: SQSRecord): MessageReading | undefined {
    const { intakeTenants: tenants, identifiers, linesQueueArn } = this.dependencies;
    try {
      return decodeMessage(record, { tenants, identifiers, linesQueueArn });
    } catch (error) {
      this.fail([record], error);
      return undefined;
    }
  }

  async end(records: readonly SQSRecord[]): Promise<SQSBatchResponse> {
    await this.groups.end();
    if (this.left.length > 0) this.fail(this.left, undefined);
    await this.putOff();
    this.tellConflicts();
    this.dependencies.writeMetrics(this.metrics(records));
    return { batchItemFailures: this.failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  }

  private async store(messages: readonly Message[]): Promise<void> {
    const refused = messages.flatMap((message) => message.refused);
    await this.dependencies.quarantine(refused);
    for (const lines of slices(messages.flatMap(({ content }) => content)))
      this.reports.push(await this.dependencies.persist(lines));
    this.quarantined += refused.length;
  }

  private fail(records: readonly SQSRecord[], error: unknown): void {
    this.failed.push(...records);
    const isTransient = error === undefined || (error instanceof AuditServiceError && error.retryable);
    const fields = { messages: records.length, first_message_id: records[0]?.messageId };
    const log = isTransient ? this.dependencies.telemetry.warn : this.dependencies.telemetry.error;
    log("messages will be tried again", { ...fields, ...errorFields(error) });
  }

  private async putOff(): Promise<void> {
    const { retryLater, random, telemetry } = this.dependencies;
    if (this.failed.length === 0) return;
    const messages = this.failed.map((record) => ({
      queueArn: record.eventSourceARN,
      receiptHandle: record.receiptHandle,
      delayS: delayS(receivesOf(record), random()),
    }));
    try {
      await retryLater(messages);
    } catch (error) {
      const fields = { messages: messages.length, ...errorFields(error) };
      telemetry.warn("messages come back when their visibility ends", fields);
    }
  }

  /** An event shows the first of its conflicts only: the log leads to the others. */
  private tellConflicts(): void {
    const told = this.reports.flatMap(({ conflictIds }) => conflictIds).slice(0, MAX_TOLD_CONFLICTS);
    if (told.length === 0) return;
    const conflicts = told.map(({ tenantId, eventId, conflictId }) => {
      return { event_id: eventId, conflict_id: conflictId, tenant_id: tenantId };
    });
    const events = this.reports.reduce((sum, report) => sum + report.conflicts, 0);
    this.dependencies.telemetry.warn("events are in conflict", { events, conflicts });
  }

  private metrics(records: readonly SQSRecord[]): string {
    const { clock, serviceName } = this.dependencies;
    const sum = (pick: (report: PersistReport) => number): number =>
      this.reports.reduce((total, report) => total + pick(report), 0);
    const nowMs = clock.nowMs();
    const oldestMs = records.reduce((oldest, record) => Math.min(oldest, sentAtMs(record)), nowMs);
    return emf({
      nowMs,
      service: serviceName,
      metrics: {
        EventsStored: count(sum(({ stored }) => stored)),
        EventsDuplicate: count(sum(({ duplicates }) => duplicates)),
        EventsConflicting: count(sum(({ conflicts }) => conflicts)),
        EventsQuarantined: count(this.quarantined),
        EventsUnindexed: count(sum(({ unindexed }) => unindexed)),
        MessagesReceived: count(records.length),
        MessagesFailed: count(this.failed.length),
        BatchesCompleted: count(sum(({ completedBatches }) => completedBatches)),
        ArchiveBytes: { value: sum(({ archivedBytes }) => archivedBytes), unit: "Bytes" },
        QueueAgeMs: { value: nowMs - oldestMs, unit: "Milliseconds" },
      },
      fields: { batch_ids: this.reports.flatMap(({ batchId }) => batchId ?? []) },
    });
  }
}

function receivesOf({ attributes }: SQSRecord): number {
  return Number(attributes.ApproximateReceiveCount);
}

/** Doubles with every delivery; the upper half is left to chance, so that messages do not come back all at once. */
function delayS(receives: number, random: number): number {
  const longest = Math.min(MAX_DELAY_S, 2 ** receives * FIRST_DELAY_S);
  return Math.ceil((longest / 2) * (1 + random));
}

function slices(lines: readonly PreparedLine[]): readonly (readonly PreparedLine[])[] {
  const parts: (readonly PreparedLine[])[] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, { text }] of lines.entries()) {
    const lineBytes = Buffer.byteLength(text);
    if (index - from === MAX_LINES || (index > from && bytes + lineBytes > MAX_BYTES)) {
      parts.push(lines.slice(from, index));
      from = index;
      bytes = 0;
    }
    bytes += lineBytes;
  }
  if (from < lines.length) parts.push(lines.slice(from));
  return parts;
}

/** Messages of our own errors hold no payloads; of others only the place is told. */
function errorFields(error: unknown): Fields {
  if (error === undefined) return { error: "not tried, because others failed before or time was up" };
  if (error instanceof AuditServiceError) return { error: error.message, code: error.code };
  if (!(error instanceof Error)) return { error: typeof error };
  const [place = ""] = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return { error: error.name, place: place.trim() };
}
