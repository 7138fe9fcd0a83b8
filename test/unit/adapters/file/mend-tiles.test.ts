// Tiles that a folder has lost come back at the first pass after a start, where lines and signature agree, and are named else.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { createFileLogLedger } from "#adapters/file/file-log-ledger.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import { LineCursor } from "#adapters/file/line-cursor.ts";
import { openLogKeys } from "#adapters/file/log-keys.ts";
import { mendTiles } from "#adapters/file/mend-tiles.ts";
import { createLogIdentity } from "#service/log-identity.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder, rewrite } from "#test/support/folders.ts";
import { checkFolder, readCheckpoint, sealAll, sealPasses } from "#test/support/sealed-folder.ts";
import { LIVE_NAME, testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 700);

async function sealedFolder(): Promise<string> {
  const folder = await newFolder();
  const store = await testLog(folder);
  await store.send(LINES.slice(0, 600));
  await sealAll(store, { maxLines: 300 });
  await store.close();
  return folder;
}

describe("the first pass after a start", () => {
  it.each([
    [["log"]],
    [["log", "staging"]],
    [["log/tile/0/001", "staging"]],
    [["log/tile/1", "staging"]],
    [["log/tile/entries/002.p", "staging"]],
  ])("makes again what is lost with %j, with nothing to be sealed, and says so", async (lost) => {
    const folder = await sealedFolder();
    const before = await readCheckpoint(folder);
    for (const name of lost) await rm(join(folder, name), { recursive: true });
    const store = await testLog(folder);
    const told: string[] = [];

    const passes = sealPasses(store);
    const outcome = await passes.run({ isOverdue: () => false, onMending: (problem) => told.push(problem) });

    expect(outcome).toMatchObject({ size: 600, problems: [] });
    expect(await checkFolder(folder)).toEqual({ size: 600, rootHex: before.rootHex });
    expect(told).toEqual([expect.stringContaining("are being made again from its lines")]);
    await store.send(LINES.slice(600));
    await passes.run({ isOverdue: () => false });
    expect(await checkFolder(folder)).toMatchObject({ size: 700 });
  });

  it("makes a long log again by the stretch", async () => {
    const folder = await sealedFolder();
    const { paths, tail } = await testLog(folder);
    const ledger = createFileLogLedger(paths);
    const { text } = await readCheckpoint(folder);
    await rm(join(folder, "log/tile"), { recursive: true });
    const { log } = openLogKeys(paths, undefined);
    const identity = createLogIdentity({ origin: log.name, signers: [log], cosigner: undefined });

    await mendTiles({
      folder,
      store: createFileLogStore({ folder }),
      ledger,
      cursor: new LineCursor({ paths, tail }),
      head: identity.read(text, "checkpoint"),
      isOverdue: () => false,
      onMending: () => undefined,
      stretchLeaves: 256,
    });

    expect(await checkFolder(folder)).toMatchObject({ size: 600 });
  });

  it("names a tile that is lost where a line was changed, and writes nothing", async () => {
    const folder = await sealedFolder();
    await rm(join(folder, "log/tile"), { recursive: true });
    await rm(join(folder, "staging"), { recursive: true });
    await rewrite(join(folder, LIVE_NAME), (bytes) => bytes.fill("x", 20, 30));

    await expect(sealAll(await testLog(folder))).rejects.toMatchObject({
      code: "log-diverged",
      message: expect.stringMatching(/log\/tile\/0\/000, of 600 sealed leaves, is missing .*#lost-tiles$/),
    });
    await expect(readFile(join(folder, "log/tile/0/000"))).rejects.toThrow("ENOENT");
  });

  it("checks the edge of the tree against the head", async () => {
    const folder = await sealedFolder();
    const path = join(folder, "log/tile/0/002.p/88");
    await rm(join(folder, "staging"), { recursive: true });
    await writeFile(path, (await readFile(path)).fill(7));

    await expect(sealAll(await testLog(folder))).rejects.toMatchObject({ code: "log-diverged" });
  });

  it("says nothing where all is there", async () => {
    const store = await testLog(await sealedFolder());
    const told: string[] = [];

    await sealPasses(store).run({ isOverdue: () => false, onMending: (problem) => told.push(problem) });

    expect(told).toEqual([]);
  });
});
