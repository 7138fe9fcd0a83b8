// The real sealing code under random interleavings and faults: every accepted event has exactly one leaf, and the log in all
// its published states only grew. Defects put into it on purpose are found.
import { describe, expect, it } from "vitest";

import { MUTANT_RATES, SEALING_MUTANTS } from "#test/support/sealing-mutants.ts";
import { simulateSealing } from "#test/support/sealing-simulation.ts";

const SEEDS = 100;
const MUTANT_SEEDS = 300;
/** Some ten seconds; a machine that is busy with other tests takes many times as long. */
const TIMEOUT_MS = 240_000;

describe("sealing under faults", { timeout: TIMEOUT_MS }, () => {
  it("gives every accepted event one leaf, in a log that only grows", async () => {
    const met = new Set<string>();

    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulateSealing({ seed });

      expect(outcome).toMatchObject({ seed, problems: [] });
      for (const [name, count] of Object.entries(outcome.met)) if (count > 0) met.add(name);
    }

    expect([...met].toSorted()).toEqual([
      "completed",
      "conflicts",
      "consumer",
      "duplicates",
      "failed",
      "janitor",
      "late",
      "lost",
      "orphans",
      "orphansRemoved",
      "renewals",
      "replays",
      "sealer",
      "seals",
      "stopped",
      "swapped",
      "swapsLost",
      "woken",
    ]);
  });

  it.each(SEALING_MUTANTS)("is caught where it $name", async ({ mutate, leadsTo, rates = MUTANT_RATES }) => {
    let problems: readonly string[] = [];

    for (let seed = 1; seed <= MUTANT_SEEDS && !problems.some((problem) => leadsTo.test(problem)); seed++) {
      ({ problems } = await simulateSealing({ seed, mutate, rates }));
    }

    expect(problems).toContainEqual(expect.stringMatching(leadsTo));
  });

  it("takes the same way for the same seed", async () => {
    const first = await simulateSealing({ seed: 7 });
    const second = await simulateSealing({ seed: 7 });

    expect(second.met).toEqual(first.met);
  });
});
