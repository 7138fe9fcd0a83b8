// Small JSON bodies: strict, and refused by path.
import { describe, expect, it } from "vitest";
import { readJson, readJsonBody } from "#http/json-body.ts";
import { SCHEMAS } from "#http/schemas.ts";

/** What follows the `!` of a derived id. */
const HEX = "0123456789abcdef".repeat(2);

describe("readJson", () => {
  it("answers the value", () => {
    expect(readJson('{"a":[1]}')).toEqual({ a: [1] });
  });

  it.each([
    ["{", "malformed-json", []],
    ['{"a":1,"a":1}', "validation-failed", ["/a"]],
    ['{"n":9007199254740993}', "validation-failed", ["/n"]],
  ])("refuses %s", (text, code, paths) => {
    expect(() => readJson(text)).toThrow(
      expect.objectContaining({ code, errors: paths.map((path) => expect.objectContaining({ path })) }),
    );
  });
});

describe("readJsonBody", () => {
  it("answers what the schema takes", () => {
    expect(readJsonBody(SCHEMAS.FlushRequest, '{"event_ids":["a"]}')).toEqual({ event_ids: ["a"] });
  });

  it("takes the ids that events can have, those of conflicts too", () => {
    const ids = ["a", "sqs:m-1:0", "A._:-9", "a".repeat(128), `${"a".repeat(128)}!${HEX}`];

    const { event_ids: taken } = readJsonBody(SCHEMAS.FlushRequest, JSON.stringify({ event_ids: ids }));

    expect(taken).toEqual(ids);
  });

  it.each([
    ["[]", [""]],
    ['{"event_ids":[1,"a",2]}', ["/event_ids/0", "/event_ids/2"]],
    ['{"event_ids":["a b","a","","query","é"]}', [0, 2, 3, 4].map((at) => `/event_ids/${at}`)],
    [
      `{"event_ids":["${"a".repeat(129)}","a!b","!${HEX}","a!${HEX}0"]}`,
      [0, 1, 2, 3].map((at) => `/event_ids/${at}`),
    ],
    ['{"a/b":1,"c":2}', ["/a~1b", "/c"]],
  ])("refuses %s by path", (text, paths) => {
    expect(() => readJsonBody(SCHEMAS.FlushRequest, text)).toThrow(
      expect.objectContaining({
        code: "validation-failed",
        errors: paths.map((path) => expect.objectContaining({ path })),
      }),
    );
  });
});
