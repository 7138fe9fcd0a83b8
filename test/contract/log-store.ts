// The contract suite of what LogStore adds to Archive, run by every adapter beside the suite of Archive. Each test works
// under keys of its own, so the store need not be empty.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { LogStore } from "#service/log-ports.ts";

/** A store, opened for one run of the suite. */
export interface LogStoreUnderTest {
  readonly store: LogStore;
  readonly close: () => Promise<void>;
}

const RACERS = 12;
/** More than one call of any store removes. */
const MANY_OBJECTS = 1005;
const PARALLEL_PUTS = 50;

/** @param openStore called once */
export function logStoreContract(name: string, openStore: () => Promise<LogStoreUnderTest>): void {
  describe(`${name} keeps the contract of LogStore`, () => {
    let opened: LogStoreUnderTest | undefined;
    const subject = (): LogStore => {
      if (opened === undefined) throw new Error("the store is not open");
      return opened.store;
    };

    beforeAll(async () => {
      opened = await openStore();
    });

    afterAll(async () => {
      await opened?.close();
    });

    replaceContract(subject);
    removeContract(subject);
  });
}

function replaceContract(subject: () => LogStore): void {
  describe("readVersion and replace", () => {
    it("answer nothing where nothing is stored", async () => {
      expect(await subject().readVersion(freshKey())).toBeUndefined();
    });

    it("store the first version where none is expected", async () => {
      const store = subject();
      const key = freshKey();

      expect(await store.replace(key, text("first"), undefined)).toBe("replaced");

      expect(await readText(store, key)).toBe("first");
      expect(Buffer.from((await store.get(key)) ?? []).toString()).toBe("first");
    });

    it("replace the version that was read, and no other", async () => {
      const store = subject();
      const key = freshKey();
      await store.replace(key, text("first"), undefined);
      const first = await versionOf(store, key);

      expect(await store.replace(key, text("second"), first)).toBe("replaced");
      expect(await store.replace(key, text("late"), first)).toBe("changed");
      expect(await store.replace(key, text("late"), undefined)).toBe("changed");

      expect(await readText(store, key)).toBe("second");
    });

    it("read a version of what was put if absent", async () => {
      const store = subject();
      const key = freshKey();
      await store.putIfAbsent(key, text("put"));

      expect(await store.replace(key, text("replaced"), await versionOf(store, key))).toBe("replaced");

      expect(await readText(store, key)).toBe("replaced");
    });

    it("change nothing where the version is gone with its object", async () => {
      const store = subject();
      const key = freshKey();
      await store.replace(key, text("first"), undefined);
      const first = await versionOf(store, key);
      await store.remove([key]);

      expect(await store.replace(key, text("late"), first)).toBe("changed");

      expect(await store.readVersion(key)).toBeUndefined();
    });

    it("let one of many win that replace one version at once", async () => {
      const store = subject();
      const key = freshKey();
      await store.replace(key, text("first"), undefined);
      const first = await versionOf(store, key);
      const contents = Array.from({ length: RACERS }, (_, index) => `content ${index}`);

      const outcomes = await Promise.all(contents.map((content) => store.replace(key, text(content), first)));

      expect(outcomes.filter((outcome) => outcome === "replaced")).toHaveLength(1);
      expect(await readText(store, key)).toBe(contents[outcomes.indexOf("replaced")]);
    });

    it("let one of many win that store the first version at once", async () => {
      const store = subject();
      const key = freshKey();
      const contents = Array.from({ length: RACERS }, (_, index) => `content ${index}`);

      const outcomes = await Promise.all(
        contents.map((content) => store.replace(key, text(content), undefined)),
      );

      expect(outcomes.filter((outcome) => outcome === "replaced")).toHaveLength(1);
      expect(await readText(store, key)).toBe(contents[outcomes.indexOf("replaced")]);
    });
  });
}

function removeContract(subject: () => LogStore): void {
  describe("remove", () => {
    it("removes the objects named and no others", async () => {
      const store = subject();
      const prefix = freshKey();
      for (const name of ["a", "ab", "b"]) await store.putIfAbsent(`${prefix}/${name}`, text(name));

      await store.remove([`${prefix}/a`, `${prefix}/b`]);

      expect(await store.get(`${prefix}/a`)).toBeUndefined();
      expect(await listed(store, `${prefix}/`)).toEqual([`${prefix}/ab`]);
    });

    it("passes over what is gone, and takes no keys", async () => {
      const store = subject();
      const key = freshKey();
      await store.putIfAbsent(key, text("x"));

      await store.remove([]);
      await store.remove([key, freshKey()]);
      await store.remove([key]);

      expect(await store.get(key)).toBeUndefined();
    });

    it("lets a removed object be stored again", async () => {
      const store = subject();
      const key = freshKey();
      await store.putIfAbsent(key, text("first"));
      await store.remove([key]);

      expect(await store.putIfAbsent(key, text("second"))).toBe("created");

      expect(await readText(store, key)).toBe("second");
    });

    it("removes more objects than one call of a store takes", async () => {
      const store = subject();
      const prefix = `${freshKey()}/`;
      const keys = Array.from({ length: MANY_OBJECTS }, (_, index) => `${prefix}${index}`);
      for (let at = 0; at < keys.length; at += PARALLEL_PUTS)
        await Promise.all(keys.slice(at, at + PARALLEL_PUTS).map((key) => store.putIfAbsent(key, text("x"))));

      await store.remove(keys);

      expect(await listed(store, prefix)).toEqual([]);
    });
  });
}

/** A key that no other test uses, in a folder that holds lines and is served to nobody. */
function freshKey(): string {
  return `staging/contract-${randomUUID()}`;
}

function text(content: string): Uint8Array {
  return Buffer.from(content, "utf8");
}

async function versionOf(store: LogStore, key: string): Promise<string> {
  const found = await store.readVersion(key);
  if (found === undefined) throw new Error(`nothing is stored under ${key}`);
  return found.version;
}

async function readText(store: LogStore, key: string): Promise<string | undefined> {
  const found = await store.readVersion(key);
  return found && Buffer.from(found.bytes).toString();
}

async function listed(store: LogStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
