/**
 * From what was measured to dollars per million events. What cannot be measured on this machine is a named assumption here:
 * how long a function waits for AWS, and how well provisioned capacity is used.
 */
import { FUNCTION_SETTINGS } from "#infra/aws/function-settings.ts";
import { PRICES_USD } from "#infra/aws/prices.ts";
import type { ItemUse } from "#test/bench/cost-items.ts";
import type { FunctionUse } from "#test/bench/cost-lambda.ts";
import type { WorkloadUse } from "#test/bench/cost-workload.ts";

const MILLION = 1e6;
/** Memory that buys one core; with less, CPU time is stretched (Lambda developer guide, "memory"). */
const ONE_CORE_MB = 1769;
export const BYTES_PER_GB = 2 ** 30;
/** Share of provisioned capacity that is used: the target that auto scaling has by default. */
export const PROVISIONED_USE = 0.7;
/** How long one call takes, seen from a function in the same region; Lambda bills waiting like working. */
export const ASSUMED_WAIT_MS = {
  SendMessage: 10,
  S3PUT: 40,
  BatchExecuteStatement: 25,
  TransactWriteItems: 15,
} as const;
/** Batches of inserts that the adapter has under way at once. */
const PARALLEL_INSERTS = 4;
const HOT_MONTHS = 3;
const MONTHS_PER_YEAR = 12;

export interface CostLine {
  readonly what: string;
  /** Units, requests or GB-seconds per million events. */
  readonly amount: string;
  readonly usd: number;
  /** Whether provisioned capacity makes it cheaper. */
  readonly isWrites?: boolean;
}

export interface WorkloadCost {
  /** Write units per event, of table and indexes. */
  readonly unitsPerEvent: number;
  readonly ledgerUnitsPerBatch: number;
  /** Per million events. */
  readonly lines: readonly CostLine[];
  readonly onDemandUsd: number;
  readonly provisionedUsd: number;
  /** Storage of a million events for 90 days in DynamoDB, and for a year in S3 standard. */
  readonly hotUsd: number;
  readonly archiveUsd: number;
  readonly archiveBytesPerEvent: number;
}

/** What a write unit costs where it is provisioned and used as well as auto scaling does, over what it costs on demand. */
export function provisionedFactor(): number {
  return PRICES_USD.provisionedWriteUnitHour / 3600 / PROVISIONED_USE / PRICES_USD.writeUnit;
}

