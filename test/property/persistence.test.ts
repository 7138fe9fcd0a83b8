// The real persisting code under random interleavings and faults: nothing that was acknowledged is lost, nothing is stored
// or counted twice, and the archive alone says the same as the tables. Defects put into it on purpose are found.
import { describe, expect, it } from "vitest";

import { openMemoryPorts } from "#test/support/memory-ports.ts";
import { MUTANTS } from "#test/support/persistence-mutants.ts";
import { simulatePersistence } from "#test/support/persistence-simulation.ts";

const SEEDS = 300;
const MUTANT_SEEDS = 1000;
/** A few seconds; a machine that is busy with other tests takes ten times as long. */
const TIMEOUT_MS = 120_000;

describe("persisting under faults", { timeout: TIMEOUT_MS }, () => {
  it("keeps every acknowledged event, once", async () => {
    const met = new Set<string>();

    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulatePersistence({ seed, openPorts: openMemoryPorts });

      expect(outcome).toMatchObject({ seed, problems: [] });
      for (const [name, count] of Object.entries(outcome.met)) if (count > 0) met.add(name);
    }

    expect([...met].toSorted()).toEqual([
      "completedByOthers",
      "conflicts",
      "consumers",
      "duplicates",
      "failed",
      "indexedLater",
      "janitors",
      "stopped",
      "unindexed",
      "woken",
    ]);
  });

  it.each(MUTANTS)("is caught where it $name", async ({ mutate, leadsTo }) => {
    let problems: readonly string[] = [];

    for (let seed = 1; seed <= MUTANT_SEEDS && !problems.some((problem) => leadsTo.test(problem)); seed++) {
      ({ problems } = await simulatePersistence({ seed, openPorts: openMemoryPorts, mutate }));
    }

    expect(problems).toContainEqual(expect.stringMatching(leadsTo));
  });

  it("takes the same way for the same seed", async () => {
    const first = await simulatePersistence({ seed: 7, openPorts: openMemoryPorts });
    const second = await simulatePersistence({ seed: 7, openPorts: openMemoryPorts });

    expect(second).toEqual(first);
  });
});
