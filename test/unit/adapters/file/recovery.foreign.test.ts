// A log that is not this service's, or is a newer release's, is refused with a clear error and not touched by a byte.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { findIds, sampleLines } from "#test/contract/sample-lines.ts";
import { contentsOf, newFolder } from "#test/support/folders.ts";
import { LIVE_NAME, openLog, testLog } from "#test/support/stores.ts";

const ORIGINAL = `{"event_id": "a", "level": "info", "timestamp": "2025-01-01T00:00:00"}\n`;
const TEXTS = sampleLines("default", 3).map(({ text }) => text);
const newer = (text: string): string => text.replace('"_v":1', '"_v":2').replace('"_v"', '"_new":[],"_v"');

describe("a live file of something else", () => {
  it.each([
    ["the original service", ORIGINAL.repeat(3)],
    ["the original service, cut within its second line", ORIGINAL + ORIGINAL.slice(0, 20)],
    ["the original service, cut within its only line", ORIGINAL.slice(0, 40)],
    ["the original service, its first line damaged", `{"event_id": ${ORIGINAL}${ORIGINAL}`],
    ["a text log", "Jan 1 00:00:00 host daemon: started\nJan 1 00:00:01 host daemon: ready\n"],
    ["a text log without a newline", "started"],
    ["a list", "[1,2]\n[3]\n"],
    ["a JSON document", '{\n  "name": "x"\n}\n'],
  ])("is refused and left as it is: %s", async (_, text) => {
    const folder = await newFolder();
    await writeFile(join(folder, LIVE_NAME), text);
    await writeFile(join(folder, "audit-0000000000000000.jsonl.gz.tmp"), "not ours to remove either");
    const before = await contentsOf(folder);

    await expect(openLog(folder)).rejects.toMatchObject({ code: "foreign-log" });

    expect(await contentsOf(folder)).toEqual(before);
  });

  it("is refused with the command that imports it", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, LIVE_NAME), ORIGINAL);

    await expect(openLog(folder)).rejects.toThrow(/auditlog import --format jsonl/);
  });

  it("does not keep the lock: once it is moved away, the store opens", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, LIVE_NAME), ORIGINAL);
    await expect(openLog(folder)).rejects.toMatchObject({ code: "foreign-log" });
    await writeFile(join(folder, LIVE_NAME), "");

    const store = await testLog(folder);

    expect(await store.probe()).toMatchObject({ status: "healthy" });
  });
});

describe("a log of a newer release", () => {
  it.each([
    ["in the live file", { [LIVE_NAME]: [...TEXTS.slice(0, 2), newer(TEXTS[2] ?? "")] }],
    ["alone", { [LIVE_NAME]: TEXTS.map(newer) }],
    [
      "in the newest rotated file",
      {
        "audit-0000000000000000.jsonl": TEXTS.slice(0, 1),
        "audit-0000000000000001.jsonl": TEXTS.slice(1).map(newer),
      },
    ],
  ])("is refused loudly and left as it is: %s", async (_, files) => {
    const folder = await newFolder();
    for (const [name, texts] of Object.entries(files)) {
      await writeFile(join(folder, name), `${texts.join("\n")}\n{"torn`);
    }
    const before = await contentsOf(folder);

    await expect(openLog(folder)).rejects.toMatchObject({
      code: "foreign-log",
      message: expect.stringContaining("format version 2") as unknown,
    });

    expect(await contentsOf(folder)).toEqual(before);
  });

  it("is not seen in one damaged line among sound ones, which is reported instead", async () => {
    const folder = await newFolder();
    const [first = "", second = "", third = ""] = TEXTS;
    await writeFile(
      join(folder, LIVE_NAME),
      `${[first, second.replace('"_v":1', '"_v":3'), third].join("\n")}\n`,
    );

    const store = await testLog(folder);

    expect(await findIds(store, "default")).toEqual(["event-000002", "event-000000"]);
    expect(await store.probe()).toMatchObject({ status: "degraded" });
  });
});

describe("a folder that cannot be used", () => {
  it("is refused by name where a file is in its place", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, "file"), "");

    await expect(openLog(join(folder, "file"))).rejects.toMatchObject({
      code: "storage-unavailable",
      message: expect.stringContaining(join(folder, "file")) as unknown,
    });
  });

  it("is refused where the live file is a folder, and the lock is given back", async () => {
    const folder = await newFolder();
    await mkdir(join(folder, LIVE_NAME));

    await expect(openLog(folder)).rejects.toMatchObject({ code: "storage-unavailable" });
    await expect(openLog(folder)).rejects.toMatchObject({ code: "storage-unavailable" });
  });
});
