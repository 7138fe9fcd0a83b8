// How a stored line is answered: as it is, or under the id that it stands under where other content holds its own.
import { describe, expect, it } from "vitest";
import { decodeLine } from "#event/stored-line.ts";
import { foundJson } from "#service/found-json.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";

const { text } = sampleLine({
  event_id: "login-1",
  changes: [{ path: "/a", after: { event_id: "login-1" } }],
  metadata: { event_id: "login-1" },
});

describe("a stored line is answered", () => {
  it("as its public form where nothing is in conflict with it", () => {
    expect(foundJson({ text })).toBe(decodeLine(text).json);
  });

  it("with the ids of what is in conflict with it", () => {
    const conflicts = ["login-1!0a", "login-1!0b"];

    const event = JSON.parse(foundJson({ text, conflicts }));

    expect(event).toEqual({ ...JSON.parse(decodeLine(text).json), conflicts });
  });

  it("under its derived id, and nothing inside it is renamed", () => {
    const event = JSON.parse(foundJson({ text, derivedId: "login-1!0a" }));

    expect(event).toEqual({ ...JSON.parse(decodeLine(text).json), event_id: "login-1!0a" });
  });
});
