// Hazards of objects in files: keys that lead elsewhere, disks that fail at any step, and drafts that a crash has left.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { describe, expect, it } from "vitest";

import type { DurableIo } from "#adapters/file/durable-file.ts";
import { nodeDurableIo } from "#adapters/file/durable-file.ts";
import { createFileLogStore } from "#adapters/file/file-log-store.ts";
import { systemError } from "#test/support/faults.ts";
import { newFolder } from "#test/support/folders.ts";

const KEY = "log/tile/0/x001/067";
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
    for (const name of ["audit.jsonl", "logs.txt", "log/tile/0/x001/068.tmp"])
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

    expect(await readdir(dirname(join(folder, KEY)))).toEqual(["067"]);
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
