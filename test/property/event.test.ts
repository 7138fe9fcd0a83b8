// For any event at all: what is stored is canonical, is what was sent, and hashes as the contract defines.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import { prepareEvent } from "#event/prepare-event.ts";
import { decodeLine } from "#event/stored-line.ts";
import { parseStrictJson } from "#lib/strict-json.ts";
import { anyEvent } from "#test/support/event-arbitraries.ts";
import { STAMP } from "#test/support/event-fixtures.ts";
import { canonical, oracleDecode, oracleLine } from "#test/support/line-oracle.ts";

const RUNS = { numRuns: 1000 };
const stamp = { receivedAt: STAMP.receivedAt, eventId: STAMP.newEventId(), salt: STAMP.newSalt() };

function stored(event: unknown): PreparedLine {
  const preparation = prepareEvent(event, STAMP);
  if (preparation.kind === "prepared") return preparation.line;
  throw new Error(JSON.stringify(preparation.errors));
}

describe("any valid event", () => {
  it("is accepted, and its line and hash are the oracle's", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { text, contentHash } = stored(event);

        expect({ line: text, contentHash }).toEqual(oracleLine(event, stamp));
      }),
      RUNS,
    );
  });

  it("has a line that is canonical: read and written again it is the same, byte for byte", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { text } = stored(event);

        expect(canonical(JSON.parse(text))).toBe(text);
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toContain("\n");
      }),
      RUNS,
    );
  });

  it("is read back by cutting as it is by parsing", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { text, contentHash } = stored(event);
        const oracle = oracleDecode(text);

        const decoded = decodeLine(text);

        expect(decoded.contentHash).toBe(contentHash);
        expect(oracle.contentHash).toBe(contentHash);
        expect(decoded.json).toBe(`{"content_hash":"${contentHash}",${canonical(oracle.event).slice(1)}`);
      }),
      RUNS,
    );
  });

  it("has the same hash when it comes again, at any time, in any order of members", () => {
    fc.assert(
      fc.property(anyEvent, fc.nat(1_000_000), (event, laterMs) => {
        const named = { ...event, event_id: "e-1" };
        const receivedAtMs = STAMP.receivedAtMs + laterMs;
        const later = { ...STAMP, receivedAtMs, receivedAt: new Date(receivedAtMs).toISOString() };
        const reversed = Object.fromEntries(Object.entries(named).toReversed());

        const again = prepareEvent(reversed, later);

        expect(again).toMatchObject({ line: { contentHash: stored(named).contentHash } });
      }),
    );
  });

  it("passes the strict reader as JSON text, and gives the same line", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { value, problems } = parseStrictJson(JSON.stringify(event));

        expect(problems).toEqual([]);
        expect(stored(value).text).toBe(stored(event).text);
      }),
    );
  });

  it("is sent again as the service answered it, less what the service set, with the same hash", () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const sent = { ...event, timestamp: "2026-01-01T00:00:00Z" };
        const { text, contentHash } = stored(sent);
        const { content_hash: _, received_at: __, ...answered } = JSON.parse(decodeLine(text).json);

        expect(stored(answered).contentHash).toBe(contentHash);
      }),
    );
  });
});

describe("any value at all", () => {
  const hostile = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
    fc
      .tuple(anyEvent, fc.string(), fc.anything())
      .map(([event, name, value]) => ({ ...event, [name]: value })),
    fc
      .tuple(
        anyEvent,
        fc.constantFrom("metadata", "changes", "message", "level", "timestamp", "event_id"),
        fc.anything(),
      )
      .map(([event, name, value]) => ({ ...event, [name]: value })),
    anyEvent.chain((event) =>
      fc
        .anything()
        .map((value) => ({ ...event, metadata: { value }, changes: [{ path: "", after: value }] })),
    ),
  );

  it("is stored canonically, or refused with at least one and at most 20 reasons", () => {
    fc.assert(
      fc.property(hostile, (input) => {
        const preparation = prepareEvent(input, STAMP);

        if (preparation.kind === "prepared") {
          expect(canonical(JSON.parse(preparation.line.text))).toBe(preparation.line.text);
        } else {
          expect(preparation.errors.length).toBeGreaterThanOrEqual(1);
          expect(preparation.errors.length).toBeLessThanOrEqual(20);
          expect(preparation.errors.every(({ path }) => path === "" || path.startsWith("/"))).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
