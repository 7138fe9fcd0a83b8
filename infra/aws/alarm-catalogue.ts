/**
 * Every condition that a person should hear of, as data: what is measured, from when on it is too much, and the entry of
 * docs/operations.md that says what to do. A test holds alarms and entries to each other.
 */
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { ComparisonOperator, MathExpression, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { Watched } from "#infra/aws/service-metrics.ts";
import { messagesIn, ofTables, oldestAgeSeconds, own, sumOf } from "#infra/aws/service-metrics.ts";

export interface AlarmDefinition {
  /** Construct id. */
  readonly id: string;
  /** Anchor in docs/operations.md. */
  readonly runbook: string;
  /** What it means, in one sentence. */
  readonly meaning: string;
  readonly metric: (watched: Watched) => IMetric;
  /** The alarm is on from this value, inclusive; with `isFloor`, below it. */
  readonly threshold: number;
  readonly isFloor?: boolean;
  /** In so many periods of five minutes. */
  readonly periods: number;
  /** Of so many that are looked at. @default in all of them: in a row */
  readonly within?: number;
  /** What no data means. @default notBreaching */
  readonly missing?: TreatMissingData;
}

const QUARTER_HOUR_SECONDS = 900;
const QUARTER_HOUR_PERIODS = 3;
/** A message that fails for ever is tried every 7 to 15 minutes: that is at least three times an hour, never in a row. */
const HOUR_PERIODS = 12;
/** The schedule's minute, which may just have passed when an event comes, and as much again for its way and the run. */
const COVER_LATE_MS = 120_000;
const FAILURE_PERCENT = 1;
/** Fewer failures than this are no rate. */
const MIN_FAILURES = 5;

export const ALARMS: readonly AlarmDefinition[] = [
  {
    id: "UnaccountedEvents",
    runbook: "unaccounted-events",
    meaning: "Accepted events are neither stored nor about to be.",
    metric: (watched) => own(watched, "UnaccountedEvents", Stats.MAXIMUM),
    threshold: 1,
    periods: 1,
  },
  {
    id: "DeadLetters",
    runbook: "dead-letters",
    meaning: "Messages have failed 100 times and wait for a person.",
    metric: ({ storage: { queues } }) =>
      sumOf(
        [messagesIn(queues.lines.deadLetters, "lines"), messagesIn(queues.intake.deadLetters, "intake")],
        "dead letters",
      ),
    threshold: 1,
    periods: 1,
  },
  {
    id: "LinesLate",
    runbook: "queue-age",
    meaning: "Accepted events have waited for more than 15 minutes to be stored.",
    metric: ({ storage }) => oldestAgeSeconds(storage.queues.lines.queue, "lines"),
    threshold: QUARTER_HOUR_SECONDS,
    periods: 1,
  },
  {
    id: "IntakeLate",
    runbook: "queue-age",
    meaning: "Events that other services sent have waited for more than 15 minutes to be stored.",
    metric: ({ storage }) => oldestAgeSeconds(storage.queues.intake.queue, "intake"),
    threshold: QUARTER_HOUR_SECONDS,
    periods: 1,
  },
  {
    id: "ConsumeErrors",
    runbook: "consume-errors",
    meaning: "The consumer crashes, runs out of time or refuses to start, again and again within the hour.",
    metric: ({ functions }) => functions.consume.lambda.metricErrors(),
    threshold: 1,
    periods: QUARTER_HOUR_PERIODS,
    within: HOUR_PERIODS,
  },
  {
    id: "MessagesFailed",
    runbook: "messages-failed",
    meaning: "Messages go back to the queue, again and again within the hour.",
    metric: (watched) => own(watched, "MessagesFailed"),
    threshold: 1,
    periods: QUARTER_HOUR_PERIODS,
    within: HOUR_PERIODS,
  },
  {
    id: "EventsQuarantined",
    runbook: "quarantined-events",
    meaning: "Messages held events that can never be stored; they lie in quarantine.",
    metric: (watched) => own(watched, "EventsQuarantined"),
    threshold: 1,
    periods: 1,
  },
  {
    id: "EventsConflicting",
    runbook: "conflicts",
    meaning: "Events arrived under ids that other content is stored under.",
    metric: (watched) => own(watched, "EventsConflicting"),
    threshold: 1,
    periods: 1,
  },
  {
    id: "SealLate",
    runbook: "seal-late",
    meaning:
      "Events waited for more than two minutes to be covered by a published checkpoint, for ten minutes by now.",
    metric: (watched) => own(watched, "CoverLag", Stats.MAXIMUM),
    threshold: COVER_LATE_MS,
    periods: 2,
  },
  {
    id: "SealMissing",
    runbook: "seal-late",
    meaning:
      "No run of the sealer has finished for 15 minutes: nothing is sealed, and no checkpoint renewed.",
    metric: (watched) => own(watched, "LogSize", Stats.SAMPLE_COUNT),
    threshold: 1,
    isFloor: true,
    periods: QUARTER_HOUR_PERIODS,
    missing: TreatMissingData.BREACHING,
  },
  {
    id: "LogDiverged",
    runbook: "log-diverged",
    meaning: "Sealing has stopped: what is published, sealed or stored contradicts the head of the log.",
    metric: (watched) => own(watched, "SealProblems"),
    threshold: 1,
    periods: 1,
  },
  {
    id: "SealErrors",
    runbook: "seal-errors",
    meaning: "The sealer crashes, runs out of time or refuses to start, again and again within the hour.",
    metric: ({ functions }) => functions.seal.lambda.metricErrors(),
    threshold: 1,
    periods: QUARTER_HOUR_PERIODS,
    within: HOUR_PERIODS,
  },
  {
    id: "WitnessFailures",
    runbook: "witness-failures",
    meaning: "A witness does not cosign checkpoints, for 15 minutes by now.",
    metric: (watched) => own(watched, "WitnessFailures"),
    threshold: 1,
    periods: QUARTER_HOUR_PERIODS,
  },
  {
    id: "LogIncomplete",
    runbook: "log-incomplete",
    meaning: "The nightly comparison of log, rows, segments and items found something missing or different.",
    metric: (watched) =>
      sumOf(
        ["LogSizeDifference", "MissingItems", "MissingRows", "MissingSegments"].map((name) =>
          own(watched, name, Stats.MAXIMUM),
        ),
        "missing",
      ),
    threshold: 1,
    periods: 1,
  },
  {
    id: "ApiFailures",
    runbook: "api-failures",
    meaning: "More than 1 % of requests are answered by 5xx.",
    metric: ({ api }) => failurePercent(api.api.metricServerError(), api.api.metricCount()),
    threshold: FAILURE_PERCENT,
    periods: 2,
  },
  {
    id: "Throttles",
    runbook: "throttles",
    meaning: "Functions are throttled, for 15 minutes by now.",
    metric: ({ functions }) =>
      sumOf(
        Object.values(functions).map(({ lambda }) => lambda.metricThrottles()),
        "throttles",
      ),
    threshold: 1,
    periods: QUARTER_HOUR_PERIODS,
  },
  {
    id: "WriteThrottles",
    runbook: "throttles",
    meaning: "Writes to tables are throttled, for 15 minutes by now.",
    metric: ({ storage }) => sumOf(ofTables(storage, "WriteThrottleEvents"), "write throttles"),
    threshold: 1,
    periods: QUARTER_HOUR_PERIODS,
  },
  {
    id: "MaintenanceMissing",
    runbook: "maintenance-missing",
    meaning:
      "No run of the maintain function has finished for 15 minutes: nothing is counted and nothing completed.",
    metric: (watched) => own(watched, "UnaccountedEvents", Stats.SAMPLE_COUNT),
    threshold: 1,
    isFloor: true,
    periods: QUARTER_HOUR_PERIODS,
    missing: TreatMissingData.BREACHING,
  },
];

/** How an alarm compares its value with its threshold. */
export function comparisonOf({ isFloor = false }: AlarmDefinition): ComparisonOperator {
  return isFloor
    ? ComparisonOperator.LESS_THAN_THRESHOLD
    : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD;
}

function failurePercent(failures: IMetric, requests: IMetric): MathExpression {
  return new MathExpression({
    expression: `IF(failures >= ${MIN_FAILURES}, 100 * failures / requests, 0)`,
    usingMetrics: { failures, requests },
    label: "5xx %",
  });
}
