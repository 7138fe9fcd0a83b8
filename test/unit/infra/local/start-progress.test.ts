// Progress of a start: silent where it is quick, one line written over where it is not.
import { describe, expect, it } from "vitest";
import { createStartProgress } from "#infra/local/start-progress.ts";

const MIB = 1024 * 1024;

describe("createStartProgress", () => {
  it("says nothing about a start that is done within a second", () => {
    const { report, written } = progress();

    report(500, MIB);
    report(900, 2 * MIB);

    expect(written()).toBe("");
  });

  it("writes over one line, and ends it when done", () => {
    const { report, written } = progress();

    report(1000, MIB);
    report(1100, 1.2 * MIB);
    report(1300, 1.5 * MIB);
    report(1301, 2 * MIB);

    expect(written().split("\r")).toEqual([
      "",
      "reading the log: 50 % (1 of 2 MiB, 7 events)",
      "reading the log: 75 % (2 of 2 MiB, 7 events)",
      "reading the log: 100 % (2 of 2 MiB, 7 events)\n",
    ]);
  });
});

function progress(): { report: (atMs: number, bytesRead: number) => void; written: () => string } {
  let now = 0;
  let text = "";
  const onProgress = createStartProgress({ nowMs: () => now, write: (part) => (text += part) });
  return {
    report: (atMs, bytesRead) => {
      now = atMs;
      onProgress({ bytesRead, bytesTotal: 2 * MIB, lines: 7 });
    },
    written: () => text,
  };
}
