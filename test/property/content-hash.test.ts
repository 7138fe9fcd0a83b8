// The content hash as a verifier computes it, which knows nothing of how lines are written, is the one in the receipt.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PreparedLine } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { anyEvent } from "#test/support/event-arbitraries.ts";
import { STAMP } from "#test/support/event-fixtures.ts";
import { contentHashOf } from "#verify/content-hash.ts";

const RUNS = { numRuns: 1000 };

function stored(event: unknown): PreparedLine {
  const preparation = prepareEvent(event, STAMP);
  if (preparation.kind === "prepared") return preparation.line;
  throw new Error(JSON.stringify(preparation.errors));
}

describe("the content hash of a line", () => {
  it("is the one that its sender was answered, for any event", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { text, contentHash } = stored(event);

        expect(contentHashOf(Buffer.from(text))).toBe(contentHash);
      }),
      RUNS,
    );
  });

  it("is another one where anything of the content differs", () => {
    fc.assert(
      fc.property(anyEvent, fc.constantFrom("message", "timestamp", "user_id"), (event, name) => {
        const value = name === "timestamp" ? "1999-01-01T00:00:00Z" : "somebody else's";
        const { contentHash } = stored(event);

        expect(contentHashOf(Buffer.from(stored({ ...event, [name]: value }).text))).not.toBe(contentHash);
      }),
      RUNS,
    );
  });

  it("is none where the bytes are no line of the version that it knows", () => {
    const { text } = stored({ action: "a", service_name: "s" });
    const others = [
      "",
      "{}",
      "[]",
      "null",
      '{"_v":1}',
      text.slice(0, -1),
      text.replace('"_v":1', '"_v":2'),
      `${text} `,
    ];

    expect(others.map((other) => contentHashOf(Buffer.from(other)))).toEqual(others.map(() => undefined));
  });
});
