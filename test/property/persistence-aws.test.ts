// The persisting code over the adapters for DynamoDB and S3, on stand-ins, under the same interleavings and faults as over
// memory: fewer of them, since each call is a real one.
import { afterAll, beforeAll, expect, it } from "vitest";

import { openAwsPorts } from "#test/support/aws-ports.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { simulatePersistence } from "#test/support/persistence-simulation.ts";
import type { S3StandIn } from "#test/support/s3-stand-in.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

/** Some seconds per seed; a machine that is busy with other tests takes ten times as long. */
const TIMEOUT_MS = 120_000;
const SEEDS = Array.from({ length: 6 }, (_, index) => index + 1);

describeDynamo("persisting over DynamoDB and S3 under faults", (dynamo) => {
  let s3: S3StandIn;

  beforeAll(async () => {
    s3 = await startS3StandIn();
  });

  afterAll(async () => {
    await s3.close();
  });

  it.each(SEEDS)("keeps every acknowledged event, once: seed %i", { timeout: TIMEOUT_MS }, async (seed) => {
    const outcome = await simulatePersistence({
      seed,
      size: { maxEvents: 4, steps: 160 },
      openPorts: (random) => openAwsPorts(dynamo(), s3, { name: `simulation-${seed}`, random }),
    });

    expect(outcome.problems).toEqual([]);
  });
});
