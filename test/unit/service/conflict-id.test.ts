// Derived ids: one per content, not to be worked out without the key, and never an id that a client may send.
import { createHmac } from "node:crypto";

import { describe, expect, it } from "vitest";

import { EventId } from "#event/audit-event.ts";
import { conflictIdOf } from "#service/conflict-id.ts";

const CONFLICT = {
  conflictKey: Buffer.from("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "hex"),
  eventId: "order-1",
  contentHash: "ab".repeat(32),
};

describe("conflictIdOf", () => {
  it("is the event's id and 32 digits of HMAC-SHA-256 over the content hash", () => {
    const digits = createHmac("sha256", CONFLICT.conflictKey)
      .update("ab".repeat(32))
      .digest("hex")
      .slice(0, 32);

    expect(conflictIdOf(CONFLICT)).toBe(`order-1!${digits}`);
  });

  it("never changes", () => {
    expect(conflictIdOf(CONFLICT)).toBe("order-1!83cc72e8552c728540300ea6cea57365");
  });

  it("differs with key, event and content", () => {
    const others = [
      CONFLICT,
      { ...CONFLICT, conflictKey: Buffer.alloc(32, 1) },
      { ...CONFLICT, eventId: "order-2" },
      { ...CONFLICT, contentHash: "ac".repeat(32) },
    ];

    expect(new Set(others.map(conflictIdOf)).size).toBe(4);
  });

  it("is no id that an event may be sent with", () => {
    expect(EventId.safeParse(conflictIdOf(CONFLICT)).success).toBe(false);
  });
});
