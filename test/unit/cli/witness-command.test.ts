// `auditlog witness` hands on what it is told, and takes no key that is not a log's.
import { describe, expect, it } from "vitest";

import type { WitnessRun } from "#cli/context.ts";
import { createCliHarness } from "#test/support/cli-harness.ts";
import { formatVerifierKey } from "#tlog/note.ts";

const keyOf = (name: string, algorithm = 1): string =>
  formatVerifierKey({ name, algorithm, publicKey: new Uint8Array(32) });

async function run(...args: readonly string[]) {
  const runs: WitnessRun[] = [];
  const { run: runCli } = createCliHarness({
    witness: async (given) => {
      runs.push(given);
      return 7;
    },
  });
  return { ...(await runCli(["witness", ...args])), runs };
}

describe("auditlog witness", () => {
  it("listens on this machine only, unless it is told otherwise", async () => {
    const { code, runs } = await run("--log-key", keyOf("log.example/a"));

    expect(code).toBe(7);
    expect(runs).toEqual([
      {
        logKeys: [keyOf("log.example/a")],
        host: "127.0.0.1",
        port: 8100,
        folder: "witness",
        name: undefined,
      },
    ]);
  });

  it("takes several keys, an address, a folder and a name", async () => {
    const keys = [keyOf("log.example/a"), keyOf("log.example/b")];
    const given = keys.flatMap((key) => ["--log-key", `${key}\n`]);
    const place = ["--listen", "[::1]:0", "--folder", "w", "--name", "witness.example/w1"];
    const { runs } = await run(...given, ...place);

    expect(runs).toEqual([{ logKeys: keys, host: "::1", port: 0, folder: "w", name: "witness.example/w1" }]);
  });

  it.each([
    [[]],
    [["--log-key", "no key"]],
    [["--log-key", keyOf("witness.example/w1", 4)]],
    [["--log-key", keyOf("log.example/a"), "--listen", "127.0.0.1"]],
    [["--log-key", keyOf("log.example/a"), "--listen", "127.0.0.1:65536"]],
  ])("is not used with %j", async (args) => {
    const { code, runs } = await run(...args);

    expect([code, runs]).toEqual([2, []]);
  });
});
