// Small JSON bodies: strict, and refused by path.
import { describe, expect, it } from "vitest";
import { readJson, readJsonBody } from "#http/json-body.ts";
import { SCHEMAS } from "#http/schemas.ts";

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

  it.each([
    ["[]", [""]],
    ['{"event_ids":[1,"a",2]}', ["/event_ids/0", "/event_ids/2"]],
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
