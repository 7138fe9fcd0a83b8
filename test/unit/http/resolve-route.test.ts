// From method and path to a route.
import { describe, expect, it } from "vitest";
import { resolveRoute } from "#http/resolve-route.ts";

describe("resolveRoute", () => {
  it.each([
    ["GET", "/events", "GET /events", undefined],
    ["HEAD", "/events", "HEAD /events", undefined],
    ["POST", "/events/batch", "POST /events/batch", undefined],
    ["GET", "/events/export", "GET /events/export", undefined],
    ["GET", "/events/abc", "GET /events/{event_id}", { event_id: "abc" }],
    ["GET", "/events/k%3A0", "GET /events/{event_id}", { event_id: "k:0" }],
    ["GET", "/events/a%2Fb", "GET /events/{event_id}", { event_id: "a/b" }],
    ["GET", "/events/__proto__", "GET /events/{event_id}", { event_id: "__proto__" }],
    ["HEAD", "/health", "HEAD /health", undefined],
  ])("finds %s %s", (method, path, routeKey, pathParameters) => {
    expect(resolveRoute(method, path)).toMatchObject({ kind: "found", routeKey, pathParameters });
  });

  it.each([
    "/",
    "",
    "events",
    "/event",
    "/events/",
    "//events",
    "/events//",
    "/events/a/b",
    "/EVENTS",
    "/events/%",
    "/events/%FF",
    "/constructor",
  ])("finds nothing at %j", (path) => {
    expect(resolveRoute("GET", path)).toEqual({ kind: "not-found" });
  });

  it.each([
    ["DELETE", "/events/abc", "GET, HEAD"],
    ["GET", "/events/batch", "POST"],
    ["PUT", "/events", "POST, GET, HEAD"],
    ["get", "/health", "GET, HEAD"],
    ["OPTIONS", "/flush", "POST"],
  ])("says what else is allowed than %s %s", (method, path, allow) => {
    expect(resolveRoute(method, path)).toEqual({ kind: "method-not-allowed", allow });
  });
});
