// The janitor and the log: a batch that is in the log is never placed again, and lines are indexed from segments once their
// batch object is gone.
import { beforeEach, describe, expect, it } from "vitest";

import { batchKey, encodeBatch } from "#service/batch-object.ts";
import { createCompleteBatch } from "#service/complete-batch.ts";
import { createCompleteUnsealed } from "#service/janitor-sealed.ts";
import type { JanitorReport } from "#service/janitor.ts";
import { createJanitor } from "#service/janitor.ts";
import { manifestKey } from "#service/log-layout.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { startSealedService } from "#test/support/sealed-service.ts";

const MINUTE_MS = 60_000;
const lines = ["a", "b"].map((id) => sampleLine({ tenant_id: "t", event_id: id }));

let service: SealedService;

beforeEach(async () => {
  service = await startSealedService();
});

function janitor(): Promise<JanitorReport> {
  const { ports, clock, conflictKey } = service;
  const deps = { ...ports, sealing: ports.ledger, conflictKey, clock };
  const complete = createCompleteUnsealed({ ...deps, complete: createCompleteBatch(deps) });
  return createJanitor({ ...deps, complete })();
}

describe("the janitor of a service that seals", () => {
  it("gives a batch whose row was lost the row that its manifest says, and tells of it", async () => {
    service.ports.table.takesIndexKeys = () => true;
    const batchId = await service.persist(lines);
    await service.seal();
    const row = service.ports.ledger.rows.get(batchId);
    await service.ports.archive.putIfAbsent(batchKey(batchId), encodeBatch(lines.map(({ text }) => text)));
    service.ports.ledger.rows.delete(batchId);
    service.pass(21 * MINUTE_MS);

    const first = await janitor();
    const second = await janitor();

    expect(first).toMatchObject({ completed: 0, unregistered: 1 });
    expect(first.problems).toMatchObject([
      {
        subject: batchId,
        error: { message: `the row of batch ${batchId} was lost; it is restored from ${manifestKey(2)}` },
      },
    ]);
    expect(service.ports.ledger.rows.get(batchId)).toEqual(row);
    expect(await service.seal()).toMatchObject({ leaves: 0 });
    expect(second).toMatchObject({ unregistered: 0, problems: [] });
  });

  it("completes a batch that the log does not hold", async () => {
    await service.persist([sampleLine({ tenant_id: "t", event_id: "sealed" })]);
    await service.seal();
    const batchId = await service.persist(lines);
    service.ports.ledger.rows.delete(batchId);
    service.ports.ledger.pointers.delete(batchId);
    service.pass(21 * MINUTE_MS);

    const report = await janitor();

    expect(report).toMatchObject({ completed: 1, unregistered: 1, problems: [] });
    expect(await service.seal()).toMatchObject({ leaves: 2 });
    expect(await service.problems()).toEqual([]);
  });

  it("indexes lines of a batch whose object is gone, conflicts too", async () => {
    service.ports.table.takesIndexKeys = () => false;
    await service.persist([...lines, sampleLine({ tenant_id: "t", event_id: "a", message: "other" })]);
    await service.seal();

    const report = await janitor();

    expect(report).toMatchObject({ indexed: 3, problems: [] });
    expect([...service.ports.table.items.values()].map(({ isIndexed }) => isIndexed)).toEqual([
      true,
      true,
      true,
    ]);
  });
});
