// Planner and file store together equal a naive full scan, for random events and random queries: with many equal and
// out-of-order times, several tenants, tiny files, compression, restarts, and events that arrive between two pages.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { FileStore } from "#adapters/file/file-store.ts";
import type { PreparedLine } from "#event/prepare-event.ts";
import type { QueryPlan } from "#query/plan.ts";
import type { Members } from "#test/contract/sample-lines.ts";
import { planFor, readPages, sampleLine } from "#test/contract/sample-lines.ts";
import { arbitraryEvent, arbitraryQuery, QueryOracle, TENANTS } from "#test/support/query-oracle.ts";
import { openLog } from "#test/support/stores.ts";

/** A handful of events fills a file; all but one of the full ones are compressed. */
const TINY_FILES = { maxFileBytes: 3000, backupCount: 1 };
const MAX_EVENTS = 150;

/** Events with ids that say nothing about their order; now and then an id comes twice. */
const events = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), arbitraryEvent), {
  maxLength: MAX_EVENTS,
});
const queries = fc.array(fc.tuple(fc.constantFrom(...TENANTS), arbitraryQuery), {
  minLength: 4,
  maxLength: 8,
});

function lineOf([number, members]: readonly [number, Members]): PreparedLine {
  return sampleLine({ ...members, event_id: `${(number * 7919) % 401}-e` });
}

/** Sends events in calls of a few, and tells the oracle what was accepted. */
async function sendAll(
  store: FileStore,
  oracle: QueryOracle,
  given: readonly (readonly [number, Members])[],
): Promise<void> {
  for (let at = 0; at < given.length; at += 7) {
    const lines = given.slice(at, at + 7).map(lineOf);
    const outcomes = await store.send(lines);
    outcomes.forEach(({ kind }, place) => {
      if (kind === "accepted") oracle.add(lines[place]?.text ?? "");
    });
  }
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function expectSameAnswers(
  store: FileStore,
  oracle: QueryOracle,
  asked: readonly (readonly [string, Members])[],
): Promise<void> {
  for (const [tenantId, query] of asked) {
    const expected = oracle.find(tenantId, query);
    const plan = planFor(tenantId, query);
    const pages = await readPages(store, plan);
    expect(pages.flat()).toEqual(expected);
    const offset = Math.floor(expected.length / 2);
    const rest = await readPages(store, planFor(tenantId, { ...query, offset }));
    expect(rest.flat()).toEqual(expected.slice(offset));
    expect((await store.count(plan, expected.length)).matches).toBe(expected.length);
    expect((await store.count(plan, expected.length - 1)).matches).toBeNull();
  }
}

describe("the file store", () => {
  it("finds what a full scan finds, before and after a restart", async () => {
    await fc.assert(
      fc.asyncProperty(events, events, queries, async (before, after, asked) =>
        withFolder(async (folder) => {
          const oracle = new QueryOracle();
          const first = await openLog(folder, TINY_FILES);
          await sendAll(first, oracle, before);
          await expectSameAnswers(first, oracle, asked);
          await first.close();

          const second = await openLog(folder, TINY_FILES);
          await expectSameAnswers(second, oracle, asked);
          await sendAll(second, oracle, after);
          await expectSameAnswers(second, oracle, asked);
          await second.close();
        }),
      ),
      { numRuns: 25 },
    );
  });

  it("gives each event stored before the first page once and in order, whatever arrives and restarts", async () => {
    const step = fc.record({
      arriving: fc.array(fc.tuple(fc.nat(400), arbitraryEvent), { maxLength: 12 }),
      limit: fc.integer({ min: 1, max: 15 }),
      isRestart: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        events,
        arbitraryQuery,
        fc.array(step, { minLength: 1, maxLength: 12 }),
        async (before, query, steps) =>
          withFolder(async (folder) => {
            const oracle = new QueryOracle();
            let store = await openLog(folder, TINY_FILES);
            await sendAll(store, oracle, before);
            const early = oracle.find("default", query);

            const found: string[] = [];
            let plan: QueryPlan | undefined = planFor("default", query);
            for (let round = 0; plan !== undefined; round++) {
              const { arriving, limit, isRestart } = steps[round % steps.length] ?? {
                arriving: [],
                limit: 9,
                isRestart: false,
              };
              const page = await store.page({ ...plan, limit });
              found.push(...page.lines.map(({ text }) => text));
              plan = page.next === undefined ? undefined : { ...plan, after: page.next };
              if (round >= steps.length) continue;
              await sendAll(store, oracle, arriving);
              if (!isRestart) continue;
              await store.close();
              store = await openLog(folder, TINY_FILES);
            }

            const isEarly = new Set(early);
            expect(found.filter((line) => isEarly.has(line))).toEqual(early);
            const late = new Set(oracle.find("default", query));
            expect(found.filter((line) => !late.has(line))).toEqual([]);
            expect(found).toEqual([...late].filter((line) => found.includes(line)));
            await store.close();
          }),
      ),
      { numRuns: 40 },
    );
  });
});
