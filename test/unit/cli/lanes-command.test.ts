// auditlog lanes: the epochs and their load, and that they grow only when somebody means it.
import { describe, expect, it } from "vitest";

import type { LaneReport, LaneSetting } from "#cli/operator.ts";
import type { OperatorRun } from "#test/support/fake-operator.ts";
import { runWithOperator } from "#test/support/fake-operator.ts";

const NOW_MS = Date.parse("2026-03-04T12:00:00.000Z");
const FIRST = { number: 0, lanes: 4, spread: 1, activeFromMs: 0 };
const SECOND = { number: 1, lanes: 8, spread: 2, activeFromMs: NOW_MS - 1000 };
const THIRD = { number: 2, lanes: 16, spread: 2, activeFromMs: NOW_MS + 900_000 };
const REPORT: LaneReport = {
  epochs: [FIRST, SECOND, THIRD],
  loads: [
    { lane: "0", events: 5000, isMore: true },
    { lane: "n", events: 30, isMore: false },
  ],
  windowMs: 300_000,
};

async function grow(args: readonly string[], options = {}): Promise<OperatorRun & { wanted: unknown }> {
  let wanted: LaneSetting | undefined;
  const growLanes = async (setting: LaneSetting) => {
    wanted = setting;
    return { ...setting, number: 3, activeFromMs: NOW_MS + 900_000 };
  };
  const answers = { readLanes: async () => REPORT, growLanes };
  const run = await runWithOperator(answers, ["lanes", "grow", ...args], { nowMs: () => NOW_MS, ...options });
  return { ...run, wanted };
}

describe("auditlog lanes", () => {
  it("shows epochs, which one is in use, and the load of each lane of a tenant", async () => {
    let asked = "";
    const readLanes = async (tenantId: string): Promise<LaneReport> => {
      asked = tenantId;
      return REPORT;
    };

    const { stdout } = await runWithOperator({ readLanes }, ["lanes", "--tenant", "acme"], {
      nowMs: () => NOW_MS,
    });

    expect(asked).toBe("acme");
    expect(stdout).toBe(
      [
        "epoch 0: 4 lanes, 1 for each service, read only",
        "epoch 1: 8 lanes, 2 for each service, in use",
        "epoch 2: 16 lanes, 2 for each service, in use from 2026-03-04T12:15:00.000Z on",
        "Events of the last 5 minutes by lane:",
        "  0   5,000 or more, 16.7/s or more",
        "  n   30, 0.1/s",
        "",
      ].join("\n"),
    );
  });

  it("prints JSON", async () => {
    const { stdout } = await runWithOperator({ readLanes: async () => REPORT }, ["lanes", "--json"], {
      nowMs: () => NOW_MS,
    });

    expect(JSON.parse(stdout)).toMatchObject({
      epochs: [{ number: 0, active: true }, { number: 1 }, { number: 2, active: false }],
      window_s: 300,
      loads: [{ lane: "0", events: 5000, is_more: true }, {}],
    });
  });
});

describe("auditlog lanes grow", () => {
  it("publishes and says when writers use it; the spread stays unless it is given", async () => {
    const { code, stdout, wanted, target } = await grow(["--lanes", "32", "--yes", "--outputs", "o.json"]);
    const spread = await grow(["--lanes", "32", "--spread", "4", "--yes"]);

    expect([code, wanted, target]).toEqual([0, { lanes: 32, spread: 2 }, { outputs: "o.json" }]);
    expect(stdout).toBe(
      "Epoch 3, 32 lanes, 2 for each service, is published; writers use it from 2026-03-04T12:15:00.000Z on.\n",
    );
    expect(spread.wanted).toEqual({ lanes: 32, spread: 4 });
  });

  it("prints JSON wherever the flag stands", async () => {
    const { stdout } = await grow(["--lanes", "32", "--yes", "--json"]);

    expect(JSON.parse(stdout)).toEqual({
      number: 3,
      lanes: 32,
      spread: 2,
      active_from: "2026-03-04T12:15:00.000Z",
    });
  });

  it.each([
    ["y\n", { lanes: 32, spread: 2 }, 0],
    ["no\n", undefined, 1],
    ["\n", undefined, 1],
  ])("asks whoever types, and takes %j", async (typed, expected, expectedCode) => {
    const { code, stderr, wanted } = await grow(["--lanes", "32"], { typed });

    expect(stderr).toContain(
      "Grow from 16 lanes, 2 for each service to 32 lanes, 2 for each service, for good? [y/N] ",
    );
    expect([code, wanted]).toEqual([expectedCode, expected]);
  });

  it("changes nothing where nobody can be asked", async () => {
    const { code, stderr, wanted } = await grow(["--lanes", "32"]);

    expect([code, wanted]).toEqual([2, undefined]);
    expect(stderr).toContain("give --yes");
  });

  it("wants the number of lanes", async () => {
    const { code, stderr } = await grow(["--yes"]);

    expect(code).toBe(2);
    expect(stderr).toContain("--lanes");
  });
});
