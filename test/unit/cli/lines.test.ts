// Lines cut out of a stream, however it is cut into chunks, with bounded memory.
import { describe, expect, it } from "vitest";
import { readLine, splitLines } from "#cli/lines.ts";

async function* chunks(...texts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === "string" ? Buffer.from(text) : text;
}

async function linesOf(...texts: string[]): Promise<(string | undefined)[]> {
  const lines = (await Array.fromAsync(splitLines(chunks(...texts), 10))).flat();
  expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1));
  return lines.map(({ bytes }) => bytes?.toString());
}

describe("splitLines", () => {
  it.each([
    [["a\nb\n"], ["a", "b"]],
    [["a\nb"], ["a", "b"]],
    [
      ["a", "b\n", "c", "d"],
      ["ab", "cd"],
    ],
    [["\n\na\n"], ["", "", "a"]],
    [[], []],
    [["\ufeffa\nb"], ["a", "b"]],
    [["0123456789\n01234567890\nx\n"], ["0123456789", undefined, "x"]],
    [
      ["01234", "56789", "0123", "4\nx"],
      [undefined, "x"],
    ],
  ])("cuts %j into %j", async (texts, lines) => {
    expect(await linesOf(...texts)).toEqual(lines);
  });
});

describe("readLine", () => {
  const read = async (bytes: string | Uint8Array): Promise<unknown> => {
    const [lines = []] = await Array.fromAsync(splitLines(chunks(bytes)));
    return lines[0] === undefined ? undefined : readLine(lines[0]);
  };

  it("reads JSON", async () => {
    expect(await read('{"a":1}\r')).toMatchObject({ kind: "value", value: { a: 1 } });
  });

  it("knows blank lines", async () => {
    expect(await read(" \t\r")).toEqual({ kind: "blank" });
  });

  it.each([
    ["{", "", /^the line is not JSON/],
    ['{"a":1,"a":2}', "/a", /twice/],
    ['{"a":9007199254740993}', "/a", /beyond/],
    [Uint8Array.from([0x22, 0xff, 0x22]), "", /not valid UTF-8/],
    [`"${"x".repeat(1024 * 1024)}"`, "", /longer than 1048576 bytes/],
    [`${"[".repeat(600)}${"]".repeat(600)}`, "/0/0/0", /^nests deeper/],
  ])("refuses %s", async (bytes, path, message) => {
    expect(await read(bytes)).toMatchObject({
      kind: "refused",
      errors: [{ path, message: expect.stringMatching(message) }],
    });
  });
});
