// Hazards of objects in files: keys that lead elsewhere, disks that fail at any step, and drafts that a crash has left.
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { describe, expect, it } from "vitest";

import type { DurableIo } from "#adapters/file/durable-file.ts";
import { nodeDurableIo } from "#adapters/file/durable-file.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import { systemError } from "#test/support/faults.ts";
import { newFolder } from "#test/support/folders.ts";

const KEY = "staging/some/object";
const TILE = "log/tile/0/x001/067";
const BYTES = Buffer.from("tile");

describe("a key", () => {
  it.each([
    "audit.jsonl",
    "log",
    "log/",
    "log/../audit.jsonl",
    "../log/checkpoint",
    "/log/checkpoint",
    "log//checkpoint",
    "log/./checkpoint",
    "log/checkpoint\0",
    "log/checkpoint.tmp",
    "staging/../../etc/passwd",
    `log/${"x".repeat(252)}`,
    "",
  ])("%j is refused by every operation", async (key) => {
    const store = createFileLogStore({ folder: await newFolder() });

    await expect(store.get(key)).rejects.toThrow(RangeError);
    await expect(store.readVersion(key)).rejects.toThrow(RangeError);
    await expect(store.putIfAbsent(key, BYTES)).rejects.toThrow(RangeError);
    await expect(store.replace(key, BYTES, undefined)).rejects.toThrow(RangeError);
    await expect(store.remove([key])).rejects.toThrow(RangeError);
  });
});

describe("a listing", () => {
  it("tells nothing of other files in the folder, and of no draft", async () => {
    const folder = await newFolder();
    const store = createFileLogStore({ folder });
    await store.putIfAbsent(KEY, BYTES);
    for (const name of ["audit.jsonl", "logs.txt", "staging/some/other.tmp"])
      await writeFile(join(folder, name), "x");
    await mkdir(join(folder, "other"));
    await writeFile(join(folder, "other", "log"), "x");

    const keys: string[] = [];
    for await (const { key } of store.list("")) keys.push(key);

    expect(keys).toEqual([KEY]);
  });
});

describe("a draft that a crash has left", () => {
  it("is no object, and does not keep one from being stored", async () => {
    const folder = await newFolder();
    const store = createFileLogStore({ folder });
    await mkdir(dirname(join(folder, KEY)), { recursive: true });
    await writeFile(join(folder, `${KEY}.tmp`), "half a til");

    expect(await store.get(KEY)).toBeUndefined();
    expect(await store.putIfAbsent(KEY, BYTES)).toBe("created");

    expect(await readdir(dirname(join(folder, KEY)))).toEqual(["object"]);
    expect(await readFile(join(folder, KEY), "utf8")).toBe("tile");
  });
});

describe("a disk that fails", () => {
  it.each(["write", "link"] as const)(
    "at %s leaves nothing behind, and the same call succeeds later",
    async (step) => {
      const folder = await newFolder();
      const { io, failures } = failingIo(step);
      const store = createFileLogStore({ folder, io });
      failures.left = 1;

      await expect(store.putIfAbsent(KEY, BYTES)).rejects.toMatchObject({
        code: "storage-unavailable",
        retryable: true,
      });

      expect(await readdir(dirname(join(folder, KEY)))).toEqual([]);
      expect(await store.putIfAbsent(KEY, BYTES)).toBe("created");
    },
  );

  it("at the sync of the folder does not say that the object is stored", async () => {
    const { io, failures } = failingIo("syncFolder");
    const store = createFileLogStore({ folder: await newFolder(), io });
    failures.left = 1;

    await expect(store.putIfAbsent(KEY, BYTES)).rejects.toMatchObject({ code: "storage-unavailable" });
    failures.left = 1;
    await expect(store.putIfAbsent(KEY, BYTES)).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(await store.putIfAbsent(KEY, BYTES)).toBe("exists");
  });

  it.each(["write", "rename"] as const)("at %s leaves the version that was there", async (step) => {
    const folder = await newFolder();
    const { io, failures } = failingIo(step);
    const store = createFileLogStore({ folder, io });
    await store.replace("log/checkpoint", Buffer.from("old"), undefined);
    const version = (await store.readVersion("log/checkpoint"))?.version;
    failures.left = 1;

    await expect(store.replace("log/checkpoint", Buffer.from("new"), version)).rejects.toMatchObject({
      code: "storage-unavailable",
    });

    expect(await readFile(join(folder, "log/checkpoint"), "utf8")).toBe("old");
    expect(await readdir(join(folder, "log"))).toEqual(["checkpoint"]);
  });
});

