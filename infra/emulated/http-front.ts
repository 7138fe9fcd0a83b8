/**
 * The gateway of one machine in front of the functions of a template: it reads requests, the template's routes decide who
 * answers. What matches none goes to `$default`, as API Gateway does it.
 */
import type { HttpFunction } from "#functions/middleware.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import type { HttpAnswer } from "#http/problem.ts";
import { ROUTES } from "#http/route-table.ts";
import type { LambdaFunction } from "#infra/emulated/lambda-function.ts";
import { createGateway } from "#infra/local/gateway.ts";
import type { Gateway } from "#infra/local/gateway.ts";
import { DEFAULT_ROUTE_KEY } from "#infra/local/gateway-event.ts";
import * as z from "zod";

export interface HttpFrontOptions {
  /** Route key, such as `GET /health` → function. Filled before the first request. */
  readonly routes: ReadonlyMap<string, LambdaFunction>;
  readonly telemetry: Telemetry;
  readonly onProblem: (text: string) => void;
}

const Answer = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});
const JSON_TYPE = { "content-type": "application/json" };
const NOT_FOUND: HttpAnswer = { statusCode: 404, headers: JSON_TYPE, body: '{"message":"Not Found"}' };
/** What API Gateway answers where a function fails or answers nonsense. */
const FAILED: HttpAnswer = {
  statusCode: 500,
  headers: JSON_TYPE,
  body: '{"message":"Internal Server Error"}',
};

export function createHttpFront({ routes, telemetry, onProblem }: HttpFrontOptions): Gateway {
  const dispatch: HttpFunction = async (event) => {
    const isKnown = routes.has(event.routeKey);
    const target = routes.get(isKnown ? event.routeKey : DEFAULT_ROUTE_KEY);
    if (target === undefined) return NOT_FOUND;
    const routeKey = isKnown ? event.routeKey : DEFAULT_ROUTE_KEY;
    const requestContext = { ...event.requestContext, routeKey };
    try {
      const answer = Answer.parse(await target.invoke({ ...event, routeKey, requestContext }));
      return answer.isBase64Encoded ? { ...answer, body: Buffer.from(answer.body, "base64") } : answer;
    } catch (error) {
      onProblem(String(error));
      return FAILED;
    }
  };
  return createGateway({
    functions: { ingest: dispatch, query: dispatch, prove: dispatch, health: dispatch },
    telemetry,
    nowMs: Date.now,
    isLoopbackOnly: true,
  });
}

/** What routes of a template differ in from the route table, one text each. */
export function routeProblems(routeKeys: Iterable<string>): readonly string[] {
  const wanted = new Set<string>([DEFAULT_ROUTE_KEY]);
  for (const { method, path } of ROUTES) {
    wanted.add(`${method} ${path}`);
    if (method === "GET") wanted.add(`HEAD ${path}`);
  }
  const found = new Set(routeKeys);
  return [
    ...[...wanted].filter((key) => !found.has(key)).map((key) => `the template lacks the route ${key}`),
    ...[...found].filter((key) => !wanted.has(key)).map((key) => `the route table has no ${key}`),
  ];
}
