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
    ["GET", "/events/feed", "GET /events/feed", undefined],
    ["GET", "/events/k%3A0/proof", "GET /events/{event_id}/proof", { event_id: "k:0" }],
    ["GET", "/events/feed/line", "GET /events/{event_id}/line", { event_id: "feed" }],
    ["GET", "/log/tile/0/000", "GET /log/tile/{path+}", { path: "0/000" }],
    ["HEAD", "/log/tile/0/x001/067.p/3", "HEAD /log/tile/{path+}", { path: "0/x001/067.p/3" }],
    ["GET", "/log/tile/0%2F000", "GET /log/tile/{path+}", { path: "0/000" }],
    ["GET", "/log/tile//..//", "GET /log/tile/{path+}", { path: "/..//" }],
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
    "/events/a/line/",
    "/events/feed/a",
    "/log",
    "/log/tile",
    "/log/tile/",
    "/log/tile/0/%",
    "/log/checkpoint/a",
  ])("finds nothing at %j", (path) => {
    expect(resolveRoute("GET", path)).toEqual({ kind: "not-found" });
  });

  it.each([
    ["DELETE", "/events/abc", "GET, HEAD"],
    ["GET", "/events/batch", "POST"],
    ["PUT", "/events", "POST, GET, HEAD"],
    ["get", "/health", "GET, HEAD"],
    ["OPTIONS", "/flush", "POST"],
    ["POST", "/events/feed", "GET, HEAD"],
    ["PUT", "/log/tile/0/000", "GET, HEAD"],
  ])("says what else is allowed than %s %s", (method, path, allow) => {
    expect(resolveRoute(method, path)).toEqual({ kind: "method-not-allowed", allow });
  });
});
