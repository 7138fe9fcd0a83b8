// Staging objects are kept until the tiles that they hold are durable by themselves, and give them back after a power cut.
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { createFileLogLedger } from "#adapters/file/file-log-ledger.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import { settleStaging } from "#adapters/file/kept-staging.ts";
import type { FileStore } from "#adapters/file/file-store.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder } from "#test/support/folders.ts";
import { checkFolder, sealAll } from "#test/support/sealed-folder.ts";
import { testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 5000);
const MINUTE_MS = 60_000;

/** A log of three seals, of which the first two have staging objects too large to be settled at once. */
async function sealedLog() {
  const folder = await newFolder();
  const store = await testLog(folder);
  for (const [from, to] of [
    [0, 2000],
    [2000, 4000],
    [4000, 5000],
  ] as const) {
    await store.send(LINES.slice(from, to));
    await sealAll(store);
  }
  return { folder, store };
}

async function settle({ paths }: FileStore, nowMs: number): Promise<void> {
  const files = { store: createFileLogStore({ folder: paths.folder }), ledger: createFileLogLedger(paths) };
  await settleStaging({ ...files, nowMs, isOverdue: () => false });
}

const kept = async (folder: string): Promise<readonly string[]> =>
  (await readdir(join(folder, "staging"))).map((name) => name.slice(0, 33)).toSorted();

describe("staging objects", () => {
  it("are kept while their tiles may not be durable, that of the head always", async () => {
    const { folder, store } = await sealedLog();
    const all = [
      "0000000000000000-0000000000002000",
      "0000000000002000-0000000000004000",
      "0000000000004000-0000000000005000",
    ];
    expect(await kept(folder)).toEqual(all);

    await settle(store, Date.now() + MINUTE_MS / 2);
    expect(await kept(folder)).toEqual(all);

    await settle(store, Date.now() + 2 * MINUTE_MS);
    expect(await kept(folder)).toEqual(all.slice(2));
    expect(await checkFolder(folder)).toMatchObject({ size: 5000 });
  });

  it("are let go of where the clock was set back, too", async () => {
    const { folder, store } = await sealedLog();

    await settle(store, Date.now() - 60 * MINUTE_MS);

    expect(await kept(folder)).toEqual(["0000000000004000-0000000000005000"]);
  });

  it("that a killed process was writing are removed by the next", async () => {
    const { folder, store } = await sealedLog();
    const [name = ""] = await readdir(join(folder, "staging"));
    await writeFile(join(folder, "staging", `${name}.tmp`), "x");

    await sealAll(store);

    expect((await readdir(join(folder, "staging"))).filter((one) => one.endsWith(".tmp"))).toEqual([]);
    expect(await kept(folder)).toHaveLength(3);
  });

  it("of a few tiles are let go of at once", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);

    for (let sent = 0; sent < 10; sent++) {
      await store.send(LINES.slice(sent, sent + 1));
      await sealAll(store);
    }

    expect(await kept(folder)).toEqual(["0000000000000009-0000000000000010"]);
  });

  it("that led nowhere are kept, whatever they hold", async () => {
    const { folder, store } = await sealedLog();
    const orphan = `staging/0000000000005000-0000000000005001-${"0".repeat(64)}-${"0".repeat(32)}`;
    await writeFile(join(folder, orphan), "x");

    await settle(store, Date.now() + 2 * MINUTE_MS);

    expect(await kept(folder)).toContain("0000000000005000-0000000000005001");
  });
});

describe("after a power cut", () => {
  it("tiles that are empty or gone are brought back before anything is sealed", async () => {
    const { folder, store } = await sealedLog();
    await truncate(join(folder, "log/tile/0/003"), 0);
    await truncate(join(folder, "log/tile/0/019.p/136"), 0);
    await rm(join(folder, "log/tile/entries/017"));
    await rm(join(folder, "log/tile/1"), { recursive: true });

    await store.send(sampleLines("other", 300));
    await sealAll(store);

    expect(await checkFolder(folder)).toMatchObject({ size: 5300 });
  });

  it("a staging object that cannot be read keeps nothing from being sealed", async () => {
    const { folder, store } = await sealedLog();
    const [first = ""] = await readdir(join(folder, "staging")).then((names) => names.toSorted());
    const path = join(folder, "staging", first);
    await writeFile(path, (await readFile(path)).fill(0, 5000, 5001));

    await store.send(sampleLines("other", 300));

    expect(await sealAll(store)).toMatchObject({ size: 5300 });
  });
});
