// The sealer over the adapters for DynamoDB and S3, on stand-ins: several at once, with calls that fail before or after they
// are done, and runs that end there. The protocol itself is tried far harder over memory; this is about the adapters.
import { afterEach, beforeEach, expect, it } from "vitest";

import type { DynamoSender } from "#adapters/aws/dynamo-client.ts";
import type { S3Sender } from "#adapters/aws/s3-client.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { freshTenant, idOf, sampleLines } from "#test/contract/sample-lines.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { startDeployment } from "#test/support/aws-deployment.ts";
import type { AwsLog } from "#test/support/aws-log.ts";
import { openAwsLog } from "#test/support/aws-log.ts";
import { vendorError } from "#test/support/dynamodb-faults.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { naiveLeaf, naiveRoot } from "#test/support/sealing-oracle.ts";
import type { Random } from "#test/support/seeded-random.ts";
import { seededRandom } from "#test/support/seeded-random.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote } from "#tlog/note.ts";

const SEEDS = 6;
const SEALERS = 3;
const ROUNDS = 6;
const MAX_LINES = 6;
/** Of calls; half of the failures come after the call was done. */
const FAULT_RATE = 0.04;
const CALM = 0;
/** A busy machine takes ten times as long. */
const TIMEOUT_MS = 200_000;

describeDynamo("sealing over DynamoDB and S3 under faults", (dynamo) => {
  let deployment: AwsDeployment;

  beforeEach(async () => {
    deployment = await startDeployment(dynamo());
  });

  afterEach(async () => {
    await deployment.close();
  });

  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    "gives every line exactly one leaf: seed %i",
    { timeout: TIMEOUT_MS },
    async (seed) => {
      const random = seededRandom(seed);
      let rate = FAULT_RATE;
      const faults = { met: 0 };
      const faulty = <Sender extends object>(inner: Sender): Sender => {
        const { send } = inner as unknown as { send: (...args: unknown[]) => Promise<unknown> };
        return { send: failing(send.bind(inner), { random, rate: () => rate, faults }) } as unknown as Sender;
      };
      const logs = await Promise.all(
        Array.from({ length: SEALERS }, () =>
          openAwsLog(deployment, {
            dynamo: faulty<DynamoSender>(deployment.dynamo.client),
            s3: faulty<S3Sender>(deployment.s3.client),
          }),
        ),
      );
      const [log] = logs as [AwsLog];
      const tenantId = freshTenant();
      const lines = sampleLines(tenantId, ROUNDS * MAX_LINES);

      for (let round = 0; round < ROUNDS; round++) {
        const part = lines.slice(round * MAX_LINES, (round + 1) * MAX_LINES);
        const runs = logs.map(({ sealer }) => sealer.run().catch(expectPassing));
        await Promise.all([log.persist(part.slice(0, 4)), log.persist(part.slice(3)), ...runs]);
      }
      rate = CALM;
      await Promise.all(logs.map(({ sealer }) => sealer.run()));
      const { size, publishedSize } = await log.sealer.run();

      const { lines: leaves, next } = await log.leaves.readLeaves(0, publishedSize);
      const checkpoint = Buffer.from((await log.objects.get("log/checkpoint")) ?? []).toString();
      const { root } = parseCheckpoint(parseNote(checkpoint).body);
      expect([next, publishedSize]).toEqual([size, lines.length]);
      expect(leaves.map(({ text }) => text).toSorted()).toEqual(lines.map(({ text }) => text).toSorted());
      expect(Buffer.from(root)).toEqual(naiveRoot(leaves.map(({ text }) => naiveLeaf(text))));
      for (const { text, leaf } of leaves)
        expect(await log.leaves.findLeaf({ tenantId, eventId: idOf(text) })).toMatchObject({ leaf, text });
      expect(await Array.fromAsync(log.objects.list("batches/"))).toEqual([]);
      expect(faults.met).toBeGreaterThan(0);
    },
  );
});

interface Faults {
  readonly random: Random;
  readonly rate: () => number;
  readonly faults: { met: number };
}

/** A client some of whose calls fail, before they are done or after. */
function failing(
  send: (...args: unknown[]) => Promise<unknown>,
  { random, rate, faults }: Faults,
): (...args: unknown[]) => Promise<unknown> {
  return async (...args) => {
    const fate = random();
    if (fate >= rate()) return send(...args);
    faults.met++;
    if (fate >= rate() / 2) await send(...args).catch(() => undefined);
    throw vendorError("InternalError");
  };
}

/** What cuts a run short is for the next one to make good. */
function expectPassing(error: unknown): void {
  if (!(error instanceof AuditStorageError) || !error.retryable) throw error;
}
