// Metric lines have the form that CloudWatch takes values from (embedded metric format specification).
import { describe, expect, it } from "vitest";

import { count, emf } from "#functions/metrics.ts";

describe("a metric line", () => {
  it("names each value with its unit, under one dimension", () => {
    const line = emf({
      nowMs: 1_772_366_400_000,
      service: "audit_service",
      metrics: {
        EventsStored: count(3),
        ArchiveBytes: { value: 512, unit: "Bytes" },
        UnaccountedEvents: undefined,
      },
      fields: { batch_ids: ["g"], is_finished: true, missing: undefined },
    });

    expect(line.endsWith("}\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      _aws: {
        Timestamp: 1_772_366_400_000,
        CloudWatchMetrics: [
          {
            Namespace: "AuditService",
            Dimensions: [["Service"]],
            Metrics: [
              { Name: "EventsStored", Unit: "Count" },
              { Name: "ArchiveBytes", Unit: "Bytes" },
            ],
          },
        ],
      },
      Service: "audit_service",
      EventsStored: 3,
      ArchiveBytes: 512,
      batch_ids: ["g"],
      is_finished: true,
    });
  });
});
