/** One page that answers what a person on call asks first: does it take events, is it behind, what fails, what does it cost. */
import { Duration } from "aws-cdk-lib";
import type { Alarm, IMetric } from "aws-cdk-lib/aws-cloudwatch";
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  MathExpression,
  SingleValueWidget,
  Stats,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import { SERVICE_FUNCTION_NAMES } from "#infra/aws/bundle.ts";
import { FUNCTION_SETTINGS } from "#infra/aws/function-settings.ts";
import { PER_SEAL, PRICES_USD } from "#infra/aws/prices.ts";
import type { Watched } from "#infra/aws/service-metrics.ts";
import { messagesIn, ofTables, oldestAgeSeconds, own, sumOf } from "#infra/aws/service-metrics.ts";

export interface ServiceDashboardProps {
  readonly watched: Watched;
  readonly alarms: readonly Alarm[];
}

const WIDTH = 8;
const MB_PER_GB = 1024;
const MS_PER_S = 1000;

export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, { watched, alarms }: ServiceDashboardProps) {
    super(scope, id);
    const { storage, functions, api } = watched;
    const { queues } = storage;
    const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []): GraphWidget =>
      new GraphWidget({ title, left: [...left], right: [...right], width: WIDTH });
    const ofService = (...names: readonly string[]): IMetric[] => names.map((name) => own(watched, name));
    const dashboard = new Dashboard(this, "Dashboard", { defaultInterval: Duration.days(1) });
    dashboard.addWidgets(
      new SingleValueWidget({
        title: "Unaccounted events",
        metrics: [own(watched, "UnaccountedEvents", Stats.MAXIMUM)],
        width: WIDTH,
      }),
      new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 2 * WIDTH }),
    );
    dashboard.addWidgets(
      graph("Taken over HTTP", ofService("EventsAccepted", "EventsRejected"), ofService("Requests")),
      graph(
        "Lag (s)",
        [oldestAgeSeconds(queues.lines.queue, "lines"), oldestAgeSeconds(queues.intake.queue, "intake")],
        [own(watched, "QueueAgeMs", Stats.MAXIMUM)],
      ),
      graph(
        "Waiting messages",
        [messagesIn(queues.lines.queue, "lines"), messagesIn(queues.intake.queue, "intake")],
        ofService("DeadLetters"),
      ),
    );
    dashboard.addWidgets(
      graph("Stored", ofService("EventsStored", "EventsDuplicate", "EventsConflicting", "EventsUnindexed")),
      graph("Failures", [
        ...ofService("MessagesFailed", "EventsQuarantined", "Failures"),
        api.api.metricServerError({ label: "HTTP 5xx" }),
        ...SERVICE_FUNCTION_NAMES.map((name) =>
          functions[name].lambda.metricErrors({ label: `errors ${name}` }),
        ),
      ]),
      graph("Archive", ofService("ArchiveBytes"), ofService("BatchesCompleted", "UnregisteredBatches")),
    );
    dashboard.addWidgets(
      graph("Sealed", ofService("LeavesSealed"), ofService("Seals", "SwapsLost")),
      graph("Cover lag (ms)", [
        own(watched, "CoverLag", Stats.percentile(50)),
        own(watched, "CoverLag", Stats.percentile(99)),
        own(watched, "CoverLag", Stats.MAXIMUM),
      ]),
      graph("Log", [own(watched, "LogSize", Stats.MAXIMUM)], ofService("SealProblems", "WitnessFailures")),
    );
    dashboard.addWidgets(
      graph("Write units", ofTables(storage, "ConsumedWriteCapacityUnits")),
      graph(
        "Durations (ms, p95)",
        SERVICE_FUNCTION_NAMES.map((name) =>
          functions[name].lambda.metricDuration({ statistic: Stats.percentile(95), label: name }),
        ),
      ),
      new GraphWidget({
        title: "Estimated cost per day (USD)",
        left: costs(watched),
        stacked: true,
        period: Duration.days(1),
        width: WIDTH,
      }),
    );
  }
}

/** Consumed units and requests times their prices; storage and the fixed costs are not in it. */
function costs(watched: Watched): MathExpression[] {
  const { storage, functions, api } = watched;
  const { queues } = storage;
  const sent = [queues.lines.queue, queues.intake.queue].flatMap((queue) => [
    queue.metricNumberOfMessagesSent(),
    queue.metricNumberOfMessagesReceived(),
    queue.metricNumberOfEmptyReceives(),
  ]);
  const compute = SERVICE_FUNCTION_NAMES.map((name) =>
    timesPrice(
      [functions[name].lambda.metricDuration({ statistic: Stats.SUM })],
      (FUNCTION_SETTINGS[name].memoryMb / MB_PER_GB / MS_PER_S) * PRICES_USD.lambdaGbSecond,
      `Lambda ${name}`,
    ),
  );
  return [
    timesPrice(ofTables(storage, "ConsumedWriteCapacityUnits"), PRICES_USD.writeUnit, "DynamoDB writes"),
    timesPrice(ofTables(storage, "ConsumedReadCapacityUnits"), PRICES_USD.readUnit, "DynamoDB reads"),
    timesPrice([functions.consume.lambda.metricInvocations()], PRICES_USD.objectWrite, "S3 writes"),
    timesPrice(
      [own(watched, "Seals")],
      PER_SEAL.objectWrites * PRICES_USD.objectWrite + PER_SEAL.signatures * PRICES_USD.signature,
      "Seals",
    ),
    timesPrice(sent, PRICES_USD.queueRequest, "SQS"),
    timesPrice([api.api.metricCount()], PRICES_USD.apiRequest, "HTTP API"),
    timesPrice(
      SERVICE_FUNCTION_NAMES.map((name) => functions[name].lambda.metricInvocations()),
      PRICES_USD.lambdaRequest,
      "Lambda requests",
    ),
    ...compute,
  ];
}

function timesPrice(metrics: readonly IMetric[], price: number, label: string): MathExpression {
  const { expression, usingMetrics } = sumOf(metrics, label);
  return new MathExpression({
    expression: `(${expression}) * ${price.toFixed(12)}`,
    usingMetrics,
    label,
    period: Duration.days(1),
  });
}
