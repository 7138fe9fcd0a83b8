/**
 * The numbers that dashboard and alarms are made of: the service's own, which the functions write with their logs, and
 * those that AWS keeps of functions, queues, tables and API.
 */
import { Duration } from "aws-cdk-lib";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { MathExpression, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { EVENT_TABLE } from "#adapters/aws/keys.ts";
import type { HttpApi } from "#infra/aws/http-api.ts";
import type { ServiceFunctionName } from "#infra/aws/bundle.ts";
import type { ServiceFunction } from "#infra/aws/service-function.ts";
import type { StorageStack } from "#infra/aws/storage-stack.ts";

/** What is watched. */
export interface Watched {
  /** Value of the dimension `Service` of the service's own metrics. */
  readonly serviceName: string;
  readonly functions: Readonly<Record<ServiceFunctionName, ServiceFunction>>;
  readonly storage: StorageStack;
  readonly api: HttpApi;
}

/** As functions/metrics.ts writes it. */
const NAMESPACE = "AuditService";
const FIVE_MINUTES = Duration.minutes(5);

/** One of the service's own numbers, per five minutes. */
export function own(
  { serviceName }: Pick<Watched, "serviceName">,
  metricName: string,
  statistic: string = Stats.SUM,
): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { Service: serviceName },
    statistic,
    period: FIVE_MINUTES,
  });
}

/** A metric of one table, or with `indexName` of one of its indexes. */
function ofTable(table: TableV2, metricName: string, indexName?: string): Metric {
  return new Metric({
    namespace: "AWS/DynamoDB",
    metricName,
    dimensionsMap: {
      TableName: table.tableName,
      ...(indexName === undefined ? {} : { GlobalSecondaryIndexName: indexName }),
    },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
    label: indexName === undefined ? metricName : `${metricName} ${indexName}`,
  });
}

/** Units or throttles of the events table and its indexes, and of the ledger, one metric each. */
export function ofTables({ tables }: StorageStack, metricName: string): Metric[] {
  const indexes = EVENT_TABLE.indexes.map(({ name }) => ofTable(tables.events, metricName, name));
  return [ofTable(tables.events, metricName), ...indexes, ofTable(tables.ledger, metricName)];
}

export function messagesIn(queue: Queue, label: string): Metric {
  const statistic = Stats.MAXIMUM;
  return queue.metricApproximateNumberOfMessagesVisible({ statistic, period: FIVE_MINUTES, label });
}

export function oldestAgeSeconds(queue: Queue, label: string): Metric {
  const statistic = Stats.MAXIMUM;
  return queue.metricApproximateAgeOfOldestMessage({ statistic, period: FIVE_MINUTES, label });
}

/** The sum of metrics; a metric without data counts as 0. One graph shows no two sums with one label. */
export function sumOf(metrics: readonly IMetric[], label: string): MathExpression {
  const prefix = `m_${label.toLowerCase().replaceAll(/[^a-z]/g, "")}`;
  const using = Object.fromEntries(metrics.map((metric, index) => [`${prefix}${index}`, metric]));
  const terms = Object.keys(using).map((name) => `FILL(${name}, 0)`);
  return new MathExpression({
    expression: terms.join(" + "),
    usingMetrics: using,
    label,
    period: FIVE_MINUTES,
  });
}
