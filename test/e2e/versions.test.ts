// Two releases on one deployment, as in every roll-out and roll-back: what the older one cannot read it leaves to the newer,
// says so, and never answers wrongly; what both can read is stored once, whoever comes first.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

import { freshTenant, planFor, readPages } from "#test/contract/sample-lines.ts";
import type { StandIns } from "#test/support/consumer-stand-ins.ts";
import { ConsumerStandIns } from "#test/support/consumer-stand-ins.ts";
import { CutProcess } from "#test/support/cut-process.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { startSqsStandIn } from "#test/support/fauxqs.ts";
import { loadNextRelease } from "#test/support/next-release.ts";
import type { Release } from "#test/support/release.ts";
import { RELEASE } from "#test/support/release.ts";
import { startS3StandIn } from "#test/support/s3-stand-in.ts";

/** A batch so old is the janitor's, and one that it does not finish is overdue. */
const OVERDUE_MS = 21 * 60_000;

interface Both {
  readonly today: ConsumerStandIns;
  readonly next: ConsumerStandIns;
  readonly tenantId: string;
}

describeDynamo("a release beside the next one", (dynamo) => {
  let standIns: StandIns;
  let nextRelease: Release;
  let folder: string;
  let deployments = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "audit-release-"));
    nextRelease = await loadNextRelease(folder);
    standIns = { dynamo: dynamo(), s3: await startS3StandIn(), sqs: await startSqsStandIn() };
  });

  afterAll(async () => {
    await Promise.all([standIns.s3.close(), standIns.sqs.close(), rm(folder, { recursive: true })]);
  });

  async function openBoth(): Promise<Both> {
    const today = await ConsumerStandIns.found(standIns, `versions-${++deployments}`);
    const next = nextRelease.on(standIns, today.deployment);
    return { today, next, tenantId: freshTenant() };
  }

  it("writes another version of line and message", () => {
    const line = nextRelease.line({ event_id: "e" });

    expect(line.text).toContain('"_v":2,');
    expect(nextRelease.packed([line])).toMatch(/^L2z\./);
  });

  it.each([
    { name: "message", pack: (release: Release) => release.packed },
    { name: "line", pack: () => RELEASE.packed },
  ])("leaves a $name of the next version on the queue, and stores its own beside it", async ({ pack }) => {
    const { today, next, tenantId: tenant_id } = await openBoth();
    const old = RELEASE.line({ tenant_id, event_id: "old" });
    const newer = nextRelease.line({ tenant_id, event_id: "newer" });
    await today.send(RELEASE.packed([old]));
    await today.send(pack(nextRelease)([newer]));

    const event = await today.receive();
    const { batchItemFailures: left } = await today.settle(event, today.consumer(new CutProcess()));
    await next.release({ Records: event.Records.filter(({ messageId }) => isAmong(left, messageId)) });
    const stored = await today.ports.readItems();
    await next.drain(next.consumer(new CutProcess()), 1);

    expect(left).toHaveLength(1);
    expect(today.errors).toEqual([expect.stringMatching(/^message is in the format of a newer release/)]);
    expect(stored.map(({ eventId }) => eventId)).toEqual(["old"]);
    expect(await next.problems([old, newer])).toEqual([]);
  });

  it("stores an event once that came through both, whichever was first", async () => {
    const { today, next, tenantId: tenant_id } = await openBoth();
    const here = ["a", "b"].map((event_id) => RELEASE.line({ tenant_id, event_id }));
    const there = ["b", "c"].map((event_id) => nextRelease.line({ tenant_id, event_id }));
    const again = [
      RELEASE.line({ tenant_id, event_id: "c" }),
      RELEASE.line({ tenant_id, event_id: "c", message: "other" }),
    ];

    await today.send(RELEASE.packed(here));
    await today.drain(today.consumer(new CutProcess()), 1);
    await next.send(nextRelease.packed(there));
    await next.drain(next.consumer(new CutProcess()), 1);
    await today.send(RELEASE.packed(again));
    await today.drain(today.consumer(new CutProcess()), 1);

    expect([...today.errors, ...next.errors]).toEqual([]);
    expect(await next.problems([...here, ...there, ...again])).toEqual([]);
  });

  it("acknowledges no event that stands in a batch it cannot finish, until the next release has", async () => {
    const { today, next, tenantId: tenant_id } = await openBoth();
    const lines = ["a", "b"].map((event_id) => nextRelease.line({ tenant_id, event_id }));
    const copy = RELEASE.line({ tenant_id, event_id: "b" });
    await next.send(nextRelease.packed(lines));
    const process = new CutProcess({ kind: "stopped before", at: 3 });
    await Promise.race([next.consumer(process)(await next.receive()), process.stopped]);
    await today.send(RELEASE.packed([copy]));

    const event = await today.receive();
    const { batchItemFailures: left } = await today.settle(event, today.consumer(new CutProcess()));
    next.pass(OVERDUE_MS);
    await next.janitor(new CutProcess())();
    await today.release(event);
    await today.drain(today.consumer(new CutProcess()), 1);

    expect(left).toHaveLength(1);
    expect(today.errors).toEqual([expect.stringMatching(/of a newer release: line 0 has format version 2/)]);
    expect(await next.problems([...lines, copy])).toEqual([]);
  });

  it("has its janitor name a batch of the next release, and leave it to that", async () => {
    const { today, next, tenantId: tenant_id } = await openBoth();
    const line = nextRelease.line({ tenant_id, event_id: "a" });
    await next.send(nextRelease.packed([line]));
    const process = new CutProcess({ kind: "stopped before", at: 3 });
    await Promise.race([next.consumer(process)(await next.receive()), process.stopped]);
    for (const release of [today, next]) release.pass(OVERDUE_MS);

    const report = await today.janitor(new CutProcess())();
    const nextReport = await next.janitor(new CutProcess())();

    expect(report).toMatchObject({ completed: 0, unregistered: 1 });
    expect(report.problems.map(({ error }) => error.message)).toEqual([
      expect.stringMatching(/of a newer release: line 0 has format version 2/),
    ]);
    expect(nextReport).toMatchObject({ completed: 1, problems: [] });
    expect(await next.problems([line])).toEqual([]);
  });

  it("refuses to answer with an item of the next version, and answers with its own", async () => {
    const { today, next, tenantId } = await openBoth();
    const old = RELEASE.line({ tenant_id: tenantId, event_id: "old" });
    const newer = nextRelease.line({ tenant_id: tenantId, event_id: "newer" });
    await today.send(RELEASE.packed([old]));
    await today.drain(today.consumer(new CutProcess()), 1);
    await next.send(nextRelease.packed([newer]));
    await next.drain(next.consumer(new CutProcess()), 1);

    const refusal = { code: "storage-unavailable", message: expect.stringMatching(/version 2; .* reads 1$/) };

    expect(await today.eventStore.get({ tenantId, eventId: "old" })).toEqual({ text: old.text });
    await expect(today.eventStore.get({ tenantId, eventId: "newer" })).rejects.toMatchObject(refusal);
    await expect(today.eventStore.page(planFor(tenantId))).rejects.toMatchObject(refusal);
    expect((await readPages(next.eventStore, planFor(tenantId))).flat().toSorted()).toEqual(
      [old.text, newer.text].toSorted(),
    );
  });
});

function isAmong(failures: readonly { readonly itemIdentifier: string }[], messageId: string): boolean {
  return failures.some(({ itemIdentifier }) => itemIdentifier === messageId);
}
