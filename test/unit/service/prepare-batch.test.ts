// A batch of which something is wrong that its values do not show: each entry is judged by itself.
import { describe, expect, it } from "vitest";

import { AuditValidationError } from "#lib/errors.ts";
import type { PreparedBatch } from "#service/prepare-batch.ts";
import { prepareBatch } from "#service/prepare-batch.ts";

const DEEP = "[".repeat(600) + "]".repeat(600);
const VALID = '{"action":"a","service_name":"s"}';
const IDENTIFIERS = { newEventId: () => "minted", newSalt: () => "AAAAAAAAAAAAAAAAAAAAAA" };

function prepare(entries: readonly string[]): PreparedBatch {
  const request = { receivedAtMs: 0, keyTenant: undefined, idempotencyKey: undefined, isAtomic: false };
  return prepareBatch({ ...request, text: `{"events":[${entries.join(",")}]}` }, IDENTIFIERS);
}

function refusal(entries: readonly string[]): AuditValidationError {
  try {
    prepare(entries);
  } catch (error) {
    if (error instanceof AuditValidationError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("an entry that nests too deep", () => {
  it.each([
    ["in metadata", `{"action":"a","service_name":"s","metadata":{"a":${DEEP}}}`, "/metadata"],
    ["in an unknown member", `{"action":"a","service_name":"s","x":${DEEP}}`, "/x"],
    ["as a whole", DEEP, "/0"],
  ])("%s is refused alone, by path", (_, entry, path) => {
    const { lines, firstResults } = prepare([entry, VALID]);

    expect(lines).toHaveLength(1);
    expect(firstResults).toMatchObject([
      {
        index: 0,
        status: "rejected",
        code: "validation-failed",
        errors: [{ path, message: "nests deeper than 500 levels" }],
      },
      { index: 1, status: "accepted", event_id: "minted" },
    ]);
  });

  it("is named by its place where it is the only one", () => {
    expect(refusal([DEEP]).errors).toEqual([
      { path: "/events/0/0", message: "nests deeper than 500 levels" },
    ]);
  });
});

describe("an entry that JavaScript would change", () => {
  it("is refused too where another has more such places than are listed", () => {
    const many = `{"action":"a","service_name":"s","metadata":{"a":[${"1e999,".repeat(200)}1]}}`;
    const twice = '{"action":"a","service_name":"s","user_id":"ada","user_id":"eve"}';

    const { lines, firstResults } = prepare([many, twice, VALID]);

    expect(lines).toHaveLength(1);
    expect(firstResults.map(({ status }) => status)).toEqual(["rejected", "rejected", "accepted"]);
    expect(firstResults[1]?.errors).toMatchObject([{ path: "/user_id" }]);
  });
});
