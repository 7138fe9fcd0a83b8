// What other services put on the intake queue: every form they may send, the same verdict at every delivery, and each
// entry that can never be stored told apart from the others.
import { randomFillSync } from "node:crypto";
import { describe, expect, it } from "vitest";

import { packEvents, packLines } from "#event/message.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import { createIdentifiers } from "#lib/identifiers.ts";
import type { IntakeMessage, RefusedText } from "#service/intake.ts";
import { stampIntake } from "#service/intake.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { LEAST } from "#test/support/event-fixtures.ts";

const SENT_AT = "2026-03-01T12:00:00.250Z";
const DEPS = {
  tenants: { AROASHOP: "shop", AROABANK: "bank" },
  identifiers: createIdentifiers({ nowMs: () => 0, fillRandom: randomFillSync }),
};

function message(body: string, senderId = "AROASHOP:function-1"): IntakeMessage {
  return { messageId: "m-1", senderId, sentAtMs: Date.parse(SENT_AT), body };
}

interface Stamped {
  readonly lines: readonly PreparedLine[];
  readonly refused: readonly RefusedText[];
}

function stamp(body: string, senderId?: string): Stamped {
  const stamped = stampIntake(message(body, senderId), DEPS);
  if (stamped.kind === "stamped") return stamped;
  throw new Error(`of a newer format: ${stamped.format}`);
}

function eventsOf({ lines }: Stamped): readonly Record<string, unknown>[] {
  return lines.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
}

const list = (...events: readonly unknown[]): string => JSON.stringify({ events });

describe("an intake message", () => {
  it("may be one event as plain JSON", () => {
    const stamped = stamp(JSON.stringify(LEAST));

    expect(eventsOf(stamped)).toMatchObject([
      { ...LEAST, event_id: "sqs:m-1", tenant_id: "shop", received_at: SENT_AT, timestamp: SENT_AT },
    ]);
  });

  it.each([
    ["as plain JSON", (json: string) => json],
    ["packed", packEvents],
  ])("may be a list of events %s", (_, pack) => {
    const stamped = stamp(pack(list(LEAST, { ...LEAST, event_id: "own" }, LEAST)));

    expect(eventsOf(stamped).map((event) => event["event_id"])).toEqual(["sqs:m-1:0", "own", "sqs:m-1:2"]);
  });

  it("of a newer format is left alone", () => {
    expect(stampIntake(message("E2z.AAAA"), DEPS)).toEqual({ kind: "newer", format: "E2z." });
  });

  it("is stamped with the same content at every delivery, and a salt of its own", () => {
    const body = list(LEAST, { ...LEAST, timestamp: "2026-02-01T00:00:00Z" });

    const [first, again] = [stamp(body), stamp(body)];

    expect(again.lines.map(({ contentHash }) => contentHash)).toEqual(
      first.lines.map(({ contentHash }) => contentHash),
    );
    expect(again.lines[0]?.text).not.toBe(first.lines[0]?.text);
  });

  it("is judged by when it was sent, not by when it is read", () => {
    const inTime = { ...LEAST, timestamp: "2026-03-01T12:04:59Z" };
    const tooNew = { ...LEAST, timestamp: "2026-03-01T12:05:01Z" };

    const { lines, refused } = stamp(list(inTime, tooNew));

    expect(lines).toHaveLength(1);
    expect(refused).toMatchObject([{ index: 1, errors: [{ path: "/timestamp" }] }]);
  });
});

