// One process owns a folder. The lock is really held, whatever the owner does with its files, and is free the moment
// the owner is gone, however it died.
import { readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { sampleLines } from "#test/contract/sample-lines.ts";
import { isCompressed, newFolder, untilFiles } from "#test/support/folders.ts";
import { startLogProcess } from "#test/support/log-process.ts";
import { openLog, testLog } from "#test/support/stores.ts";

const LOCKED = { code: "folder-locked" };

describe("a folder that another process owns", () => {
  it("is refused while that process lives, and free once it was killed", async () => {
    const folder = await newFolder();
    const owner = startLogProcess();
    await owner.ask("open", folder, {});
    await owner.ask("send", 0, 3, {});

    await expect(openLog(folder)).rejects.toMatchObject(LOCKED);
    await owner.kill();
    const store = await testLog(folder);

    expect((await store.send(sampleLines("default", 3))).map(({ kind }) => kind)).toEqual([
      "duplicate",
      "duplicate",
      "duplicate",
    ]);
  });

  it("is refused in that process when this one owns it, and lines of the owner are unharmed", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);
    const other = startLogProcess();

    await expect(other.ask("open", folder, {})).rejects.toMatchObject(LOCKED);
    await expect(other.ask("open", folder, {})).rejects.toMatchObject(LOCKED);
    await store.send(sampleLines("default", 2));
    await store.close();
    await other.ask("open", folder, {});

    expect(await other.ask("find")).toEqual(["event-000000", "event-000001"]);
  });

  it("stays locked after reads, rotation, compression, probes and refused openings", async () => {
    const folder = await newFolder();
    const owner = startLogProcess();
    await owner.ask("open", folder, { maxFileBytes: 2000, backupCount: 1 });
    await owner.ask("send", 0, 40, {});
    await untilFiles(folder, (names) => isCompressed(names, 1));
    await owner.ask("find");
    await owner.ask("probe");
    await expect(owner.ask("open", folder, {})).rejects.toMatchObject(LOCKED);

    await expect(openLog(folder)).rejects.toMatchObject(LOCKED);
    await expect(openLog(folder)).rejects.toMatchObject(LOCKED);
    await expect(startLogProcess().ask("open", folder, {})).rejects.toMatchObject(LOCKED);

    expect(await owner.ask("find")).toHaveLength(40);
  });

  it("is refused with the owner's process and address, where it has told them", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);
    store.announce("http://127.0.0.1:8000");

    await expect(startLogProcess().ask("open", folder, {})).rejects.toThrow(
      new RegExp(`process ${process.pid}, which serves http://127\\.0\\.0\\.1:8000`),
    );
  });

  it("is not said to belong to a process that was killed", async () => {
    const folder = await newFolder();
    const dead = startLogProcess();
    await dead.ask("open", folder, {});
    await dead.ask("announce", "http://127.0.0.1:8000");
    await dead.kill();
    await testLog(folder);

    await expect(openLog(folder)).rejects.toThrow(/belongs to another process;/);
  });

  it("is refused whatever the note about its owner says", async () => {
    const folder = await newFolder();
    const owner = await testLog(folder);
    await writeFile(join(folder, "audit-service.owner.json"), "{not json");

    await expect(openLog(folder)).rejects.toThrow(/belongs to another process/);
    await owner.close();
    await (await openLog(folder)).close();
  });
});

describe("a second store in the same process", () => {
  it("is refused, and the first keeps its lock against other processes", async () => {
    const folder = await newFolder();
    const store = await testLog(folder);

    await expect(openLog(folder)).rejects.toMatchObject(LOCKED);
    await expect(startLogProcess().ask("open", folder, {})).rejects.toMatchObject(LOCKED);

    await store.send(sampleLines("default", 1));
    expect(await readFile(join(folder, "audit.jsonl"), "utf8")).toContain("event-000000");
  });

  it("is refused by another name of the folder", async () => {
    const folder = await newFolder();
    const link = join(await newFolder(), "link");
    await symlink(folder, link);
    await testLog(folder);

    await expect(openLog(link)).rejects.toMatchObject(LOCKED);
  });

  it("may open the folder once the first is closed, as often as one likes", async () => {
    const folder = await newFolder();
    for (let round = 0; round < 3; round++) {
      const store = await openLog(folder);
      await store.send(sampleLines("default", round + 1));
      await store.close();
    }

    expect(await (await testLog(folder)).probe()).toMatchObject({ details: { events: 3 } });
  });
});
