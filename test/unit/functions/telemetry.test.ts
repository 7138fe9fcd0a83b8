// Telemetry: one JSON line per outcome, levels, and the summary of requests.
import { describe, expect, it } from "vitest";
import type { LogLevel } from "#functions/config.ts";
import type { RequestOutcome, Telemetry } from "#functions/telemetry.ts";
import { createTelemetry } from "#functions/telemetry.ts";

const OK: RequestOutcome = { routeKey: "GET /events", status: 200, durationMs: 2, requestId: "r1" };

describe("createTelemetry", () => {
  it("writes one JSON line with time, level, message and fields", () => {
    const { telemetry, text } = capture("info");

    telemetry.info("listening", { url: "http://127.0.0.1:1" });

    expect(text()).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"listening","url":"http://127.0.0.1:1"}\n',
    );
  });

  it("writes nothing below its level", () => {
    const { telemetry, lines } = capture("warn");

    telemetry.debug("a");
    telemetry.info("b");
    telemetry.warn("c");
    telemetry.error("d");

    expect(lines().map(({ message }) => message)).toEqual(["c", "d"]);
  });

  it("sums successful requests up instead of writing a line for each", () => {
    const { telemetry, lines } = capture("info");
    telemetry.request(OK);
    telemetry.request({ ...OK, status: 404, durationMs: 4, code: "event-not-found" });

    telemetry.summarise();
    telemetry.summarise();

    expect(lines()).toEqual([
      expect.objectContaining({
        message: "requests",
        count: 2,
        mean_ms: 3,
        slowest_ms: 4,
        by_route: { "GET /events": 2 },
        by_status: { "200": 1, "404": 1 },
        by_code: { "event-not-found": 1 },
      }),
    ]);
  });

  it("writes each request at level debug", () => {
    const { telemetry, lines } = capture("debug");

    telemetry.request(OK);

    expect(lines()).toEqual([
      expect.objectContaining({ level: "debug", message: "request", request_id: "r1", status: 200 }),
    ]);
  });

  it("writes an error with its causes where the service is at fault, and warns where it recovers", () => {
    const { telemetry, lines } = capture("info");
    const cause = new Error("outer", { cause: new Error("inner") });

    telemetry.request({ ...OK, status: 500, code: "internal", cause });
    telemetry.request({ ...OK, status: 503, code: "overloaded" });

    expect(lines()).toEqual([
      expect.objectContaining({
        level: "error",
        message: "request failed",
        error: "outer: inner",
        code: "internal",
      }),
      expect.objectContaining({ level: "warn", message: "request failed", code: "overloaded" }),
    ]);
  });
});

function capture(level: LogLevel): {
  readonly telemetry: Telemetry;
  readonly text: () => string;
  readonly lines: () => Record<string, unknown>[];
} {
  const written: string[] = [];
  const telemetry = createTelemetry({ level, nowMs: () => 0, write: (line) => written.push(line) });
  const text = (): string => written.join("");
  return { telemetry, text, lines: () => written.map((line) => JSON.parse(line)) };
}
