/**
 * Metrics in the embedded metric format: one log line from which CloudWatch takes any number of values, which costs what
 * a line costs and no call. One dimension, the service, because each combination of dimensions is billed as a metric.
 */

/** Where the metrics of all functions are found. */
const METRIC_NAMESPACE = "AuditService";
const DIMENSION = "Service";

export type MetricUnit = "Count" | "Bytes" | "Milliseconds";

export interface MetricValue {
  readonly value: number;
  readonly unit: MetricUnit;
}

export interface MetricLine {
  readonly nowMs: number;
  /** Name of the instance. */
  readonly service: string;
  /** Values by name, in PascalCase; those that are undefined are left out. */
  readonly metrics: Readonly<Record<string, MetricValue | undefined>>;
  /** Facts beside them that are no metrics; never payloads. */
  readonly fields?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
}

export function count(value: number): MetricValue {
  return { value, unit: "Count" };
}

/** The line with its newline (CloudWatch embedded metric format specification). */
export function emf({ nowMs, service, metrics, fields = {} }: MetricLine): string {
  const given = Object.entries(metrics).flatMap(([name, metric]) =>
    metric === undefined ? [] : [{ name, ...metric }],
  );
  const directive = {
    Namespace: METRIC_NAMESPACE,
    Dimensions: [[DIMENSION]],
    Metrics: given.map(({ name, unit }) => ({ Name: name, Unit: unit })),
  };
  const line = {
    _aws: { Timestamp: nowMs, CloudWatchMetrics: [directive] },
    [DIMENSION]: service,
    ...Object.fromEntries(given.map(({ name, value }) => [name, value])),
    ...fields,
  };
  return `${JSON.stringify(line)}\n`;
}
