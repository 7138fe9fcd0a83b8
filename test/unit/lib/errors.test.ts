// Errors: what every one carries, and what the defaults are.
import { describe, expect, it } from "vitest";

import {
  AuditAccessError,
  AuditQueryError,
  AuditQueueError,
  AuditServiceError,
  AuditStorageError,
  AuditValidationError,
} from "#lib/errors.ts";

describe("AuditServiceError", () => {
  it("carries what it is given", () => {
    const cause = new Error("disk");
    const errors = [{ path: "/a", message: "is wrong" }];

    const error = new AuditServiceError("storage-unavailable", "storage is down", {
      cause,
      errors,
      details: { path: "x" },
      retryable: true,
      retryAfterS: 5,
    });

    expect(error).toMatchObject({
      code: "storage-unavailable",
      message: "storage is down",
      cause,
      errors,
      details: { path: "x" },
      retryable: true,
      retryAfterS: 5,
    });
  });

  it("is final and empty by default", () => {
    const error = new AuditServiceError("internal", "it broke");

    expect(error).toMatchObject({ retryable: false, errors: [], details: {}, retryAfterS: undefined });
    expect(error).not.toHaveProperty("cause");
  });

  it.each([AuditValidationError, AuditStorageError, AuditQueryError, AuditQueueError, AuditAccessError])(
    "is the base of %o, which says its own name",
    (Subclass) => {
      const error = new Subclass("internal", "it broke");

      expect(error).toBeInstanceOf(AuditServiceError);
      expect(error.name).toBe(Subclass.name);
    },
  );
});
