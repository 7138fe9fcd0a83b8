/**
 * What the service says about itself: one JSON line per outcome, with a constant message and facts as members; never
 * payloads. Successful requests are counted and summed up once a minute, because a line for each would cost more than
 * answering; at level debug every request has its line. On AWS the summary is a line of metrics.
 */
import type { LogLevel } from "#functions/config.ts";
import { LOG_LEVELS } from "#functions/config.ts";
import type { MetricLine } from "#functions/metrics.ts";
import { count, emf } from "#functions/metrics.ts";

export type Field = string | number | boolean | null | undefined;
/** Facts of a log line; a list is of things that are alike, and short. */
export type Fields = Readonly<Record<string, Field | readonly Readonly<Record<string, Field>>[]>>;

export interface RequestOutcome {
  /** As in the route table; `$default` where no route was found. */
  readonly routeKey: string;
  readonly status: number;
  readonly durationMs: number;
  readonly requestId: string;
  /** Code of the problem that was answered. */
  readonly code?: string | undefined;
  /** What broke, where it is an error of the service. */
  readonly cause?: unknown;
}

export interface EventsOutcome {
  readonly accepted: number;
  readonly rejected: number;
}

export interface Telemetry {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  request(outcome: RequestOutcome): void;
  /** Counts events that were sent, for the metrics. */
  events(outcome: EventsOutcome): void;
  /** Writes the summary of the requests since the last one, where there were any. */
  summarise(): void;
}

export interface TelemetryOptions {
  readonly level: LogLevel;
  readonly nowMs: () => number;
  /** Takes one line with its newline. */
  readonly write: (line: string) => void;
  /**
   * Name of the instance, where summaries are to be metrics. They are then written by `request`, at most once a minute:
   * a function that is frozen between requests has no timer. @default summaries are log lines, written by `summarise`
   */
  readonly metricsOf?: string | undefined;
}

/** How often `summarise` is called by those who run a server. */
export const SUMMARY_INTERVAL_MS = 60_000;
/** Stack lines of an unexpected error that are kept: enough to find the place. */
const MAX_STACK_LINES = 12;

export function createTelemetry({ level, nowMs, write, metricsOf }: TelemetryOptions): Telemetry {
  const threshold = LOG_LEVELS.indexOf(level);
  const log = (at: LogLevel, message: string, fields: object): void => {
    if (LOG_LEVELS.indexOf(at) < threshold) return;
    write(`${JSON.stringify({ time: new Date(nowMs()).toISOString(), level: at, message, ...fields })}\n`);
  };
  const isDebug = threshold === LOG_LEVELS.indexOf("debug");
  let tally = new Tally();
  let summedUpMs = Number.NEGATIVE_INFINITY;

  const summarise = (): void => {
    if (tally.count === 0) return;
    if (metricsOf === undefined) log("info", "requests", tally.fields());
    else write(emf({ nowMs: nowMs(), service: metricsOf, metrics: tally.metrics() }));
    tally = new Tally();
    summedUpMs = nowMs();
  };

  const request = (outcome: RequestOutcome): void => {
    tally.add(outcome);
    if (outcome.status >= 500) {
      const at = outcome.status === 503 ? "warn" : "error";
      log(at, "request failed", { ...requestFields(outcome), ...causeFields(outcome.cause) });
    } else if (isDebug) log("debug", "request", requestFields(outcome));
    if (metricsOf !== undefined && nowMs() - summedUpMs >= SUMMARY_INTERVAL_MS) summarise();
  };

  return {
    debug: (message, fields = {}) => log("debug", message, fields),
    info: (message, fields = {}) => log("info", message, fields),
    warn: (message, fields = {}) => log("warn", message, fields),
    error: (message, fields = {}) => log("error", message, fields),
    request,
    events: (outcome) => tally.addEvents(outcome),
    summarise,
  };
}

/** Requests since the last summary. */
class Tally {
  count = 0;
  private failures = 0;
  private accepted = 0;
  private rejected = 0;
  private slowestMs = 0;
  private totalMs = 0;
  private readonly byRoute = new Map<string, number>();
  private readonly byStatus = new Map<number, number>();
  private readonly byCode = new Map<string, number>();

  add({ routeKey, status, durationMs, code }: RequestOutcome): void {
    this.count++;
    if (status >= 500) this.failures++;
    this.totalMs += durationMs;
    if (durationMs > this.slowestMs) this.slowestMs = durationMs;
    increment(this.byRoute, routeKey);
    increment(this.byStatus, status);
    if (code !== undefined) increment(this.byCode, code);
  }

  addEvents({ accepted, rejected }: EventsOutcome): void {
    this.accepted += accepted;
    this.rejected += rejected;
  }

  metrics(): MetricLine["metrics"] {
    return {
      Requests: count(this.count),
      Failures: count(this.failures),
      EventsAccepted: count(this.accepted),
      EventsRejected: count(this.rejected),
    };
  }

  fields(): object {
    return {
      count: this.count,
      mean_ms: round(this.totalMs / this.count),
      slowest_ms: round(this.slowestMs),
      by_route: Object.fromEntries(this.byRoute),
      by_status: Object.fromEntries(this.byStatus),
      ...(this.byCode.size > 0 ? { by_code: Object.fromEntries(this.byCode) } : {}),
    };
  }
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function requestFields({ routeKey, status, durationMs, requestId, code }: RequestOutcome): object {
  return { route: routeKey, status, code, duration_ms: round(durationMs), request_id: requestId };
}

/** An error of the service, with the chain of its causes; messages of ours hold no payloads. */
function causeFields(cause: unknown): object {
  if (cause === undefined) return {};
  if (!(cause instanceof Error)) return { error: typeof cause };
  const reasons: string[] = [];
  for (let error: unknown = cause; error instanceof Error && reasons.length < 5; error = error.cause)
    reasons.push(error.message);
  const stack = cause.stack?.split("\n").slice(1, MAX_STACK_LINES + 1);
  return { error: reasons.join(": "), stack: stack?.map((line) => line.trim()) };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
