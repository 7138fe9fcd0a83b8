// Errors of AWS clients become errors of this service, with the vendor's name and request, nothing of its text; retryable
// unless the call itself is wrong.
import { describe, expect, it } from "vitest";

import { isVendorError, storageError } from "#adapters/aws/aws-errors.ts";
import { AuditStorageError } from "#lib/errors.ts";

function vendorError(name: string): Error {
  const $metadata = { requestId: "r-1", httpStatusCode: 400 };
  return Object.assign(new Error("secret part of a request"), { name, $metadata });
}

describe("storageError", () => {
  it("is a retryable storage-unavailable that names what failed and the vendor's error", () => {
    const cause = vendorError("ThrottlingException");

    const error = storageError("the insert of 25 events", cause);

    expect(error).toBeInstanceOf(AuditStorageError);
    expect(error).toMatchObject({
      code: "storage-unavailable",
      retryable: true,
      message: "the insert of 25 events was answered by ThrottlingException",
      details: { vendorError: "ThrottlingException", requestId: "r-1", statusCode: 400 },
      cause,
    });
  });

  it.each([
    vendorError("ValidationException"),
    vendorError("ValidationError"),
    vendorError("SerializationException"),
    new TypeError("x is undefined"),
    new RangeError("out of range"),
  ])("is not retryable where the call itself is wrong: $name", (cause) => {
    expect(storageError("it", cause)).toMatchObject({ code: "storage-unavailable", retryable: false, cause });
  });

  it.each(["AccessDeniedException", "ResourceNotFoundException", "NoSuchBucket"])(
    "is retryable where the deployment is at fault, which a deploy may be repairing: %s",
    (name) => {
      expect(storageError("it", vendorError(name)).retryable).toBe(true);
    },
  );

  it("names the code of a network error", () => {
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });

    expect(storageError("it", refused).message).toBe("it was answered by ECONNREFUSED");
  });

  it("passes an error of our own through", () => {
    const own = new AuditStorageError("storage-unavailable", "item is of version 2");

    expect(storageError("it", own)).toBe(own);
  });

  it("takes whatever is thrown", () => {
    for (const thrown of [undefined, null, "text", {}]) {
      expect(storageError("it", thrown).message).toBe("it was answered by an unknown error");
    }
  });
});

describe("isVendorError", () => {
  it("tells errors apart by their names", () => {
    const error = vendorError("PreconditionFailed");

    expect(isVendorError(error, "NotFound", "PreconditionFailed")).toBe(true);
    expect(isVendorError(error, "NotFound")).toBe(false);
    expect(isVendorError("PreconditionFailed", "PreconditionFailed")).toBe(false);
  });
});
