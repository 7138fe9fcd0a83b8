/**
 * `node test/bench/persistence-aws.ts [seeds] [first seed]`: the persisting code over DynamoDB and S3, on stand-ins, under
 * the faults of so many seeds, default 500, beginning with 1. Prints each seed in which something was not as promised, then
 * what the runs met, and exits with 1 where there was one. About half a second a seed on two processors that do nothing else; needs Java 17.
 */
import { performance } from "node:perf_hooks";

import { openAwsPorts } from "#test/support/aws-ports.ts";
import { startDynamoDbLocal } from "#test/support/dynamodb-local.ts";
import { simulatePersistence } from "#test/support/persistence-simulation.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

const DEFAULT_SEEDS = 500;
/** After so many runs the stand-ins start anew: both keep everything in memory. */
const RUNS_PER_START = 250;
const seeds = Number(process.argv[2] ?? DEFAULT_SEEDS);
const firstSeed = Number(process.argv[3] ?? 1);

const totals = new Map<string, number>();
const startedMs = performance.now();
let bad = 0;
for (let done = 0; done < seeds; done += RUNS_PER_START)
  await run(firstSeed + done, Math.min(RUNS_PER_START, seeds - done));
const seconds = (performance.now() - startedMs) / 1000;
console.log(`${seeds} seeds from ${firstSeed}, ${bad} bad, ${seconds.toFixed(1)} s`);
for (const [name, count] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
  console.log(`${name.padEnd(18)} ${count}`);
if (bad > 0) process.exitCode = 1;

async function run(from: number, count: number): Promise<void> {
  const [dynamo, s3] = await Promise.all([startDynamoDbLocal(), startS3StandIn()]);
  try {
    for (let seed = from; seed < from + count; seed++) {
      const { problems, met } = await simulatePersistence({
        seed,
        size: { maxEvents: 4, steps: 160 },
        openPorts: (random) => openAwsPorts(dynamo, s3, { name: `simulation-${seed}`, random }),
      });
      for (const [name, times] of Object.entries(met)) totals.set(name, (totals.get(name) ?? 0) + times);
      if (problems.length === 0) continue;
      bad++;
      console.log(`seed ${seed}: ${problems.join("; ")}`);
    }
  } finally {
    await Promise.all([dynamo.stop(), s3.close()]);
  }
}
