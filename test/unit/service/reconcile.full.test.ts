// A comparison of the whole log on demand: from the first leaf on, beside the nightly one, which it leaves alone.
import { beforeEach, describe, expect, it } from "vitest";

import { createFullReconcile, createReconcile } from "#service/reconcile.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { itemPlaces } from "#test/support/memory-event-table.ts";
import type { SealedService } from "#test/support/sealed-service.ts";
import { HOT_RETENTION_MS, startSealedService } from "#test/support/sealed-service.ts";

let service: SealedService;
let batchIds: string[];

/** Three seals of one batch each. */
beforeEach(async () => {
  service = await startSealedService();
  batchIds = [];
  for (const ids of [["a", "b"], ["c"], ["d", "e"]]) {
    batchIds.push(await service.persist(ids.map((id) => sampleLine({ tenant_id: "t", event_id: id }))));
    await service.seal();
  }
});

function depsOf({ ports, clock }: SealedService) {
  const { archive, ledger, table } = ports;
  const restore = { ledger, sealing: ledger };
  return { archive, ledger, items: itemPlaces(table), restore, clock, hotRetentionMs: HOT_RETENTION_MS };
}

describe("a comparison of everything", () => {
  it("looks at what the nightly one has passed, and leaves its note alone", async () => {
    await createReconcile(depsOf(service))({ untilMs: Number.POSITIVE_INFINITY });
    const note = service.ports.ledger.notes.get("reconcile");
    service.ports.table.items.delete("t#a");
    const leaves: number[] = [];

    const report = await createFullReconcile(depsOf(service))({
      onProgress: async (leaf) => {
        leaves.push(leaf);
      },
    });

    expect(report).toMatchObject({ missing_items: 1, reconciled_leaves: 5 });
    expect(leaves).toEqual([2, 3, 5]);
    expect(service.ports.ledger.notes.get("reconcile")).toBe(note);
  });

  it("restores no rows where it may not", async () => {
    const [batchId = ""] = batchIds;
    service.ports.ledger.rows.delete(batchId);

    const report = await createFullReconcile({ ...depsOf(service), restore: undefined })({});

    expect(report?.problems).toEqual([`the row of batch ${batchId} was missing`]);
    expect(service.ports.ledger.rows.has(batchId)).toBe(false);
  });

  it("ends where it is stopped, and says nothing", async () => {
    const stop = AbortSignal.abort();

    expect(await createFullReconcile(depsOf(service))({ stop })).toBeUndefined();
  });

  it("restores a row with its place at once, so that no sealer takes its lines again", async () => {
    const [batchId = ""] = batchIds;
    const deps = depsOf(service);
    const { ledger } = service.ports;
    const register: typeof ledger.register = async (record) => {
      await ledger.register(record);
      expect(await service.seal()).toMatchObject({ leaves: 0, problems: [] });
    };
    const find: typeof ledger.find = (id) => ledger.find(id);
    ledger.rows.delete(batchId);

    const report = await createFullReconcile({
      ...deps,
      restore: { ledger: { find, register }, sealing: ledger },
    })({});

    expect(report).toMatchObject({ missing_rows: 1 });
    expect(ledger.rows.get(batchId)).toMatchObject({ sealed: { firstLeaf: 0 } });
  });
});
