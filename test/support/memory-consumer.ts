/** The consume function over memory ports, with everything that it says and asks for at hand. */
import type { SQSEvent } from "aws-lambda";
import { randomFillSync } from "node:crypto";

import type { Consume, ConsumeDependencies, RetriedMessage } from "#functions/consume/app.ts";
import { createConsume } from "#functions/consume/app.ts";
import type { Fields } from "#functions/telemetry.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import { createPersist } from "#service/persist.ts";
import { createQuarantine } from "#service/quarantine.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { MemoryEventTable } from "#test/support/memory-event-table.ts";
import { MemoryLedger } from "#test/support/memory-ledger.ts";
import { LINES_ARN } from "#test/support/sqs-events.ts";
import type { VirtualTime } from "#test/support/virtual-time.ts";
import { virtualTime } from "#test/support/virtual-time.ts";

export type LogEntry = Fields & { readonly level: "error" | "warn"; readonly message: string };

export interface MemoryConsumer {
  readonly consume: Consume;
  readonly archive: MemoryArchive;
  readonly table: MemoryEventTable;
  readonly ledger: MemoryLedger;
  readonly time: VirtualTime;
  readonly logs: readonly LogEntry[];
  readonly retried: readonly RetriedMessage[];
  /** The metric line of the last invocation. */
  readonly lastMetrics: () => Readonly<Record<string, unknown>>;
  /** Ids of the messages that fail. */
  readonly failuresOf: (event: SQSEvent) => Promise<readonly string[]>;
  /** Texts of the stored lines in the order of the log: winners and conflicts of every batch. */
  readonly storedTexts: () => Promise<readonly string[]>;
  /** Quarantined objects by key, as JSON. */
  readonly quarantined: () => ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** The parts that several consumers share. */
export type SharedParts = Pick<MemoryConsumer, "archive" | "table" | "ledger">;

export interface MemoryConsumerOptions {
  readonly shared?: SharedParts;
  /** Replaces what the function is given. */
  readonly override?: (dependencies: ConsumeDependencies) => Partial<ConsumeDependencies>;
}

const CONFLICT_KEY = new Uint8Array(32).fill(7);

export function memoryConsumer({ shared, override }: MemoryConsumerOptions = {}): MemoryConsumer {
  const time = virtualTime();
  const archive = shared?.archive ?? new MemoryArchive(time.clock.nowMs);
  const table = shared?.table ?? new MemoryEventTable();
  const ledger = shared?.ledger ?? new MemoryLedger();
  const identifiers = createIdentifiers({ nowMs: time.clock.nowMs, fillRandom: randomFillSync });
  const logs: LogEntry[] = [];
  const retried: RetriedMessage[] = [];
  const metrics: string[] = [];
  const newBatchId = identifiers.newEventId;
  const dependencies: ConsumeDependencies = {
    persist: createPersist({ archive, table, ledger, newBatchId, conflictKey: CONFLICT_KEY }),
    quarantine: createQuarantine(archive),
    retryLater: async (messages) => {
      retried.push(...messages);
    },
    linesQueueArn: LINES_ARN,
    intakeTenants: {},
    clock: time.clock,
    monotonicMs: time.monotonicMs,
    identifiers,
    random: () => 0.5,
    telemetry: {
      warn: (message, fields) => logs.push({ level: "warn", message, ...fields }),
      error: (message, fields) => logs.push({ level: "error", message, ...fields }),
    },
    serviceName: "audit_service",
    writeMetrics: (line) => metrics.push(line),
  };
  const consume = createConsume({ ...dependencies, ...override?.(dependencies) });
  return {
    consume,
    archive,
    table,
    ledger,
    time,
    logs,
    retried,
    lastMetrics: () => JSON.parse(metrics.at(-1) ?? "{}") as Record<string, unknown>,
    failuresOf: async (event) =>
      (await consume(event)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
    storedTexts: async () => storedTexts({ archive, table, ledger }),
    quarantined: () =>
      new Map(
        [...archive.objects]
          .filter(([key]) => key.startsWith("quarantine/"))
          .map(([key, { bytes }]) => [
            key,
            JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>,
          ]),
      ),
  };
}

function storedTexts({ table, ledger }: SharedParts): readonly string[] {
  const textAt = new Map(
    [...table.items.values()].map(({ at, text }) => [`${at.batchId} ${at.line}`, text] as const),
  );
  return [...ledger.rows.values()]
    .sort((a, b) => (a.batchId < b.batchId ? -1 : 1))
    .flatMap(({ batchId, winners, conflicts }) =>
      [...winners, ...conflicts].sort((a, b) => a - b).map((line) => textAt.get(`${batchId} ${line}`) ?? ""),
    );
}
