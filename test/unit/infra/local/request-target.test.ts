// The request target and the host that a request names.
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { hostProblem, splitTarget } from "#infra/local/request-target.ts";

describe("splitTarget", () => {
  it.each([
    ["/events?a=1?b", "/events", "a=1?b"],
    ["/events", "/events", ""],
    ["/events?", "/events", ""],
    ["http://localhost:8000/events?a=1", "/events", "a=1"],
    ["https://localhost", "/", ""],
    ["*", "*", ""],
  ])("splits %s", (target, path, queryString) => {
    expect(splitTarget(target)).toEqual({ path, queryString });
  });
});

describe("hostProblem", () => {
  it.each(["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "audit.localhost"])(
    "lets %s pass",
    (host) => {
      expect(hostProblem(requestTo(host), true)).toBeUndefined();
    },
  );

  it.each(["example.org", "localhost.example.org", "127.0.0.1.example.org:8000", "192.168.0.1", "", "[::2]"])(
    "refuses %j while only this machine may reach the service",
    (host) => {
      expect(hostProblem(requestTo(host), true)?.code).toBe("forbidden");
      expect(hostProblem(requestTo(host), false)).toBeUndefined();
    },
  );

  it("refuses HTTP/1.1 without a host, as the protocol wants", () => {
    expect(hostProblem(requestTo(undefined), false)?.code).toBe("validation-failed");
    expect(hostProblem(requestTo(undefined, "1.0"), true)).toBeUndefined();
  });
});

function requestTo(host: string | undefined, httpVersion = "1.1"): IncomingMessage {
  return { headers: host === undefined ? {} : { host }, httpVersion } as IncomingMessage;
}