export function costOf(use: WorkloadUse, items: ItemUse, ledgerTable: string): WorkloadCost {
  const { counts, events, requests, consumerBatches } = use;
  const of = (name: string): number => counts.get(name) ?? 0;
  const units = items.tableUnits + [...items.indexUnits.values()].reduce((sum, each) => sum + each, 0);
  const ledgerUnits = of(`write:${ledgerTable}`);
  const queueRequests =
    of("SendMessage.chunks") + of("ReceiveMessage.chunks") + of("DeleteMessageBatch.chunks");
  const ingestWaitMs = of("SendMessage.calls") * ASSUMED_WAIT_MS.SendMessage;
  const insertWaves = Math.ceil(of("BatchExecuteStatement.calls") / consumerBatches / PARALLEL_INSERTS);
  const consumeWaitMs =
    of("S3PUT.calls") * ASSUMED_WAIT_MS.S3PUT +
    insertWaves * consumerBatches * ASSUMED_WAIT_MS.BatchExecuteStatement +
    of("TransactWriteItems.calls") * ASSUMED_WAIT_MS.TransactWriteItems;
  const ingestGbSeconds = gbSeconds("ingest", use.ingest.cpuMs, ingestWaitMs);
  const consumeGbSeconds = gbSeconds("consume", use.consume.cpuMs, consumeWaitMs);
  const logBytes = use.ingest.logBytes + use.consume.logBytes;
  const line = (what: string, amount: number, price: number, isWrites = false): CostLine => {
    const perMillion = (amount / events) * MILLION;
    return { what, amount: rounded(perMillion), usd: perMillion * price, isWrites };
  };
  const lines = [
    line("DynamoDB events, write units", units, PRICES_USD.writeUnit, true),
    line("DynamoDB ledger, write units", ledgerUnits, PRICES_USD.writeUnit, true),
    line("HTTP API, requests", requests, PRICES_USD.apiRequest),
    line("SQS, requests of 64 KB", queueRequests, PRICES_USD.queueRequest),
    line("Lambda, requests", requests + consumerBatches, PRICES_USD.lambdaRequest),
    line("Lambda ingest, GB-s", ingestGbSeconds, PRICES_USD.lambdaGbSecond),
    line("Lambda consume, GB-s", consumeGbSeconds, PRICES_USD.lambdaGbSecond),
    line("S3, PUTs", of("S3PUT.calls"), PRICES_USD.objectWrite),
    line("CloudWatch logs, bytes", logBytes, PRICES_USD.logGb / BYTES_PER_GB),
  ];
  const factor = provisionedFactor();
  const perEventGb = (bytes: number): number => ((bytes / events) * MILLION) / BYTES_PER_GB;
  const hotGbMonthUsd =
    perEventGb(items.itemBytes) * (PRICES_USD.tableGbMonth + PRICES_USD.tableRecoveryGbMonth) +
    perEventGb(items.entryBytes) * PRICES_USD.tableGbMonth;
  return {
    unitsPerEvent: units / items.items,
    ledgerUnitsPerBatch: ledgerUnits / consumerBatches,
    lines,
    onDemandUsd: lines.reduce((sum, { usd }) => sum + usd, 0),
    provisionedUsd: lines.reduce((sum, { usd, isWrites }) => sum + usd * (isWrites === true ? factor : 1), 0),
    hotUsd: hotGbMonthUsd * HOT_MONTHS,
    archiveUsd: perEventGb(of("S3PUT.bytes")) * PRICES_USD.objectGbMonth * MONTHS_PER_YEAR,
    archiveBytesPerEvent: of("S3PUT.bytes") / events,
  };
}

export interface FixedUse {
  /** One run of the maintain function. */
  readonly maintain: FunctionUse;
  /** The functions' own metrics. */
  readonly metrics: number;
  readonly alarmMetrics: number;
  readonly dashboards: number;
  readonly keys: number;
}

const MAINTAIN_RUNS_PER_MONTH = (730 * 60) / 5;
/** Calls of one run, which wait for each other. */
const MAINTAIN_WAIT_MS = 200;
/** Pollers of an idle event source, each asking every 20 s, for two queues. */
const EMPTY_RECEIVES_PER_MONTH = 2 * 5 * ((730 * 3600) / 20);

/** What a month costs without an event. */
export function fixedCosts(use: FixedUse): readonly CostLine[] {
  const maintainGbSeconds =
    gbSeconds("maintain", use.maintain.cpuMs, MAINTAIN_WAIT_MS) * MAINTAIN_RUNS_PER_MONTH;
  const line = (what: string, amount: number, price: number): CostLine => {
    return { what, amount: rounded(amount), usd: amount * price };
  };
  return [
    line("metrics of the service", use.metrics, PRICES_USD.metricMonth),
    line("alarmed metrics", use.alarmMetrics, PRICES_USD.alarmMetricMonth),
    line("dashboard", use.dashboards, PRICES_USD.dashboardMonth),
    line("keys of the log", use.keys, PRICES_USD.keyMonth),
    line("empty receives of idle queues", EMPTY_RECEIVES_PER_MONTH, PRICES_USD.queueRequest),
    line("maintain every 5 minutes, GB-s", maintainGbSeconds, PRICES_USD.lambdaGbSecond),
  ];
}

/** What Lambda bills: CPU time, stretched where memory buys less than a core, and waiting. */
export function gbSeconds(name: keyof typeof FUNCTION_SETTINGS, cpuMs: number, waitMs: number): number {
  const { memoryMb } = FUNCTION_SETTINGS[name];
  const billedMs = cpuMs * Math.max(1, ONE_CORE_MB / memoryMb) + waitMs;
  return (billedMs / 1000) * (memoryMb / 1024);
}

export function rounded(value: number): string {
  return new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 }).format(value);
}
