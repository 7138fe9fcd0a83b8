// Instants: reading RFC 3339 against Date, the bounds, and the order.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Instant } from "#lib/instant.ts";
import { compareInstants, instantFromMs, parseInstant } from "#lib/instant.ts";

const SHAPE = "is not an RFC 3339 date-time with zone, such as 2026-01-31T09:30:00.123Z";
const MAX_MS = Date.parse("9999-12-31T23:59:59.999Z");

function seconds(text: string): number {
  const instant = parseInstant(text);
  if (typeof instant === "string") throw new Error(instant);
  return instant.seconds;
}

describe("parseInstant", () => {
  it("agrees with Date on any millisecond from 1970 to 9999", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_MS }), (ms) => {
        expect(parseInstant(new Date(ms).toISOString())).toEqual(instantFromMs(ms));
      }),
      { numRuns: 2000 },
    );
  });

  it("agrees with Date on any offset", () => {
    const two = (part: number): string => String(part).padStart(2, "0");

    fc.assert(
      fc.property(
        fc.integer({ min: 86_400_000, max: MAX_MS }),
        fc.constantFrom("+", "-"),
        fc.nat(23),
        fc.nat(59),
        (ms, sign, hours, minutes) => {
          const text = `${new Date(ms).toISOString().slice(0, 19)}${sign}${two(hours)}:${two(minutes)}`;

          expect(seconds(text)).toBe(Date.parse(text) / 1000);
        },
      ),
    );
  });

  it("agrees with Date on every day around century years", () => {
    for (const year of [1999, 2000, 2099, 2100, 2399, 2400]) {
      for (let day = 0; day < 800; day++) {
        const ms = Date.UTC(year, 0, 1 + day);
        expect(seconds(new Date(ms).toISOString())).toBe(ms / 1000);
      }
    }
  });

  it.each([
    ["2024-02-29T00:00:00Z", 1709164800],
    ["2000-02-29T00:00:00Z", 951782400],
    ["1970-01-01T00:00:00Z", 0],
    ["1969-12-31T23:59:00-00:01", 0],
    ["1970-01-01T23:59:00+23:59", 0],
    ["9999-12-31T23:59:59-23:59", 253402387139],
    ["2026-01-01t00:00:00z", 1767225600],
    ["2026-01-01T00:00:00-00:00", 1767225600],
  ])("reads %s", (text, expected) => {
    expect(seconds(text)).toBe(expected);
  });

  it.each([
    [".1", 100_000_000],
    [".000000001", 1],
    [".999999999", 999_999_999],
    [".120", 120_000_000],
    ["", 0],
  ])("reads the fraction %j", (fraction, nanos) => {
    expect(parseInstant(`2026-01-01T00:00:00${fraction}Z`)).toEqual({ seconds: 1767225600, nanos });
  });

  it.each([
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-06-31T00:00:00Z",
    "2026-09-31T00:00:00Z",
    "2026-11-31T00:00:00Z",
  ])("refuses %s, which no calendar has", (text) => {
    expect(parseInstant(text)).toBe("is not a date of the calendar");
  });

  it.each(["2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z"])(
    "refuses %s, which no clock shows",
    (text) => {
      expect(parseInstant(text)).toBe("is not a time of day");
    },
  );

  it("refuses a leap second with advice", () => {
    expect(parseInstant("2016-12-31T23:59:60Z")).toBe(
      "is a leap second, which is not supported; send second 59",
    );
  });

  it.each(["1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z"])(
    "refuses %s, which is before 1970",
    (text) => {
      expect(parseInstant(text)).toBe("is before 1970-01-01T00:00:00Z");
    },
  );

  it.each([
    "",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+01",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "2026-01-01T00:00:00ZZ",
    "2026-01-01T00:00:00Z ",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
    "+2026-01-01T00:00:00Z",
    "20260101T000000Z00000",
    "2026-1-01T00:00:000Z",
    "２026-01-01T00:00:00Z",
    "2026-01-01T00:00:00\u22121:00",
    "x".repeat(1_000_000),
  ])("refuses %.40j by its shape", (text) => {
    expect(parseInstant(text)).toBe(SHAPE);
  });

  it("counts fractional digits beyond 9", () => {
    expect(parseInstant("2026-01-01T00:00:00.1234567890Z")).toBe("has 10 fractional digits; the limit is 9");
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 15, maxLength: 40 }), (text) => {
        expect(["string", "object"]).toContain(typeof parseInstant(text));
      }),
    );
  });
});

describe("instantFromMs", () => {
  it.each([
    [0, { seconds: 0, nanos: 0 }],
    [1, { seconds: 0, nanos: 1_000_000 }],
    [1999, { seconds: 1, nanos: 999_000_000 }],
    [1767225600123, { seconds: 1767225600, nanos: 123_000_000 }],
  ])("splits %d ms", (ms, instant) => {
    expect(instantFromMs(ms)).toEqual(instant);
  });
});

describe("compareInstants", () => {
  it("orders as nanoseconds since 1970 do", () => {
    const instant = fc.record({ seconds: fc.nat(3), nanos: fc.nat(3) });
    const total = ({ seconds: whole, nanos }: Instant): number => whole * 1000 + nanos;

    fc.assert(
      fc.property(instant, instant, (a, b) => {
        expect(Math.sign(compareInstants(a, b))).toBe(Math.sign(total(a) - total(b)));
      }),
    );
  });
});
