// Problem documents: codes, statuses and what is not said.
import { describe, expect, it } from "vitest";
import { problemAnswer, problemCode, PROBLEMS } from "#http/problem.ts";
import { AuditServiceError, AuditStorageError, AuditValidationError } from "#lib/errors.ts";

/** Codes of the contract by status. */
const CONTRACT = {
  400: ["malformed-json", "validation-failed", "invalid-cursor", "use-cursor"],
  401: ["unauthenticated"],
  403: ["forbidden"],
  404: ["route-not-found", "event-not-found", "not-yet-sealed"],
  405: ["method-not-allowed"],
  408: ["request-timeout"],
  409: ["event-id-conflict"],
  413: ["payload-too-large"],
  415: ["unsupported-media-type"],
  429: ["rate-limited"],
  431: ["headers-too-large"],
  500: ["internal"],
  503: ["storage-unavailable", "overloaded"],
};

describe("PROBLEMS", () => {
  it("have the codes and statuses of the contract", () => {
    const found = Object.groupBy(Object.entries(PROBLEMS), ([, { status }]) => status);
    const byStatus = Object.entries(found).map(([status, entries = []]) => [
      status,
      entries.map(([code]) => code),
    ]);

    expect(Object.fromEntries(byStatus)).toEqual(CONTRACT);
  });
});

describe("problemAnswer", () => {
  it("says everything about an error of the caller", () => {
    const errors = [{ path: "/action", message: "is missing" }];

    const { statusCode, headers, body } = problemAnswer(
      new AuditValidationError("validation-failed", "no", { errors }),
      "r1",
    );

    expect(statusCode).toBe(400);
    expect(headers).toMatchObject({ "content-type": "application/problem+json", "x-request-id": "r1" });
    expect(JSON.parse(body)).toEqual({
      type: "/docs#validation-failed",
      title: "The request is not valid",
      status: 400,
      detail: "no",
      code: "validation-failed",
      errors,
      request_id: "r1",
    });
  });

  it.each([new TypeError("secret"), "secret", undefined, new AuditServiceError("folder-locked", "secret")])(
    "says nothing about an error of the service (%s)",
    (error) => {
      const { statusCode, body } = problemAnswer(error, "r1");

      expect(statusCode).toBe(500);
      expect(body).not.toContain("secret");
      expect(Object.keys(JSON.parse(body))).toEqual(["type", "title", "status", "code", "request_id"]);
    },
  );

  it("shows of the details only what the contract has as members", () => {
    const details = { results: [], events_logged: 0, path: "/secret" };

    const body = JSON.parse(
      problemAnswer(new AuditValidationError("validation-failed", "no", { details }), "r1").body,
    );

    expect(body).toMatchObject({ results: [], events_logged: 0 });
    expect(body).not.toHaveProperty("path");
  });

  it.each([
    [0.2, "1"],
    [2.5, "3"],
    [undefined, "1"],
  ])("asks for a retry after %s s with Retry-After: %s", (retryAfterS, header) => {
    const options = { retryable: true, ...(retryAfterS === undefined ? {} : { retryAfterS }) };

    const { headers } = problemAnswer(new AuditStorageError("storage-unavailable", "full", options), "r1");

    expect(headers["retry-after"]).toBe(header);
  });

  it("takes a closed store for an overloaded service: another one takes over", () => {
    expect(problemCode(new AuditStorageError("closed", "closed"))).toBe("overloaded");
  });
});
