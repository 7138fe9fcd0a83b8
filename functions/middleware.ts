/**
 * The one middleware stack of all HTTP functions, in this order. Before the handler: (1) note the time, (2) find the
 * route by its key, (3) decode the body. After it: (4) headers that every answer carries, (5) telemetry. On an error:
 * (6) the problem document, then 4 and 5. Handlers contain no try/catch.
 */
import { performance } from "node:perf_hooks";
import createStack from "@middy/core";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { readBody } from "#functions/request-body.ts";
import type { Telemetry } from "#functions/telemetry.ts";
import type { HttpAnswer } from "#http/problem.ts";
import { COMMON_HEADERS, problemAnswer, problemCode } from "#http/problem.ts";
import { resolveRoute, unmatchedError } from "#http/resolve-route.ts";
import type { FunctionName, Route, RouteKeyOf } from "#http/route-table.ts";
import { ROUTES } from "#http/route-table.ts";
import { AuditServiceError } from "#lib/errors.ts";

/** A request as handlers see it. */
export interface ApiRequest extends APIGatewayProxyEventV2 {
  /** The decoded body, where the route takes one. */
  text?: string;
  /** When the function began, for telemetry. */
  beganMs?: number;
}

/** What a handler answers; headers that every answer carries are added to it. */
export interface ApiAnswer {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless `content-type` says otherwise. */
  readonly body: string | Uint8Array;
}

export type RouteHandler = (request: ApiRequest) => Promise<ApiAnswer> | ApiAnswer;

/** A function as gateways invoke it. Never rejects. */
export type HttpFunction = (event: APIGatewayProxyEventV2, context?: object) => Promise<HttpAnswer>;

export interface HttpFunctionOptions<Name extends FunctionName> {
  readonly handlers: Readonly<Record<RouteKeyOf<Name>, RouteHandler>>;
  readonly telemetry: Telemetry;
}

const ROUTE_BY_KEY: ReadonlyMap<string, Route> = new Map(
  ROUTES.map((route) => [`${route.method} ${route.path}`, route]),
);
const JSON_TYPE = "application/json";

export function createHttpFunction<Name extends FunctionName>({
  handlers,
  telemetry,
}: HttpFunctionOptions<Name>): HttpFunction {
  const byKey = new Map<string, RouteHandler>(Object.entries<RouteHandler>(handlers));
  for (const [key, handler] of byKey) {
    if (key.startsWith("GET ")) byKey.set(key.replace("GET", "HEAD"), handler);
  }

  const run = createStack<ApiRequest, HttpAnswer>()
    .before(({ event }) => readRequest(event))
    .after(({ event, response }) => {
      if (response) report(telemetry, event, { answer: response });
    })
    .onError((request) => {
      const { event, error } = request;
      request.response = problemAnswer(error, event.requestContext.requestId);
      report(telemetry, event, { answer: request.response, error });
    })
    .handler((event: ApiRequest) => {
      const answer = (byKey.get(event.routeKey) ?? refuseUnmatched)(event);
      return answer instanceof Promise
        ? answer.then((settled) => complete(event, settled))
        : complete(event, answer);
    });
  // cast: the stack looks at no member of the Lambda context, which a gateway on one machine cannot have.
  return (event, context = {}) => run(event, context as Context);
}

/** Requests that match no route arrive at the query function with the key `$default`. */
function refuseUnmatched({ requestContext: { http } }: ApiRequest): never {
  const match = resolveRoute(http.method, http.path);
  if (match.kind !== "found") throw unmatchedError(match, http);
  throw new AuditServiceError("internal", `${match.routeKey} arrived at a function that does not have it`);
}

/** The body of a request as text; handlers read it as strict JSON, where and when that suits them. */
export function textOf({ text }: ApiRequest): string {
  return text ?? "";
}

function readRequest(event: ApiRequest): undefined | Promise<undefined> {
  event.beganMs = performance.now();
  const body = ROUTE_BY_KEY.get(event.routeKey)?.body;
  if (body === undefined) return undefined;
  const text = readBody(
    {
      body: event.body,
      isBase64Encoded: event.isBase64Encoded,
      contentType: event.headers["content-type"],
      contentEncoding: event.headers["content-encoding"],
    },
    body,
  );
  if (typeof text !== "string") {
    return text.then((decoded) => {
      event.text = decoded;
      return undefined;
    });
  }
  event.text = text;
  return undefined;
}

function complete({ requestContext }: ApiRequest, answer: ApiAnswer): HttpAnswer {
  return {
    statusCode: answer.statusCode,
    headers: {
      "content-type": JSON_TYPE,
      "x-request-id": requestContext.requestId,
      ...COMMON_HEADERS,
      ...answer.headers,
    },
    body: answer.body,
  };
}

function report(telemetry: Telemetry, event: ApiRequest, { answer, error }: Outcome): void {
  const outcome = {
    routeKey: event.routeKey,
    status: answer.statusCode,
    durationMs: performance.now() - (event.beganMs ?? performance.now()),
    requestId: event.requestContext.requestId,
  };
  if (error === undefined) telemetry.request(outcome);
  else telemetry.request({ ...outcome, code: problemCode(error), cause: error });
}

interface Outcome {
  readonly answer: HttpAnswer;
  readonly error?: unknown;
}
