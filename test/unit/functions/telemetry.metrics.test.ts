// Telemetry on AWS: summaries are metrics, written while requests come, because a frozen function has no timer.
import { describe, expect, it } from "vitest";
import type { RequestOutcome, Telemetry } from "#functions/telemetry.ts";
import { createTelemetry, SUMMARY_INTERVAL_MS } from "#functions/telemetry.ts";

const OK: RequestOutcome = { routeKey: "POST /events", status: 202, durationMs: 2, requestId: "r1" };

describe("createTelemetry with metrics", () => {
  it("writes the first request at once, as one line of metrics by the name of the instance", () => {
    const { telemetry, lines } = capture();

    telemetry.events({ accepted: 99, rejected: 1 });
    telemetry.request(OK);

    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: 0,
          CloudWatchMetrics: [
            {
              Namespace: "AuditService",
              Dimensions: [["Service"]],
              Metrics: ["Requests", "Failures", "EventsAccepted", "EventsRejected"].map((Name) => ({
                Name,
                Unit: "Count",
              })),
            },
          ],
        },
        Service: "shop",
        Requests: 1,
        Failures: 0,
        EventsAccepted: 99,
        EventsRejected: 1,
      },
    ]);
  });

  it("gathers what comes within a minute, and loses nothing of it", () => {
    const { telemetry, lines, pass } = capture();
    telemetry.request(OK);
    for (const status of [202, 503, 404]) telemetry.request({ ...OK, status });
    pass(SUMMARY_INTERVAL_MS - 1);
    telemetry.request(OK);
    const before = metricLines(lines()).length;

    pass(1);
    telemetry.request(OK);

    expect(before).toBe(1);
    expect(metricLines(lines()).map(({ Requests, Failures }) => [Requests, Failures])).toEqual([
      [1, 0],
      [5, 1],
    ]);
  });

  it("still writes what failed as a line of its own", () => {
    const { telemetry, lines } = capture();

    telemetry.request({ ...OK, status: 500, code: "internal" });

    expect(lines().map(({ message }) => message)).toEqual(["request failed", undefined]);
  });
});

interface Captured {
  readonly telemetry: Telemetry;
  readonly lines: () => Record<string, unknown>[];
  readonly pass: (ms: number) => void;
}

function capture(): Captured {
  const written: string[] = [];
  let timeMs = 0;
  const telemetry = createTelemetry({
    level: "info",
    nowMs: () => timeMs,
    write: (line) => written.push(line),
    metricsOf: "shop",
  });
  const pass = (ms: number): void => {
    timeMs += ms;
  };
  return { telemetry, pass, lines: () => written.map((line) => JSON.parse(line)) };
}

function metricLines(lines: readonly Record<string, unknown>[]): readonly Record<string, unknown>[] {
  return lines.filter((line) => "_aws" in line);
}