describe("the tenant", () => {
  it.each([
    ["AROASHOP:session", "shop"],
    ["AROABANK:AROASHOP", "bank"],
    ["AROABANK", "bank"],
    ["AROAOTHER:session", "default"],
    ["__proto__:x", "default"],
    ["toString", "default"],
    ["", "default"],
  ])("of sender %j is %s", (senderId, tenantId) => {
    expect(eventsOf(stamp(JSON.stringify(LEAST), senderId))).toMatchObject([{ tenant_id: tenantId }]);
  });

  it("cannot be named by the body, unless it is the sender's own", () => {
    const own = stamp(JSON.stringify({ ...LEAST, tenant_id: "shop" }));
    const foreign = stamp(JSON.stringify({ ...LEAST, tenant_id: "bank" }));
    const unnamed = stamp(JSON.stringify({ ...LEAST, tenant_id: "bank" }), "AROAOTHER:x");

    expect(own.lines).toHaveLength(1);
    expect(foreign.refused).toMatchObject([{ errors: [{ path: "/tenant_id" }] }]);
    expect(unnamed.refused).toMatchObject([{ errors: [{ path: "/tenant_id" }] }]);
  });
});

describe("what can never be stored", () => {
  it("costs no other event of its message", () => {
    const events = Array.from({ length: 100 }, (_, index) =>
      index === 42 ? { action: "x" } : { ...LEAST, event_id: `e-${index}` },
    );

    const { lines, refused } = stamp(list(...events));

    expect(lines).toHaveLength(99);
    expect(refused).toEqual([
      {
        index: 42,
        code: "validation-failed",
        errors: [expect.objectContaining({ path: "/service_name" })],
        text: '{"action":"x"}',
      },
    ]);
  });

  it("is kept character for character, also where a value would not show it", () => {
    const bad = String.raw`{ "action": "a", "action":"b" , "metadata":{"n":[9007199254740993, "] , \" }", "\\"]}}`;

    const { lines, refused } = stamp(`{ "events" : [ ${JSON.stringify(LEAST)} ,\n ${bad} , "x" ] }`);

    expect(lines).toHaveLength(1);
    expect(refused.map(({ text }) => text)).toEqual([bad, '"x"']);
    expect(refused[0]?.errors.map(({ path }) => path).toSorted()).toEqual(["/action", "/metadata/n/0"]);
  });

  it.each([
    ["no JSON", "hello", "malformed-json", ""],
    ["nothing", "", "malformed-json", ""],
    ["a damaged pack", "E1z.AAAA", "malformed-json", ""],
    ["stored lines", packLines([sampleLine({}).text])[0] ?? "", "validation-failed", ""],
    ["no object", "[1]", "validation-failed", ""],
    ["no event", '{"action":"x"}', "validation-failed", "/service_name"],
    [
      "an event with a member twice",
      '{"action":"x","action":"y","service_name":"s"}',
      "validation-failed",
      "/action",
    ],
    ["no list", '{"events":{}}', "validation-failed", "/events"],
    ["an empty list", '{"events":[]}', "validation-failed", "/events"],
    ["a list given twice", '{"events":[],"events":[{}]}', "validation-failed", "/events"],
    [
      "a list with a member beside it",
      '{"events":[{}],"tenant_id":"bank"}',
      "validation-failed",
      "/tenant_id",
    ],
    [
      "more events than a message holds",
      list(...Array<object>(1001).fill(LEAST)),
      "validation-failed",
      "/events",
    ],
    [
      "an event over 256 KiB",
      JSON.stringify({
        ...LEAST,
        changes: Array.from({ length: 200 }, () => ({ path: "/a", after: "x".repeat(1500) })),
      }),
      "payload-too-large",
      "",
    ],
    ["JSON that nests without end", `${"[".repeat(600)}${"]".repeat(600)}`, "validation-failed", "/0/0/0"],
  ])("such as %s is refused whole", (_, body, code, path) => {
    const { lines, refused } = stamp(body);

    expect(lines).toEqual([]);
    expect(refused).toMatchObject([{ index: 0, code, text: body }]);
    expect(refused[0]?.errors.map((error) => error.path)).toContain(path);
  });

  it("is refused whole with the text that was packed", () => {
    expect(stamp(packEvents("[1]")).refused).toMatchObject([{ index: 0, text: "[1]" }]);
  });
});
