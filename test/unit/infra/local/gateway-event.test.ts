// The event that API Gateway would make of a request.
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { toGatewayEvent } from "#infra/local/gateway-event.ts";

describe("toGatewayEvent", () => {
  it("joins repeated headers by commas, in lower case, and sets cookies apart", () => {
    const event = eventOf([
      "Host",
      "localhost",
      "X-A",
      "1",
      "x-a",
      "2",
      "Cookie",
      "a=1; b=2",
      "cookie",
      "c=3",
    ]);

    expect(event.headers).toEqual({ host: "localhost", "x-a": "1,2" });
    expect(event.cookies).toEqual(["a=1", "b=2", "c=3"]);
  });

  it("leaves the path encoded and the query string as sent", () => {
    const event = eventOf([]);

    expect([event.rawPath, event.rawQueryString]).toEqual(["/events/a%3Ab", "a=1&a=2"]);
    expect(event.pathParameters).toEqual({ event_id: "a:b" });
  });

  it("says when, from where and by which route, as API Gateway does", () => {
    const { requestContext } = eventOf(["user-agent", "curl"]);

    expect(requestContext).toMatchObject({
      http: {
        method: "GET",
        path: "/events/a%3Ab",
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: "curl",
      },
      requestId: "r1",
      routeKey: "GET /events/{event_id}",
      stage: "$default",
      time: "01/Mar/2026:12:00:00 +0000",
      timeEpoch: Date.parse("2026-03-01T12:00:00.500Z"),
    });
  });

  it("sends text as it is, and in base64 what is compressed or no UTF-8", () => {
    const text = Buffer.from('{"ü":1}');

    expect(eventOf([], text)).toMatchObject({ body: '{"ü":1}', isBase64Encoded: false });
    expect(eventOf(["content-encoding", "gzip"], text)).toMatchObject({
      body: text.toString("base64"),
      isBase64Encoded: true,
    });
    expect(eventOf([], Buffer.from([0xff]))).toMatchObject({ body: "/w==", isBase64Encoded: true });
    expect(eventOf([])).not.toHaveProperty("body");
  });
});

function eventOf(rawHeaders: string[], body?: Buffer): ReturnType<typeof toGatewayEvent> {
  const request = {
    rawHeaders,
    method: "GET",
    httpVersion: "1.1",
    socket: { remoteAddress: "127.0.0.1" },
  } as unknown as IncomingMessage;
  return toGatewayEvent({
    request,
    requestId: "r1",
    routeKey: "GET /events/{event_id}",
    path: "/events/a%3Ab",
    queryString: "a=1&a=2",
    pathParameters: { event_id: "a:b" },
    body,
    nowMs: Date.parse("2026-03-01T12:00:00.500Z"),
  });
}
