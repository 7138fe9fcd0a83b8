// A log is founded once: what is lost of its keys and its head is asked for, and nothing is made in its place.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { createFileLogLedger } from "#adapters/file/file-log-ledger.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { logPaths } from "#adapters/file/log-folder.ts";
import { openLogKeys } from "#adapters/file/log-keys.ts";
import { sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder } from "#test/support/folders.ts";
import { ORIGIN, readCheckpoint, sealAll } from "#test/support/sealed-folder.ts";
import { testLog } from "#test/support/stores.ts";

const LINES = sampleLines("default", 40);

async function newPaths(): Promise<LogPaths> {
  return logPaths(join(await newFolder(), "audit.jsonl"));
}

async function sealedFolder(): Promise<LogPaths> {
  const folder = await newFolder();
  const store = await testLog(folder);
  await store.send(LINES.slice(0, 20));
  await sealAll(store);
  await store.close();
  return store.paths;
}

describe("the founding of a log", () => {
  it("writes its head of no leaves before the key that signs it", async () => {
    const paths = await newPaths();

    openLogKeys(paths, ORIGIN);

    const head = await createFileLogLedger(paths).readHead();
    expect(head?.checkpoint).toMatch(
      /^log\.example\/test\n0\n47DEQpj8HBSa\+\/TImW\+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n/,
    );
    expect(head?.staging).toBeUndefined();
  });

  it.each(["head", "head and freshness key"])("that was cut off behind the %s begins anew", async (last) => {
    const paths = await newPaths();
    const cut = openLogKeys(paths, "log.example/cut");
    await rm(paths.logKey);
    if (last === "head") await rm(paths.freshnessKey);

    const { origin, verifierKey } = openLogKeys(paths, ORIGIN);

    expect(origin).toBe(ORIGIN);
    expect(verifierKey).not.toBe(cut.verifierKey);
    expect((await createFileLogLedger(paths).readHead())?.checkpoint).toMatch(/^log\.example\/test\n0\n/);
  });
});

describe("a key that is lost", () => {
  it.each(["logKey", "freshnessKey"] as const)(
    "is asked for by its name, and not made anew: %s",
    async (name) => {
      const paths = await sealedFolder();
      await rm(paths[name]);
      const before = await readdir(paths.folder);

      expect(() => openLogKeys(paths, ORIGIN)).toThrow(
        expect.objectContaining({
          code: "invalid-configuration",
          message: expect.stringMatching(
            new RegExp(`^the private key ${paths[name]} is missing.*#lost-keys$`),
          ),
        }),
      );

      expect(await readdir(paths.folder)).toEqual(before);
    },
  );

  it("is asked for where both are, and the log is published", async () => {
    const paths = await sealedFolder();
    for (const path of [paths.logKey, paths.freshnessKey, paths.head]) await rm(path);

    expect(() => openLogKeys(paths, ORIGIN)).toThrow(`the private key ${paths.logKey} is missing`);

    expect(await readdir(paths.folder)).not.toContain("audit-service.log-head");
  });

  it("is asked for where a head of leaves is all that is left", async () => {
    const paths = await sealedFolder();
    await rm(paths.logKey);
    await rm(paths.freshnessKey);
    await rm(join(paths.folder, "log"), { recursive: true });
    const head = await readFile(paths.head, "utf8");

    expect(() => openLogKeys(paths, ORIGIN)).toThrow(`the private key ${paths.logKey} is missing`);

    expect(await readFile(paths.head, "utf8")).toBe(head);
  });
});

describe("a head that is lost", () => {
  it.each([[["log"]], [["log", "staging"]], [["log/checkpoint"]], [[]]])(
    "with %j is never founded again, and sealing goes on when it is back",
    async (others) => {
      const paths = await sealedFolder();
      const head = await readFile(paths.head);
      for (const name of others) await rm(join(paths.folder, name), { recursive: true });
      await rm(paths.head);
      const store = await testLog(paths.folder);
      await store.send(LINES.slice(20));

      await expect(sealAll(store)).rejects.toMatchObject({
        code: "log-diverged",
        message: expect.stringMatching(new RegExp(`${paths.head}, is missing.*#lost-head$`)),
      });

      expect(await readdir(paths.folder)).not.toContain("audit-service.log-head");
      await writeFile(paths.head, head);
      if (others.length === 0) {
        await sealAll(store);
        expect(await readCheckpoint(paths.folder)).toMatchObject({ size: 40 });
      }
    },
  );
});
