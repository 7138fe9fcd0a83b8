// Checkpoints are read as tlog-checkpoint writes them, each in one way.
import { describe, expect, it } from "vitest";

import { formatCheckpoint, parseCheckpoint } from "#tlog/checkpoint.ts";
import { TlogError } from "#tlog/tlog-error.ts";

const ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
const BODY = `example.com/behind-the-sofa\n20852163\n${ROOT}\n`;
const root = new Uint8Array(Buffer.from(ROOT, "base64"));
const checkpoint = { origin: "example.com/behind-the-sofa", size: 20_852_163n, root, extensions: [] };

describe("checkpoints", () => {
  it("are read and written", () => {
    expect(parseCheckpoint(BODY)).toEqual(checkpoint);
    expect(formatCheckpoint(checkpoint)).toBe(BODY);
  });

  it("keep extension lines, and an origin with spaces", () => {
    const extended = { ...checkpoint, origin: "a log è", extensions: ["one", "two 2"] };

    expect(parseCheckpoint(formatCheckpoint(extended))).toEqual(extended);
  });

  it("have sizes up to 2^63 - 1", () => {
    const largest = { ...checkpoint, size: 2n ** 63n - 1n };

    expect(parseCheckpoint(formatCheckpoint(largest))).toEqual(largest);
  });

  it.each([
    ["nothing", ""],
    ["no newline at the end", BODY.slice(0, -1)],
    ["two lines", "a\n1\n"],
    ["an empty origin", `\n1\n${ROOT}\n`],
    ["an empty extension", `a\n1\n${ROOT}\n\n`],
    ["a size with a leading zero", `a\n01\n${ROOT}\n`],
    ["a size with a sign", `a\n+1\n${ROOT}\n`],
    ["a negative size", `a\n-1\n${ROOT}\n`],
    ["a size in hexadecimal", `a\n0x1\n${ROOT}\n`],
    ["a size with a space", `a\n1 \n${ROOT}\n`],
    ["no size", `a\n\n${ROOT}\n`],
    ["a size of 2^63", `a\n9223372036854775808\n${ROOT}\n`],
    ["a size of a thousand digits", `a\n${"9".repeat(1000)}\n${ROOT}\n`],
    ["a root of 31 bytes", `a\n1\n${Buffer.alloc(31).toString("base64")}\n`],
    ["a root of 33 bytes", `a\n1\n${Buffer.alloc(33).toString("base64")}\n`],
    ["a root without padding", `a\n1\n${ROOT.slice(0, -1)}\n`],
    ["a carriage return", `a\r\n1\n${ROOT}\n`],
  ])("are not read from text with %s", (_name, text) => {
    expect(() => parseCheckpoint(text)).toThrow(TlogError);
  });

  it.each([
    ["an empty origin", { ...checkpoint, origin: "" }],
    ["a newline in the origin", { ...checkpoint, origin: "a\nb" }],
    ["a negative size", { ...checkpoint, size: -1n }],
    ["a short root", { ...checkpoint, root: root.subarray(1) }],
    ["an empty extension", { ...checkpoint, extensions: [""] }],
    ["a lone surrogate", { ...checkpoint, extensions: ["\udc00"] }],
  ])("are not written with %s", (_name, wrong) => {
    expect(() => formatCheckpoint(wrong)).toThrow(TlogError);
  });
});
