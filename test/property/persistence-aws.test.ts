// The persisting code over the adapters for DynamoDB and S3, on stand-ins, under the same interleavings and faults as over
// memory: fewer of them, since each is some two hundred real calls. More: `node test/bench/persistence-aws.ts <seeds>`.
import { afterAll, beforeAll, expect, it } from "vitest";

import { openAwsPorts } from "#test/support/aws-ports.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { simulatePersistence } from "#test/support/persistence-simulation.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

const SEEDS = 50;
/** What the runs together must have met, to have tried anything. */
const HAZARDS = [
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
];
/** Half a minute; a machine that is busy with other tests takes ten times as long. */
const TIMEOUT_MS = 300_000;

describeDynamo("persisting over DynamoDB and S3 under faults", (dynamo) => {
  let s3: S3StandIn;

  beforeAll(async () => {
    s3 = await startS3StandIn();
  });

  afterAll(async () => {
    await s3.close();
  });

  it("keeps every acknowledged event, once", { timeout: TIMEOUT_MS }, async () => {
    const met = new Set<string>();

    for (let seed = 1; seed <= SEEDS; seed++) {
      const outcome = await simulatePersistence({
        seed,
        size: { maxEvents: 4, steps: 160 },
        openPorts: (random) => openAwsPorts(dynamo(), s3, { name: `simulation-${seed}`, random }),
      });

      expect(outcome).toMatchObject({ seed, problems: [] });
      for (const [name, count] of Object.entries(outcome.met)) if (count > 0) met.add(name);
    }

    expect([...met].toSorted()).toEqual(HAZARDS);
  });
});