describe("tiles", () => {
  const tiles = [
    { key: TILE, bytes: BYTES },
    { key: "log/tile/entries/000.p/3", bytes: Buffer.from("bundle") },
  ];

  async function storeTiles(io: DurableIo = nodeDurableIo) {
    const folder = await newFolder();
    const store = createFileLogStore({ folder, io });
    for (const { key, bytes } of tiles) await store.putIfAbsent(key, bytes);
    return { folder, store };
  }

  it("are stored without a sync, which settling makes up for", async () => {
    const { io, calls } = countingIo();
    const { store } = await storeTiles(io);
    expect(calls).toEqual({ write: 0, sync: 0, syncFolder: 0 });

    await store.settle(tiles);

    expect(calls).toEqual({ write: 0, sync: 2, syncFolder: 2 });
  });

  it("are written again where the medium did not take them", async () => {
    const { io, failures } = failingIo("sync");
    const { folder, store } = await storeTiles(io);
    await writeFile(join(folder, TILE), "");
    failures.left = 1;

    await store.settle(tiles);

    expect(await readFile(join(folder, TILE), "utf8")).toBe("tile");
  });

  it("that are gone when they are settled stay so", async () => {
    const { folder, store } = await storeTiles();
    await store.remove([TILE]);

    await store.settle(tiles);

    expect(await store.get(TILE)).toBeUndefined();
    expect(await readdir(join(folder, "log/tile/entries/000.p"))).toEqual(["3"]);
  });

  it.each(["", "ti", "\0\0\0\0"])("that a power cut has left as %j are brought back", async (left) => {
    const { folder, store } = await storeTiles();
    await writeFile(join(folder, TILE), left);
    await rm(join(folder, "log/tile/entries"), { recursive: true });

    await store.restore(tiles);

    expect(await readFile(join(folder, TILE), "utf8")).toBe("tile");
    expect(await readFile(join(folder, "log/tile/entries/000.p/3"), "utf8")).toBe("bundle");
  });

  it("that are partial are not brought back beside the full one", async () => {
    const { store } = await storeTiles();
    await store.putIfAbsent("log/tile/entries/000", Buffer.from("full"));
    await store.remove(["log/tile/entries/000.p/3"]);

    await store.restore(tiles);

    expect(await store.get("log/tile/entries/000.p/3")).toBeUndefined();
  });
});

describe("objects stored at once", () => {
  it("share the syncs of their folder", async () => {
    let syncs = 0;
    const io: DurableIo = {
      ...nodeDurableIo,
      syncFolder: (path) => {
        syncs++;
        nodeDurableIo.syncFolder(path);
      },
    };
    const store = createFileLogStore({ folder: await newFolder(), io });

    await Promise.all(Array.from({ length: 50 }, (_, index) => store.putIfAbsent(`log/a/${index}`, BYTES)));

    expect(syncs).toBe(1);
  });
});

function countingIo() {
  const calls = { write: 0, sync: 0, syncFolder: 0 };
  const count = <Name extends keyof typeof calls>(name: Name): DurableIo[Name] =>
    ((...given: never[]) => {
      calls[name]++;
      return (nodeDurableIo[name] as (...args: never[]) => void)(...given);
    }) as DurableIo[Name];
  const io: DurableIo = {
    ...nodeDurableIo,
    write: count("write"),
    sync: count("sync"),
    syncFolder: count("syncFolder"),
  };
  return { io, calls };
}

function failingIo(step: keyof DurableIo): { readonly io: DurableIo; readonly failures: { left: number } } {
  const failures = { left: 0 };
  const io: DurableIo = {
    ...nodeDurableIo,
    [step]: (...given: never[]) => {
      if (failures.left-- > 0) throw systemError("ENOSPC");
      return (nodeDurableIo[step] as (...args: never[]) => void)(...given);
    },
  };
  return { io, failures };
}
