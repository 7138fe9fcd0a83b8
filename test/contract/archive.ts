// The contract suite of the port Archive, run by every adapter. Each test works under a prefix of its own, so the archive
// need not be empty.
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Archive } from "#service/ports.ts";

/** An archive, opened for one run of the suite. */
export interface ArchiveUnderTest {
  readonly archive: Archive;
  readonly close: () => Promise<void>;
}

const RACERS = 20;
/** More than one page of any listing. */
const MANY_OBJECTS = 1105;
const PARALLEL_PUTS = 50;

/** @param openArchive called once */
export function archiveContract(name: string, openArchive: () => Promise<ArchiveUnderTest>): void {
  describe(`${name} keeps the contract of Archive`, () => {
    let opened: ArchiveUnderTest | undefined;
    const subject = (): Archive => {
      if (opened === undefined) throw new Error("the archive is not open");
      return opened.archive;
    };

    beforeAll(async () => {
      opened = await openArchive();
    });

    afterAll(async () => {
      await opened?.close();
    });

    putContract(subject);
    listContract(subject);
  });
}

function putContract(subject: () => Archive): void {
  describe("putIfAbsent and get", () => {
    it("answers the exact bytes, whatever they are", async () => {
      const archive = subject();
      const [all, none] = [freshPrefix(), freshPrefix()];
      const bytes = Uint8Array.from({ length: 1024 }, (_, index) => index % 256);

      expect(await archive.putIfAbsent(`${all}a`, bytes)).toBe("created");
      expect(await archive.putIfAbsent(`${none}a`, new Uint8Array())).toBe("created");

      expect(Buffer.from((await archive.get(`${all}a`))!)).toEqual(Buffer.from(bytes));
      expect(await archive.get(`${none}a`)).toHaveLength(0);
    });

    it("answers undefined where nothing is stored", async () => {
      const archive = subject();
      const prefix = freshPrefix();
      await archive.putIfAbsent(`${prefix}longer`, text("x"));

      expect(await archive.get(`${prefix}long`)).toBeUndefined();
      expect(await archive.get(`${prefix}longer2`)).toBeUndefined();
    });

    it("leaves what is there as it is", async () => {
      const archive = subject();
      const key = `${freshPrefix()}a`;
      await archive.putIfAbsent(key, text("first"));

      expect(await archive.putIfAbsent(key, text("second"))).toBe("exists");
      expect(await archive.putIfAbsent(key, text("first"))).toBe("exists");

      expect(Buffer.from((await archive.get(key))!).toString()).toBe("first");
    });

    it("lets one of many win that store one key at once", async () => {
      const archive = subject();
      const key = `${freshPrefix()}a`;
      const contents = Array.from({ length: RACERS }, (_, index) => `content ${index}`);

      const outcomes = await Promise.all(contents.map((content) => archive.putIfAbsent(key, text(content))));

      expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
      expect(Buffer.from((await archive.get(key))!).toString()).toBe(contents[outcomes.indexOf("created")]);
    });

    it("keeps an object of several megabytes", async () => {
      const archive = subject();
      const key = `${freshPrefix()}large`;
      const bytes = randomBytes(6 * 1024 * 1024);

      await archive.putIfAbsent(key, bytes);

      expect(Buffer.compare(Buffer.from((await archive.get(key))!), bytes)).toBe(0);
    });
  });
}

function listContract(subject: () => Archive): void {
  describe("list", () => {
    it("gives the objects under a prefix in the order of their bytes, with their sizes", async () => {
      const archive = subject();
      const prefix = freshPrefix();
      const names = ["b/2", "a=1/x", "b/10", "B", "a", "z é", "z 漢", "z 😀", "z \uffee", "a&<b>'\"c"];
      for (const name of names) await archive.putIfAbsent(prefix + name, text(name));

      const objects = await listed(archive, prefix);

      const inOrder = names.map((name) => Buffer.from(name)).sort((a, b) => Buffer.compare(a, b));
      expect(objects.map(({ key }) => key.slice(prefix.length))).toEqual(inOrder.map(String));
      expect(objects.map(({ bytes }) => bytes)).toEqual(inOrder.map(({ length }) => length));
    });

    it("gives nothing under a prefix that no key begins with", async () => {
      const archive = subject();
      const prefix = freshPrefix();
      await archive.putIfAbsent(`${prefix}ab/c`, text("x"));

      expect(await listed(archive, `${prefix}abc`)).toEqual([]);
      expect(await listed(archive, `${prefix}ab/`)).toHaveLength(1);
    });

    it("begins behind a key, which need not be stored", async () => {
      const archive = subject();
      const prefix = freshPrefix();
      for (const name of ["a", "b", "d"]) await archive.putIfAbsent(prefix + name, text(name));

      const behind = async (after: string): Promise<readonly string[]> =>
        (await listed(archive, prefix, after)).map(({ key }) => key.slice(prefix.length));

      expect(await behind(`${prefix}b`)).toEqual(["d"]);
      expect(await behind(`${prefix}c`)).toEqual(["d"]);
      expect(await behind(`${prefix}d`)).toEqual([]);
      expect(await behind("")).toEqual(["a", "b", "d"]);
    });

    it("goes on over many pages without losing or repeating one", async () => {
      const archive = subject();
      const prefix = freshPrefix();
      const keys = Array.from(
        { length: MANY_OBJECTS },
        (_, index) => `${prefix}${String(index).padStart(6, "0")}`,
      );
      for (let at = 0; at < keys.length; at += PARALLEL_PUTS) {
        await Promise.all(
          keys.slice(at, at + PARALLEL_PUTS).map((key) => archive.putIfAbsent(key, text("x"))),
        );
      }

      const objects = await listed(archive, prefix, `${prefix}000003`);

      expect(objects.map(({ key }) => key)).toEqual(keys.slice(4));
    });

    it("can be left before its end", async () => {
      const archive = subject();
      const prefix = freshPrefix();
      for (const name of ["a", "b"]) await archive.putIfAbsent(prefix + name, text(name));
      const found: string[] = [];

      for await (const { key } of archive.list(prefix)) {
        found.push(key);
        break;
      }

      expect(found).toEqual([`${prefix}a`]);
    });
  });
}

/** A prefix that no other test uses. */
function freshPrefix(): string {
  return `contract/${randomUUID()}/`;
}

function text(content: string): Uint8Array {
  return Buffer.from(content, "utf8");
}

interface Listed {
  readonly key: string;
  readonly bytes: number;
}

async function listed(archive: Archive, prefix: string, after?: string): Promise<readonly Listed[]> {
  const objects: Listed[] = [];
  for await (const { key, bytes } of archive.list(prefix, after)) objects.push({ key, bytes });
  return objects;
}
