// Ids and salts: format, order within and across milliseconds, and how randomness is used.
import { randomFillSync } from "node:crypto";
import { validate, version } from "uuid";
import { describe, expect, it } from "vitest";

import type { Identifiers } from "#lib/identifiers.ts";
import { createIdentifiers } from "#lib/identifiers.ts";

interface Setting {
  readonly identifiers: Identifiers;
  readonly clock: { nowMs: number };
}

function setUp(): Setting {
  const clock = { nowMs: 1_767_225_600_000 };
  const identifiers = createIdentifiers({
    nowMs: () => clock.nowMs,
    fillRandom: (bytes) => randomFillSync(bytes),
  });
  return { identifiers, clock };
}

const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
const mint = (count: number, next: () => string): string[] => Array.from({ length: count }, next);

describe("newEventId", () => {
  it("mints UUIDs of version 7 in lower case", () => {
    const ids = mint(1000, setUp().identifiers.newEventId);

    expect(ids.every((id) => validate(id) && version(id) === 7 && id === id.toLowerCase())).toBe(true);
  });

  it("begins with the milliseconds since 1970", () => {
    const { identifiers, clock } = setUp();

    expect(timeOf(identifiers.newEventId())).toBe(clock.nowMs);
  });

  it("mints ids that increase strictly within a millisecond, also past 4,096 of them", () => {
    const ids = mint(10_000, setUp().identifiers.newEventId);

    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(10_000);
  });

  it("borrows from the next millisecond after 4,096 ids", () => {
    const { identifiers, clock } = setUp();

    const ids = mint(4097, identifiers.newEventId);

    expect(timeOf(ids[4095] ?? "")).toBe(clock.nowMs);
    expect(timeOf(ids[4096] ?? "")).toBe(clock.nowMs + 1);
  });

  it("stays in order when the clock is set back", () => {
    const { identifiers, clock } = setUp();

    const before = identifiers.newEventId();
    clock.nowMs -= 3_600_000;
    const after = identifiers.newEventId();

    expect(after > before).toBe(true);
  });

  it("stays in order when the clock catches up with borrowed time", () => {
    const { identifiers, clock } = setUp();

    const borrowed = mint(5000, identifiers.newEventId).at(-1) ?? "";
    clock.nowMs += 1;
    const caughtUp = identifiers.newEventId();

    expect(caughtUp > borrowed).toBe(true);
  });

  it("ends in 62 random bits", () => {
    const tails = mint(2000, setUp().identifiers.newEventId).map((id) => id.slice(19));

    expect(new Set(tails).size).toBe(2000);
  });
});

describe("newSalt", () => {
  it("mints 16 bytes in base64url without padding", () => {
    const salts = mint(1000, setUp().identifiers.newSalt);

    expect(salts.every((salt) => /^[\w-]{22}$/.test(salt))).toBe(true);
    expect(salts.every((salt) => Buffer.from(salt, "base64url").length === 16)).toBe(true);
  });

  it("repeats no bytes, neither its own nor those of ids", () => {
    const { identifiers } = setUp();
    const seen = new Set<string>();
    for (let round = 0; round < 2000; round++) {
      seen.add(identifiers.newSalt());
      seen.add(identifiers.newEventId());
    }

    expect(seen.size).toBe(4000);
  });

  it("fills its pool afresh before it runs out", () => {
    let fills = 0;
    const identifiers = createIdentifiers({
      nowMs: () => 1,
      fillRandom: (bytes) => bytes.fill(++fills),
    });

    const salts = new Set(mint(1024, identifiers.newSalt));

    expect([...salts]).toEqual([
      Buffer.alloc(16, 1).toString("base64url"),
      Buffer.alloc(16, 2).toString("base64url"),
    ]);
  });
});
