// Repair of a compressed file: sound members stay as they lie there, damaged ones are moved as raw bytes and leave the
// numbers of their lines behind, which the name of the next file tells.
import { readFile, rm, truncate, writeFile } from "node:fs/promises";

import { describe, expect, it } from "vitest";

import { gzipMember } from "#adapters/file/gzip-members.ts";
import {
  expectHealthy,
  fullFolder,
  IDS,
  LINE_BYTES,
  matching,
  movedFiles,
  repair,
  rewriteText,
  textOf,
  without,
} from "#test/support/damaged-logs.ts";

describe("repair of a compressed file", () => {
  /** The first file in members of 2, 1 and 2 lines. */
  const inMembers = async (path: string): Promise<readonly Buffer[]> => {
    const text = Buffer.from(await textOf(path), "latin1");
    const cuts = [0, 2, 3, 5].map((line) => line * LINE_BYTES);
    const members = await Promise.all(
      [0, 1, 2].map((part) => gzipMember(text.subarray(cuts[part], cuts[part + 1]))),
    );
    await writeFile(path, Buffer.concat(members));
    return members;
  };

  it.each([
    ["first", 0, 0, 2],
    ["middle", 1, 2, 3],
    ["last", 2, 3, 5],
  ])("moves its %s member as it lies there, with the numbers of its lines", async (_, at, from, to) => {
    const { folder, files } = await fullFolder();
    const members = await inMembers(files[0]);
    members[at]?.fill(0x55, 30, 40);
    await writeFile(files[0], Buffer.concat(members));

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ line: from, lines: to - from, bytes: members[at]?.length }]);
    expect((await readFile(places[0]?.movedTo ?? "")).equals(members[at] ?? Buffer.alloc(0))).toBe(true);
    const after = await readFile(files[0]);
    for (const member of members.toSpliced(at, 1)) expect(after.includes(member)).toBe(true);
    await expectHealthy(folder, without(from, to));
  });

  it("shares the missing numbers where several members are damaged", async () => {
    const { folder, files } = await fullFolder();
    const members = await inMembers(files[0]);
    for (const member of [members[0], members[2]]) member?.fill(0x55, 30, 40);
    await writeFile(files[0], Buffer.concat(members));

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places.map(({ line, lines }) => [line, lines])).toEqual([
      [0, 2],
      [3, 2],
    ]);
    await expectHealthy(folder, ["event-000002", ...IDS.slice(5)]);
  });

  it("moves neighbouring members together, and leaves one marker", async () => {
    const { folder, files } = await fullFolder();
    const members = await inMembers(files[0]);
    for (const member of members.slice(0, 2)) member.fill(0x55, 30, 40);
    await writeFile(files[0], Buffer.concat(members));

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ line: 0, lines: 3, reason: matching(/2 in all$/) }]);
    expect((await textOf(files[0])).match(/_quarantined/g)).toHaveLength(1);
    await expectHealthy(folder, IDS.slice(3));
  });

  it("rather takes the number of garbage than that of a line", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[0], (text) => [
      text.slice(0, LINE_BYTES),
      `garbage\n${text.slice(2 * LINE_BYTES)}`,
    ]);
    const bytes = await readFile(files[0]);
    await writeFile(files[0], Buffer.concat([Buffer.from("between"), bytes]));

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places.map(({ line, lines }) => [line, lines])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    await expectHealthy(folder, without(1, 2));
  });

  it("moves garbage between its members, which takes no number", async () => {
    const { folder, files } = await fullFolder();
    const [first = Buffer.alloc(0), ...rest] = await inMembers(files[0]);
    await writeFile(files[0], Buffer.concat([first, Buffer.from("garbage"), ...rest]));

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ line: 2, lines: 0, bytes: 7 }]);
    expect(await movedFiles(folder)).toEqual([`audit-0000000000000000.damaged-member-at-${first.length}`]);
    await expectHealthy(folder, IDS);
  });

  it("moves a line that goes over the end of its member in one piece", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(files[0], (text) => [
      `${text.slice(0, LINE_BYTES)}garb`,
      "age, ",
      `age\n${text.slice(2 * LINE_BYTES)}`,
    ]);

    const { isSound, places } = await repair(folder);

    expect(isSound).toBe(true);
    expect(places).toMatchObject([{ line: 1, lines: 1, bytes: 13 }]);
    expect(await readFile(places[0]?.movedTo ?? "", "utf8")).toBe("garbage, age\n");
    await expectHealthy(folder, without(1, 2));
  });

  it("that was cut moves the rest of its last member, and says which lines are missing", async () => {
    const { folder, files } = await fullFolder();
    const [first = Buffer.alloc(0)] = await inMembers(files[0]);
    await truncate(files[0], first.length);

    const { isSound, places, unrepaired } = await repair(folder);

    expect([isSound, places]).toEqual([false, []]);
    expect(unrepaired).toMatchObject([
      { path: files[1], reason: matching(/begins with line 5, but line 2 comes next/) },
    ]);
  });

  it("does not take lines of a missing file for those of a damaged line", async () => {
    const { folder, files } = await fullFolder();
    await rewriteText(
      files[1],
      (text) => `${text.slice(0, LINE_BYTES)}garbage\n${text.slice(2 * LINE_BYTES)}`,
    );
    await rm(files[2]);

    const { isSound, places, unrepaired } = await repair(folder);

    expect(isSound).toBe(false);
    expect(places).toMatchObject([{ line: 6, lines: 1 }]);
    expect(unrepaired).toMatchObject([{ path: files[3], reason: matching(/lines before it are missing/) }]);
  });
});
