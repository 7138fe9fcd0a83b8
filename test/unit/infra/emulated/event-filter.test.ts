// Filters of event sources: what a record must have, and what of their language is not known here.
import { describe, expect, it } from "vitest";
import { FilterPattern, isWanted } from "#infra/emulated/event-filter.ts";

const NEW_POINTER = FilterPattern.parse(
  '{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":["pending","other"]}}}}',
);

function record(eventName: string, pk: string): object {
  return { eventName, dynamodb: { Keys: { pk: { S: pk }, sk: { S: "x" } } } };
}

describe("a filter", () => {
  it.each([
    [record("INSERT", "pending"), true],
    [record("INSERT", "other"), true],
    [record("REMOVE", "pending"), false],
    [record("INSERT", "b#1"), false],
    [{ eventName: "INSERT" }, false],
    [{ eventName: "INSERT", dynamodb: { Keys: null } }, false],
  ])("wants %j: %s", (given, expected) => {
    expect(isWanted(given, [NEW_POINTER])).toBe(expected);
  });

  it("is one of many, of which one must hold, and none lets everything through", () => {
    const removals = FilterPattern.parse('{"eventName":["REMOVE"]}');

    expect(isWanted(record("REMOVE", "x"), [NEW_POINTER, removals])).toBe(true);
    expect(isWanted(record("MODIFY", "x"), [NEW_POINTER, removals])).toBe(false);
    expect(isWanted(record("MODIFY", "x"), [])).toBe(true);
  });

  it.each(['{"eventName":[{"prefix":"INS"}]}', '{"eventName":"INSERT"}', '{"eventName":[]}', "INSERT", "[]"])(
    "is refused: %s",
    (text) => {
      expect(() => FilterPattern.parse(text)).toThrow(/is not known here/);
    },
  );
});
