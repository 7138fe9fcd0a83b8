// Stored lines read back: as they were prepared, or named as damaged or newer; never thrown over, never taken on trust.
import { describe, expect, it } from "vitest";

import { readLineMembers, readStoredLine } from "#event/read-line.ts";
import { LEAST, accepted } from "#test/support/event-fixtures.ts";

const LINE = accepted({ event_id: "a", user_id: "u", resource_id: "r", timestamp: "2026-02-01T00:00:00.5Z" });

/** The line with members replaced; those that are undefined are left out. */
function changed(members: Readonly<Record<string, unknown>>): string {
  const value = { ...(JSON.parse(LINE.text) as Record<string, unknown>), ...members };
  return JSON.stringify(value);
}

describe("readStoredLine", () => {
  it.each([
    ["of all members", LINE],
    ["of the least members", accepted(LEAST)],
    ["whose timestamp was filled in", accepted({ metadata: { "a b": [1, { c: null }] } })],
  ])("gives a line %s as it was prepared", (_, line) => {
    const read = readStoredLine(line.text);

    expect(read).toMatchObject({
      kind: "line",
      line: { text: line.text, contentHash: line.contentHash, instant: line.instant },
    });
  });

  it("gives the members that stores find it by, and no others", () => {
    const read = readStoredLine(LINE.text);

    expect(read.kind === "line" && read.line.event).toEqual({
      event_id: "a",
      tenant_id: "default",
      level: "INFO",
      category: "SYSTEM_EVENT",
      action: "user_login",
      service_name: "auth",
      user_id: "u",
      resource_id: "r",
    });
  });

  it("leaves a line of a newer format to a newer release", () => {
    expect(readStoredLine(changed({ _v: 2 }))).toEqual({ kind: "newer", version: 2 });
  });

  it.each([
    ["", /JSON object/],
    ["null", /JSON object/],
    ["[1]", /JSON object/],
    ['{"_v":1}', /form/],
    [LINE.text.slice(0, -1), /JSON object/],
    [LINE.text.slice(1), /JSON object/],
    [`${LINE.text}\n`, /newline/],
    [`\n${LINE.text}`, /newline/],
    [changed({ _v: undefined }), /no format version/],
    [changed({ _v: 0 }), /no release writes/],
    [changed({ _v: 1.5 }), /no release writes/],
    [changed({ _v: "2" }), /no release writes/],
    [changed({ received_at: undefined }), /form/],
    [changed({ event_id: "" }), /lacks/],
    [changed({ event_id: 7 }), /lacks/],
    [changed({ level: "LOUD" }), /lacks/],
    [changed({ category: null }), /lacks/],
    [changed({ service_name: undefined }), /lacks/],
    [changed({ user_id: "" }), /lacks/],
    [changed({ timestamp: "yesterday" }), /timestamp/],
    [changed({ received_at: "yesterday" }), /received_at/],
    [changed({ received_at: "2026-02-31T25:00:00.000Z" }), /received_at/],
    [changed({ received_at: "2026-02-01" }), /received_at/],
    [changed({ event_id: "a#b" }), /event_id/],
    [changed({ event_id: "a!b" }), /event_id/],
    [changed({ tenant_id: "_own" }), /tenant_id/],
    [changed({ tenant_id: "a#b" }), /tenant_id/],
  ])("names what is damaged about %j", (text, reason) => {
    expect(readStoredLine(text)).toEqual({
      kind: "damaged",
      reason: expect.stringMatching(reason) as string,
    });
  });

  it("quotes nothing of a damaged line", () => {
    const read = readStoredLine(changed({ event_id: "secret word", _v: "secret word" }));

    expect(JSON.stringify(read)).not.toContain("secret");
  });
});

describe("readLineMembers", () => {
  it("gives every member of the line", () => {
    const read = readLineMembers(LINE.text);

    expect(read).toEqual({ kind: "members", event: JSON.parse(LINE.text) as unknown, instant: LINE.instant });
  });
});
