// Sealing on a thread beside the store: what is stored gets covered, and what keeps it from that is told and mends itself,
// while events are taken all the same.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { FileStore } from "#adapters/file/file-store.ts";
import type { Sealing } from "#infra/local/sealing.ts";
import { startSealing } from "#infra/local/sealing.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder } from "#test/support/folders.ts";
import { checkFolder, ORIGIN, readCheckpoint, sealAll } from "#test/support/sealed-folder.ts";
import { testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 400);
const PATIENCE = { timeout: 20_000, interval: 20 };

function sealing(store: FileStore, intervalMs = 10) {
  const troubles: string[] = [];
  const started = startSealing({
    store,
    intervalMs,
    origin: ORIGIN,
    witnesses: [],
    onTrouble: (problem) => troubles.push(problem),
  });
  onTestFinished(() => started.stop());
  return { started, troubles };
}

async function untilSize({ probe }: Sealing, size: number): Promise<void> {
  await vi.waitFor(async () => expect((await probe()).details).toMatchObject({ size }), PATIENCE);
}

describe("sealing beside a store", () => {
  it("covers what is stored, through rotation and compression, and tells how it stands", async () => {
    const folder = await newFolder();
    const store = await testLog(folder, { maxFileBytes: 10_000, backupCount: 1 });
    const { started, troubles } = sealing(store);

    for (const line of LINES) await store.send([line]);
    await untilSize(started, 400);

    expect(await started.probe()).toMatchObject({
      status: "healthy",
      problems: [],
      details: {
        size: 400,
        unsealed: 0,
        oldest_unsealed_s: null,
        origin: ORIGIN,
        vkey: started.verifierKey(),
        published_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    await started.stop();
    expect(await checkFolder(folder)).toMatchObject({ size: 400 });
    expect(troubles).toEqual([]);
  });

  it("is well before its first pass, at the size that the head says, however old its events are", async () => {
    const folder = await newFolder();
    const before = await testLog(folder);
    await before.send(LINES.slice(0, 20));
    await sealAll(before);
    await before.send(LINES.slice(20, 21)); // accepted long ago, by the sample's clock
    await before.close();

    const { started } = sealing(await testLog(folder));

    const { status, details } = await started.probe();
    expect(status).toBe("healthy");
    expect(details).toMatchObject({ size: 20, unsealed: 1, published_at: expect.stringMatching(/^\d{4}-/) });
  });

  it("gives events their leaves, and none before they are sealed", async () => {
    const store = await testLog(await newFolder());
    const { started } = sealing(store);
    await store.send(LINES.slice(0, 10));
    await untilSize(started, 10);

    const found = await started.log.leaves.findLeaf({ tenantId: "default", eventId: "event-000007" });

    expect(found).toMatchObject({ leaf: 7, text: LINES[7]?.text });
  });

  it("seals at the end what came since the last pass", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);
    const { started } = sealing(store, 3_600_000);
    await store.send(LINES);
    expect((await started.probe()).details).toMatchObject({ origin: ORIGIN });

    await started.stop();

    expect(await checkFolder(folder)).toMatchObject({ size: 400 });
  });
});

describe("a store whose log cannot be sealed", () => {
  it("takes events, says so in health, and is sealed once it can be", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, "staging"), "where a folder should be");
    const store = await testLog(folder);
    const { started, troubles } = sealing(store);

    await store.send(LINES.slice(0, 100));
    await vi.waitFor(() => expect(troubles).not.toEqual([]), PATIENCE);
    expect((await store.send(LINES.slice(100, 101))).map(({ kind }) => kind)).toEqual(["accepted"]);
    const { status, problems, details } = await started.probe();
    await rm(join(folder, "staging"));
    await untilSize(started, 101);

    expect(status).toBe("degraded");
    expect(problems.join()).toContain("staging");
    expect(details).toMatchObject({ size: 0, unsealed: 101 });
    expect(details["oldest_unsealed_s"]).toBeGreaterThan(0);
    expect(troubles).toHaveLength(1);
    expect(await readCheckpoint(folder)).toMatchObject({ size: 101 });
  });

  it("because keys cannot be made takes events, and says so in health", async () => {
    const folder = await newFolder();
    await mkdir(join(folder, "audit-service.log-key"), { mode: 0o700 });
    const store = await testLog(folder);
    const { started, troubles } = sealing(store);

    await vi.waitFor(() => expect(troubles).not.toEqual([]), PATIENCE);

    expect(troubles[0]).toMatch(/the thread that seals is gone: .*log-key cannot be read or made/);
    expect((await started.probe()).status).toBe("degraded");
    expect(started.verifierKey()).toBeUndefined();
    expect((await store.send(LINES.slice(0, 1))).map(({ kind }) => kind)).toEqual(["accepted"]);
  });

  it("because its head is lost takes events, and asks for it", async () => {
    const folder = await newFolder();
    const before = await testLog(folder);
    await before.send(LINES.slice(0, 20));
    await sealAll(before);
    await before.close();
    await rm(before.paths.head);
    const store = await testLog(folder);
    const { started, troubles } = sealing(store);

    await vi.waitFor(() => expect(troubles).not.toEqual([]), PATIENCE);

    expect((await started.probe()).status).toBe("degraded");
    expect(troubles[0]).toContain(`the head of the log, ${before.paths.head}, is missing`);
    expect((await store.send(LINES.slice(100, 101))).map(({ kind }) => kind)).toEqual(["accepted"]);
    expect(await readCheckpoint(folder)).toMatchObject({ size: 20 });
  });
});
