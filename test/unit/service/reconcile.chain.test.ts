// The names of all segments and manifests are compared in the time that a run has, over as many runs as it takes: after a
// year a log has millions of them.
import { describe, expect, it } from "vitest";

import { manifestKey, segmentKey } from "#service/log-layout.ts";
import { Chain, NO_NAMES } from "#service/reconcile-chain.ts";
import { Tally } from "#service/reconcile-tally.ts";
import { createReconcile } from "#service/reconcile.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";
import { itemPlaces } from "#test/support/memory-event-table.ts";
import { HOT_RETENTION_MS, startSealedService } from "#test/support/sealed-service.ts";

const HOUR_MS = 3_600_000;
const AT_MS = Date.parse("2026-03-01T12:00:00.000Z");

/** An archive that holds these names; each segment is of ten leaves, sealed so many hours later. */
async function namesOf(
  segments: readonly (readonly [first: number, hour: number])[],
  ends: readonly number[],
): Promise<MemoryArchive> {
  const archive = new MemoryArchive();
  const nothing = Buffer.from("x");
  for (const [first, hour] of segments)
    await archive.putIfAbsent(segmentKey(AT_MS + hour * HOUR_MS, first, 10), nothing);
  for (const end of ends) await archive.putIfAbsent(manifestKey(end), nothing);
  return archive;
}

/** Goes on with one name a run, each time from what the note of the last one says. */
async function inSteps(archive: MemoryArchive, size: number) {
  const missing = new Set<number>();
  let note = NO_NAMES;
  let tally = new Tally();
  for (let runs = 1; ; runs++) {
    let names = 0;
    const chain = new Chain({ archive, size, tally, missing }, JSON.parse(JSON.stringify(note)));
    if (await chain.goOn(() => ++names > 1)) return { runs, tally, missing: [...missing] };
    note = chain.position();
    tally = new Tally(tally.counts, tally.problems);
  }
}

async function atOnce(archive: MemoryArchive, size: number) {
  const tally = new Tally();
  const missing = new Set<number>();
  await new Chain({ archive, size, tally, missing }, NO_NAMES).goOn(() => false);
  return { tally, missing: [...missing] };
}

const WHOLE = [
  [0, 0],
  [10, 0],
  [20, 1],
  [30, 2],
] as const;
const ENDS = [10, 20, 30, 40];

describe("the names of segments and manifests", () => {
  it.each([
    ["whole", WHOLE, ENDS, [], []],
    [
      "whole, by clocks that differ",
      [
        [0, 1],
        [10, 0],
        [20, 2],
        [30, 1],
      ] as const,
      ENDS,
      [],
      [],
    ],
    [
      "without a segment",
      WHOLE.filter(([first]) => first !== 10),
      ENDS,
      ["the segment of leaves 10 to 19 is missing"],
      [],
    ],
    [
      "without the last two segments",
      WHOLE.slice(0, 2),
      ENDS,
      ["the segment of leaves 20 to 39 is missing"],
      [],
    ],
    ["without a manifest", WHOLE, [10, 20, 40], [`manifest ${manifestKey(30)} is missing`], [30]],
    ["with a segment twice", [...WHOLE, [10, 5] as const], ENDS, ["two segments hold leaf 10"], []],
  ])("are compared the same at once and in many runs: %s", async (_, segments, ends, problems, missing) => {
    const archive = await namesOf(segments, ends);

    const whole = await atOnce(archive, 40);
    const parts = await inSteps(archive, 40);

    expect(whole.tally.problems).toEqual(problems);
    expect(whole.missing).toEqual(missing);
    expect(parts.tally).toEqual(whole.tally);
    expect(parts.missing).toEqual(whole.missing);
    expect(parts.runs).toBeGreaterThanOrEqual(segments.length);
  });

  it("count each segment of a gap", async () => {
    const { tally } = await atOnce(await namesOf(WHOLE.slice(0, 1), ENDS), 40);

    expect(tally.counts.missing_segments).toBe(3);
  });
});

it("a comparison whose time is over while it lists names goes on in the next run", async () => {
  const service = await startSealedService();
  for (const event_id of ["a", "b", "c"]) {
    await service.persist([sampleLine({ tenant_id: "t", event_id })]);
    await service.seal();
    service.pass(HOUR_MS);
  }
  const { archive, ledger, table } = service.ports;
  const slow = {
    get: (key: string) => archive.get(key),
    async *list(prefix: string, after?: string) {
      for await (const object of archive.list(prefix, after)) {
        service.pass(1000);
        yield object;
      }
    },
  };
  const deps = { ledger, items: itemPlaces(table), clock: service.clock, hotRetentionMs: HOT_RETENTION_MS };
  const run = () => createReconcile({ ...deps, archive: slow })({ untilMs: service.clock.nowMs() + 2500 });

  const startMs = service.clock.nowMs();
  const first = await run();
  const tookMs = service.clock.nowMs() - startMs;
  let [last, runs] = [first, 1];
  for (; last === undefined && runs < 20; runs++) last = await run();

  expect(first).toBeUndefined();
  expect(tookMs).toBeLessThanOrEqual(5000);
  expect(last).toMatchObject({ log_size: 3, log_size_difference: 0, missing_segments: 0, problems: [] });
});
