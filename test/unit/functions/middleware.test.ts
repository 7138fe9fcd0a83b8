// The stack around handlers: what API Gateway sends on AWS, beside what the tests over HTTP send.
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";
import type { ApiRequest, HttpFunction } from "#functions/middleware.ts";
import { createHttpFunction, textOf } from "#functions/middleware.ts";
import type { RequestOutcome } from "#functions/telemetry.ts";
import { createTelemetry } from "#functions/telemetry.ts";
import { AuditQueryError } from "#lib/errors.ts";
import { parseStrictJson } from "#lib/strict-json.ts";

describe("createHttpFunction", () => {
  it("hands the handler the decoded body as it was sent", async () => {
    const seen: unknown[] = [];
    const { run } = ingest((request) => seen.push(textOf(request)));

    await run(event("POST /events", '{"a":1,"a":2}'));

    expect(seen).toEqual(['{"a":1,"a":2}']);
  });

  it("gives every answer the request id and the headers that forbid guessing and caching", async () => {
    const { run } = ingest(() => undefined);

    const answer = await run(event("POST /events", "{}"));

    expect(answer).toEqual({
      statusCode: 202,
      headers: {
        "content-type": "application/json",
        "x-request-id": "r1",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
      },
      body: "{}",
    });
  });

  it("answers what a handler throws as a problem", async () => {
    const { run } = ingest(() => {
      throw new AuditQueryError("event-not-found", "no event");
    });

    const answer = await run(event("POST /events", "{}"));

    expect(answer.statusCode).toBe(404);
    expect(answer.headers["x-request-id"]).toBe("r1");
    expect(JSON.parse(String(answer.body))).toMatchObject({
      code: "event-not-found",
      detail: "no event",
      request_id: "r1",
    });
  });

  it.each([
    ["GET", "/nowhere", 404, undefined],
    ["GET", "/", 404, undefined],
    ["DELETE", "/events/x", 405, "GET, HEAD"],
    ["GET", "/events/batch", 405, "POST"],
    ["OPTIONS", "/events", 405, "POST, GET, HEAD"],
  ])("answers %s %s that no route matches with %s", async (method, path, status, allow) => {
    const { run } = ingest(() => undefined);

    const answer = await run(event("$default", undefined, method, path));

    expect(answer.statusCode).toBe(status);
    expect(answer.headers["allow"]).toBe(allow);
  });

  it("reports each outcome once", async () => {
    const { run, outcomes } = ingest((request) => parseStrictJson(textOf(request)));

    await run(event("POST /events", "{}"));
    await run(event("POST /events", "{"));

    expect(outcomes.map(({ status, code }) => [status, code])).toEqual([
      [202, undefined],
      [400, "malformed-json"],
    ]);
  });
});

function ingest(look: (request: ApiRequest) => unknown): {
  readonly run: HttpFunction;
  readonly outcomes: RequestOutcome[];
} {
  const outcomes: RequestOutcome[] = [];
  const telemetry = createTelemetry({ level: "error", nowMs: () => 0, write: () => undefined });
  const handler = (request: ApiRequest): { statusCode: number; body: string } => {
    look(request);
    return { statusCode: 202, body: "{}" };
  };
  const run = createHttpFunction<"ingest">({
    handlers: { "POST /events": handler, "POST /events/batch": handler },
    telemetry: { ...telemetry, request: (outcome) => outcomes.push(outcome) },
  });
  return { run, outcomes };
}

function event(routeKey: string, body?: string, method = "POST", path = "/events"): APIGatewayProxyEventV2 {
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: "",
    headers: { "content-type": "application/json" },
    requestContext: {
      accountId: "1",
      apiId: "1",
      domainName: "",
      domainPrefix: "",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "" },
      requestId: "r1",
      routeKey,
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: false,
  };
}
