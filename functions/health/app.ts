/** The health function: the state of the service and of what it depends on. */
import type { HttpFunction } from "#functions/middleware.ts";
import { createHttpFunction } from "#functions/middleware.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import { parseQueryString, readParameters } from "#http/query-string.ts";
import { NoParameters } from "#http/parameters.ts";
import type { HealthReport } from "#service/health.ts";

export interface HealthDependencies {
  readonly health: () => Promise<HealthReport>;
  readonly telemetry: Telemetry;
}

export function createHealthFunction({ health, telemetry }: HealthDependencies): HttpFunction {
  return createHttpFunction<"health">({
    handlers: {
      "GET /health": async (request) => {
        readParameters(NoParameters, parseQueryString(request.rawQueryString));
        const report = await health();
        return { statusCode: report.status === "unhealthy" ? 503 : 200, body: JSON.stringify(report) };
      },
    },
    telemetry,
  });
}
