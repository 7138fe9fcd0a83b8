/**
 * The witness function: hands requests of strangers to the witness and its answers back. A checkpoint that a log has signed
 * and that contradicts what it signed before is the worst that a witness can see, and is logged whole, as evidence.
 */
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { count, emf } from "#functions/metrics.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import type { Clock } from "#service/ports.ts";
import type { WitnessReply } from "#service/witness-ports.ts";
import type { WitnessRequest } from "#service/witness-requests.ts";

export interface WitnessFunctionDependencies {
  readonly requests: (request: WitnessRequest) => Promise<WitnessReply>;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "error">;
  readonly serviceName: string;
  /** Takes one line with its newline. */
  readonly writeMetrics: (line: string) => void;
}

export interface WitnessFunctionAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type WitnessFunction = (event: APIGatewayProxyEventV2) => Promise<WitnessFunctionAnswer>;

export function createWitnessFunction(dependencies: WitnessFunctionDependencies): WitnessFunction {
  const { requests, clock, telemetry, serviceName, writeMetrics } = dependencies;
  return async ({ rawPath: path, body: raw = "", isBase64Encoded, requestContext }) => {
    const body = isBase64Encoded ? Buffer.from(raw, "base64").toString("utf8") : raw;
    const reply = await requests({ method: requestContext.http.method, path, body });
    if (path === "/add-checkpoint") {
      const { isContradiction = false } = reply;
      if (isContradiction) telemetry.error("a log contradicts itself", { reason: reply.body, request: body });
      const metrics = {
        CheckpointsCosigned: count(reply.status === 200 ? 1 : 0),
        Contradictions: count(isContradiction ? 1 : 0),
      };
      writeMetrics(emf({ nowMs: clock.nowMs(), service: serviceName, metrics }));
    }
    const headers = { "content-type": reply.contentType, "cache-control": "no-store" };
    return { statusCode: reply.status, headers, body: reply.body };
  };
}
