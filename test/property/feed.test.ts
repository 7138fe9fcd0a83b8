// The feed against its definition: whatever tenants, gaps, limits and growth there are, its pages together are the events
// of a tenant in the order of the log, each once, and every leaf without a line that can be read is named, once.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFeed } from "#service/feed.ts";
import { createLogReader } from "#service/read-log.ts";
import { PublishedLog } from "#test/support/published-log.ts";

const TENANTS = ["acme", "default", "other"];
const MAX_STEPS = 1000;

const growth = fc.array(
  fc.record({
    tenant: fc.constantFrom(...TENANTS),
    state: fc.constantFrom("sound", "sound", "left out", "damaged"),
    kilobytes: fc.nat(40),
  }),
  { maxLength: 30 },
);
const runs = fc.record({
  growths: fc.array(growth, { minLength: 1, maxLength: 6 }),
  limits: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
  maxLeaves: fc.integer({ min: 1, max: 40 }),
  after: fc.integer({ min: -1, max: 20 }),
});

describe("the feed", () => {
  it("is every event of a tenant behind a place, once and in order, while the log grows", async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ growths, limits, maxLeaves, after }) => {
        const log = new PublishedLog();
        const reading = { leaves: log.leaves, log: createLogReader(log.objects), maxLeaves };
        const feed = createFeed({ ...reading, monotonicMs: () => 0, sleep: async () => undefined });
        const expected: number[] = [];
        const unreadable: number[] = [];
        const waiting = [...growths];
        const grow = (): void => {
          for (const { tenant, state, kilobytes } of waiting.shift() ?? []) {
            const leaf = log.leaves.lines.length;
            log.put({ event_id: `e${leaf}`, tenant_id: tenant, stack_trace: "x".repeat(kilobytes * 1000) });
            if (state === "left out") log.leaves.leftOut.add(leaf);
            if (state === "damaged") damageLine(log, leaf, kilobytes);
            if (leaf <= after) continue;
            if (state !== "sound") unreadable.push(leaf);
            else if (tenant === "acme") expected.push(leaf);
          }
          log.seal();
        };
        while (log.leaves.sealed <= after && waiting.length > 0) grow();
        grow();
        let place = Math.min(after, log.leaves.sealed - 1);
        const found: number[] = [];
        const named: number[] = [];

        for (let step = 0; step < MAX_STEPS; step++) {
          const limit = limits[step % limits.length] ?? 1;
          const page = await feed({ tenantId: "acme", after: place, limit, waitMs: 0 });
          expect(page.events.length).toBeLessThanOrEqual(limit);
          expect(page.next_after).toBeGreaterThanOrEqual(place);
          found.push(...page.events.map((text) => Number(JSON.parse(text).leaf_index)));
          named.push(...page.unreadable_leaves);
          place = page.next_after;
          if (!page.has_more && waiting.length === 0) break;
          if (step % 3 === 2 || !page.has_more) grow();
        }

        expect(found).toEqual(expected);
        expect(named).toEqual(unreadable);
        expect(place).toBe(log.leaves.sealed - 1);
      }),
      { numRuns: 150 },
    );
  });
});

/** Cuts a line off anywhere, or makes it a remainder that says no tenant. */
function damageLine({ leaves }: PublishedLog, leaf: number, seed: number): void {
  const line = leaves.lines[leaf];
  if (line === undefined) throw new Error(`there is no leaf ${leaf}`);
  const text =
    seed % 4 === 0 ? '{"_erased":"00"}' : line.text.slice(0, -1 - ((seed * 97) % line.text.length));
  leaves.lines[leaf] = { ...line, text };
}
