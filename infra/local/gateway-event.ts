/**
 * A request of node:http as the event that API Gateway makes of it (HTTP API, payload format 2.0): header names in
 * lower case, values of repeated headers joined by commas, cookies apart, a body that is no text in base64.
 */
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

export interface EventParts {
  readonly request: IncomingMessage;
  readonly requestId: string;
  /** `METHOD /path` of the route, or `$default`. */
  readonly routeKey: string;
  readonly path: string;
  readonly queryString: string;
  readonly pathParameters: Readonly<Record<string, string>> | undefined;
  readonly body: Buffer | undefined;
  readonly nowMs: number;
}

export const DEFAULT_ROUTE_KEY = "$default";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function toGatewayEvent(parts: EventParts): APIGatewayProxyEventV2 {
  const { request, path, queryString, pathParameters, body, nowMs } = parts;
  const { headers, cookies } = readHeaders(request.rawHeaders);
  const isBase64Encoded = body !== undefined && (headers["content-encoding"] !== undefined || !isUtf8(body));
  return {
    version: "2.0",
    routeKey: parts.routeKey,
    rawPath: path,
    rawQueryString: queryString,
    ...(cookies === undefined ? {} : { cookies }),
    headers,
    requestContext: {
      accountId: "local",
      apiId: "local",
      domainName: headers["host"] ?? "",
      domainPrefix: "local",
      http: {
        method: request.method ?? "GET",
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: parts.requestId,
      routeKey: parts.routeKey,
      stage: "$default",
      time: requestTime(nowMs),
      timeEpoch: nowMs,
    },
    ...(body === undefined ? {} : { body: body.toString(isBase64Encoded ? "base64" : "utf8") }),
    ...(pathParameters === undefined ? {} : { pathParameters: { ...pathParameters } }),
    isBase64Encoded,
  };
}

interface ReadHeaders {
  readonly headers: Record<string, string>;
  readonly cookies: string[] | undefined;
}

/** @param raw names and values by turns, as sent */
function readHeaders(raw: readonly string[]): ReadHeaders {
  const headers: Record<string, string> = {};
  let cookies: string[] | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? "";
    const value = raw[index + 1] ?? "";
    const known = headers[name];
    if (name === "cookie") cookies = [...(cookies ?? []), ...value.split(/;\s*/)];
    else headers[name] = known === undefined ? value : `${known},${value}`;
  }
  return { headers, cookies };
}

let timeSecond = -1;
let timeText = "";

/** Such as `01/Mar/2026:12:00:00 +0000`. */
function requestTime(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== timeSecond) {
    const [date = "", time = ""] = new Date(second * 1000).toISOString().split("T");
    const [year, month, day] = date.split("-");
    timeText = `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
    timeSecond = second;
  }
  return timeText;
}
