// Everything stops at once: a sealer in the middle of its work, and both tables are lost. The rebuild, itself cut off
// once, must give a log that only grows from what was published, in which every line has its one leaf.
import { describe, expect, it } from "vitest";

import type { PreparedLine } from "#event/prepare-event.ts";
import { createBatchSurvey } from "#service/inventory-batches.ts";
import { createOrphanRemoval, writeOrphans } from "#service/janitor-orphans.ts";
import { createReconcile } from "#service/reconcile.ts";
import { createRebuild } from "#service/rebuild.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { CutError, cutAt } from "#test/support/cut-ports.ts";
import type { Cut } from "#test/support/cut-ports.ts";
import { itemPlaces } from "#test/support/memory-event-table.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { HOT_RETENTION_MS, startSealedService } from "#test/support/sealed-service.ts";
import { below, seededRandom } from "#test/support/seeded-random.ts";

const HOUR_MS = 3_600_000;
/** The seal that is cut off fills a level-0 tile and a bundle, which are never written again. */
const [FIRST, SECOND] = [250, 30];
/** About what a rebuild takes. */
const MAX_REBUILD_CALLS = 80;
const TIMEOUT_MS = 60_000;

const lines = (from: number, count: number): readonly PreparedLine[] =>
  Array.from({ length: count }, (_, index) =>
    sampleLine({ tenant_id: "t", event_id: `event-${from + index}` }),
  );

/** A service whose last seal was cut off at a call of its ports. */
async function cutSeal(cut: Cut): Promise<SealedService> {
  const service = await startSealedService();
  await service.persist(lines(0, FIRST));
  await service.seal();
  service.pass(HOUR_MS);
  for (let batch = 0; batch < 3; batch++)
    await service.persist(lines(FIRST + (batch * SECOND) / 3, SECOND / 3));
  // Copies and other content, whose outcome is written beside the batch.
  await service.persist([
    ...lines(0, 5),
    ...lines(FIRST, 5),
    sampleLine({ tenant_id: "t", event_id: "event-0", message: "x" }),
  ]);
  const sealing = service.seal(({ log, store, sealing: batches }) => ({
    log: cut.under(log),
    store: cut.under(store),
    sealing: cut.under(batches),
  }));
  await sealing.catch(isCut);
  service.pass(HOUR_MS);
  return service;
}

function isCut(error: unknown): void {
  if (!(error instanceof CutError)) throw error;
}

/** Rebuilds, cut off at a call and again, then seals what is left and what comes, and removes what outlived it. */
async function rebuildAndGoOn(service: SealedService, cut: Cut): Promise<Outcome> {
  const lost = service.loseTables();
  const deps = lost.rebuildDeps();
  const { archive, table, ledger, logLedger, sealing } = deps;
  const cutDeps = {
    ...deps,
    archive: cut.under(archive),
    table: cut.under(table),
    ledger: cut.under(ledger),
    sealing: cut.under(sealing),
    logLedger: cut.under(logLedger),
  };
  const request = { isResumed: false, isWithoutDamaged: false };
  await createRebuild(cutDeps)(request).catch(isCut);
  const { unpublished } = await createRebuild(deps)({ ...request, isResumed: true });
  await lost.persist(lines(FIRST + SECOND - 3, 60));
  await lost.seal();
  lost.pass(HOUR_MS);
  const survey = await createBatchSurvey({ ...lost.ports, sealing: lost.ports.ledger, clock: lost.clock })();
  await writeOrphans(lost.ports.ledger, survey.orphans);
  await createOrphanRemoval({ store: lost.ports.archive, ledger: lost.ports.ledger })();
  return { lost, unpublished };
}

interface Outcome {
  readonly lost: SealedService;
  readonly unpublished: number;
}

/** What is not as it should be, by two ways of looking. */
async function problemsOf(lost: SealedService): Promise<readonly string[]> {
  const { archive, ledger, table } = lost.ports;
  const deps = { archive, ledger, items: itemPlaces(table), clock: lost.clock };
  const compare = createReconcile({ ...deps, hotRetentionMs: HOT_RETENTION_MS });
  const report = await compare({ untilMs: Number.POSITIVE_INFINITY });
  const difference = report?.log_size_difference;
  return [
    ...(await lost.problems()),
    ...(report?.problems ?? []),
    ...(difference === 0 ? [] : [`differs by ${difference}`]),
  ];
}

describe("after a seal that was cut off at any call, and the loss of both tables", () => {
  it("a rebuild goes back to what was published, and sealing goes on", { timeout: TIMEOUT_MS }, async () => {
    const seed = Number(process.env["TEST_SEED"] ?? 20_261_125);
    const random = seededRandom(seed);
    const counting = cutAt(Number.POSITIVE_INFINITY, false);
    await cutSeal(counting);
    const found: unknown[] = [];
    let takenAway = 0;

    for (let call = 0; call < counting.calls(); call++) {
      const service = await cutSeal(cutAt(call, random() < 0.5));
      const cut = cutAt(below(random, MAX_REBUILD_CALLS), random() < 0.5);
      const { lost, unpublished } = await rebuildAndGoOn(service, cut);
      takenAway += unpublished;
      const problems = await problemsOf(lost);
      if (problems.length > 0) found.push({ seed, call, problems: problems.slice(0, 3) });
    }

    expect(found).toEqual([]);
    expect(counting.calls()).toBeGreaterThan(20);
    expect(takenAway).toBeGreaterThan(20);
  });
});
