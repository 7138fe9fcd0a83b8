// Both tables lost and restored by the real command line over stand-ins: every query answers what it answered before.
import { expect, it, onTestFinished } from "vitest";

import { createIdentifiers } from "#lib/identifiers.ts";
import { parseQuery } from "#query/audit-query.ts";
import { createFind, readFoundPage } from "#service/find.ts";
import { createPersist } from "#service/persist.ts";
import type { EventStore } from "#service/ports.ts";
import { sampleLine } from "#test/contract/sample-lines.ts";
import { auditlog } from "#test/support/auditlog.ts";
import type { AwsDeployment } from "#test/support/aws-deployment.ts";
import { startDeployment } from "#test/support/aws-deployment.ts";
import { describeDynamo } from "#test/support/dynamodb-local.ts";
import { newFolder } from "#test/support/folders.ts";
import { openSealed } from "#test/support/sealed-deployment.ts";

const TIMEOUT_MS = 120_000;
const QUERIES = [
  {},
  { order_desc: false },
  { user_ids: ["user-1"] },
  { resource_ids: ["doc-2"] },
  { service_names: ["service-0"] },
  { levels: ["ERROR"] },
  { message_contains: "other content" },
];

/** Events of three services, some notable; batches share events, and hold other content under known ids. */
async function fill(deployment: AwsDeployment): Promise<readonly string[]> {
  const store = await deployment.openStore();
  let random = 0;
  const fillRandom = (bytes: Buffer): unknown => bytes.fill(++random % 256);
  const { newEventId: newBatchId } = createIdentifiers({ nowMs: Date.now, fillRandom });
  const persist = createPersist({ ...store, newBatchId });
  const ids = new Set<string>();
  for (let batch = 0; batch < 12; batch++) {
    const lines = Array.from({ length: 10 }, (_, index) => {
      const id = batch * 6 + index;
      ids.add(`event-${id}`);
      return sampleLine({
        event_id: `event-${id}`,
        service_name: `service-${id % 3}`,
        user_id: `user-${id % 4}`,
        resource_id: `doc-${id % 5}`,
        level: id % 7 === 0 ? "ERROR" : "INFO",
        timestamp: new Date(Date.parse("2026-02-01T00:00:00Z") + id * 1000).toISOString(),
        message: (id + batch) % 5 === 0 ? `other content ${batch}` : "content",
      });
    });
    await persist(lines);
  }
  return [...ids];
}

/** Whole answers: events with their conflicts, page by page, and each event by its id. */
async function answersOf(store: EventStore, ids: readonly string[]): Promise<unknown> {
  const sleep = async (): Promise<void> => undefined;
  const find = createFind({ store, monotonicMs: () => performance.now(), sleep });
  const pages: unknown[] = [];
  for (const query of QUERIES) {
    let cursor: string | null = null;
    do {
      const parsed = parseQuery({ ...query, cursor, limit: 7 });
      const page = readFoundPage(await find.page({ query: parsed, tenantId: "default" }));
      pages.push(page.events);
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
  const events = await Promise.all(ids.map((eventId) => find.byId({ tenantId: "default", eventId })));
  return { pages: pages.flat(), events };
}

describeDynamo("a rebuild", (dynamo) => {
  it("gives the same answers as before both tables were lost", { timeout: TIMEOUT_MS }, async () => {
    const deployment = await startDeployment(dynamo());
    onTestFinished(deployment.close);
    const { env } = deployment;
    const folder = await newFolder();
    const ids = await fill(deployment);
    const before = await answersOf(deployment.eventStore, ids);

    const lost = await deployment.loseTables();
    const refusal: unknown = await lost.openStore().catch((error: unknown) => error);
    const outputs = await lost.writeOutputs(folder);
    const { code, stdout } = await auditlog(["rebuild", "--outputs", outputs], { folder, env });
    const again = await auditlog(["rebuild", "--outputs", outputs], { folder, env });
    const after = await answersOf(lost.eventStore, ids);

    expect(String(refusal)).toContain("auditlog rebuild");
    expect(code).toBe(0);
    expect(stdout).toContain("12 batches with 120 lines restored.");
    expect(stdout).not.toContain("left out");
    expect(stdout).toContain("The tables are whole and marked");
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("--resume");
    expect(JSON.stringify(before)).toContain('"conflicts":');
    expect(after).toEqual(before);
    await expect(lost.openStore()).resolves.toBeDefined();
  });

  it("gives the same answers where the log holds all events, and sealing goes on", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const deployment = await startDeployment(dynamo());
    onTestFinished(deployment.close);
    const { env } = deployment;
    const folder = await newFolder();
    const ids = await fill(deployment);
    const sealed = await openSealed(deployment);
    const { size } = await sealed.seal();
    const before = await answersOf(deployment.eventStore, ids);

    const lost = await deployment.loseTables();
    const outputs = await lost.writeOutputs(folder);
    const { code, stdout } = await auditlog(["rebuild", "--outputs", outputs], { folder, env });
    const after = await answersOf(lost.eventStore, ids);
    const goneOn = await openSealed(lost);
    await goneOn.persist([sampleLine({ event_id: "event-new" }), sampleLine({ event_id: "event-0" })]);
    const report = await goneOn.seal();
    const compared = await auditlog(["reconcile", "--outputs", outputs, "--json"], { folder, env });

    expect([code, stdout]).toEqual([0, expect.stringContaining(`The log goes on behind ${size} leaves.`)]);
    expect(after).toEqual(before);
    expect(report).toMatchObject({ leaves: 2, size: size + 2, problems: [] });
    expect(JSON.parse(compared.stdout)).toMatchObject({ log_size: size + 2, log_size_difference: 0 });
  });

  it("does not begin without knowing how long the deployment keeps events", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const deployment = await startDeployment(dynamo());
    onTestFinished(deployment.close);
    const folder = await newFolder();
    const outputs = await deployment.writeOutputs(folder);
    const env = { ...deployment.env, AUDIT_HOT_RETENTION_DAYS: "" };

    const { code, stderr } = await auditlog(["rebuild", "--outputs", outputs], { folder, env });

    expect(code).toBe(1);
    expect(stderr).toContain("HotRetentionDays (AUDIT_HOT_RETENTION_DAYS)");
  });

  it("leaves growing the lanes to a command of its own", { timeout: TIMEOUT_MS }, async () => {
    const deployment = await startDeployment(dynamo());
    onTestFinished(deployment.close);
    const { env } = deployment;
    const folder = await newFolder();
    await fill(deployment);
    const outputs = await deployment.writeOutputs(folder);

    const grown = await auditlog(["lanes", "grow", "--lanes", "8", "--yes", "--outputs", outputs], {
      folder,
      env,
    });
    const shrunk = await auditlog(["lanes", "grow", "--lanes", "2", "--yes", "--outputs", outputs], {
      folder,
      env,
    });
    const shown = await auditlog(["lanes", "--outputs", outputs, "--json"], { folder, env });

    expect([grown.code, grown.stdout]).toEqual([
      0,
      expect.stringContaining("Epoch 1, 8 lanes, 1 for each service"),
    ]);
    expect([shrunk.code, shrunk.stderr]).toEqual([1, expect.stringContaining("they only grow")]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      epochs: [
        { number: 0, lanes: 4, active: true },
        { number: 1, lanes: 8, active: false },
      ],
    });
  });
});
