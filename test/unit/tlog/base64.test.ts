// Base64 is strict: exactly one text for each value, and everything else refused.
import { describe, expect, it } from "vitest";

import { fromBase64, toBase64 } from "#tlog/base64.ts";
import { TlogError } from "#tlog/tlog-error.ts";

describe("base64", () => {
  it.each(["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u00ff\u00fe\u00fd\u00fb"])(
    "writes %j as node does, and reads it back",
    (text) => {
      const bytes = new Uint8Array(Buffer.from(text, "latin1"));

      const encoded = toBase64(bytes);

      expect(encoded).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(encoded)).toEqual(bytes);
    },
  );

  it.each([
    ["without padding", "Zg"],
    ["with too little padding", "Zg="],
    ["with too much padding", "Zg==="],
    ["with only padding", "===="],
    ["with padding in the middle", "Zg==Zg=="],
    ["with bits behind the last byte of one", "Zh=="],
    ["with bits behind the last byte of two", "Zm9="],
    ["with three padding characters", "Z==="],
    ["with a newline", "Zm9v\n"],
    ["with a newline in the middle", "Zm\n="],
    ["with a space", "Zm9 "],
    ["of the URL alphabet", "__--"],
    ["with a letter behind ASCII", "Zm9\u0141"],
    ["with a surrogate", "Zm9\ud83d"],
  ])("refuses text %s", (_name, text) => {
    expect(() => fromBase64(text)).toThrow(TlogError);
  });
});
