// What the thread that writes the log tells the one that seals: how far it is durable, and which file is the live one.
import { setImmediate as turn } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { LogTail } from "#adapters/file/log-tail.ts";

function tails(): { readonly writer: LogTail; readonly reader: LogTail } {
  const writer = new LogTail();
  writer.begin(7, 5);
  return { writer, reader: new LogTail(writer.shared) };
}

describe("the tail of the log", () => {
  it("is the same for all that share it", () => {
    const { writer, reader } = tails();

    writer.commit(2 ** 40);
    writer.beginRotation();
    writer.endRotation(2 ** 40);

    expect([reader.durableLines, reader.liveFirstLine]).toEqual([2 ** 40, 2 ** 40]);
  });

  it("is looked at again where the live file has changed meanwhile, and what was found is let go", async () => {
    const { writer, reader } = tails();
    const discarded: number[] = [];
    let looks = 0;

    const found = await reader.steadily(
      (liveFirstLine) => {
        if (looks++ === 0) {
          writer.beginRotation();
          writer.endRotation(7);
        }
        return liveFirstLine;
      },
      (first) => discarded.push(first),
    );

    expect([found, discarded]).toEqual([7, [5]]);
  });

  it("is not looked at while the live file changes its name", async () => {
    const { writer, reader } = tails();
    let looks = 0;
    writer.beginRotation();

    const looking = reader.steadily(
      (liveFirstLine) => {
        looks++;
        return liveFirstLine;
      },
      () => undefined,
    );
    await turn();
    expect(looks).toBe(0);
    writer.endRotation(7);

    expect(await looking).toBe(7);
    expect(looks).toBe(1);
  });
});
