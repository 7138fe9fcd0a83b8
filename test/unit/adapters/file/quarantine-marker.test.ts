// Markers of quarantined bytes: read back as they were written, and never taken for an event or an event for them.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { readIndexedLine } from "#adapters/file/indexed-line.ts";
import { encodeMarker, parseMarker } from "#adapters/file/quarantine-marker.ts";
import { isStoredLine } from "#event/stored-line.ts";
import { findIds, sampleLine, sampleLines } from "#test/contract/sample-lines.ts";
import { newFolder } from "#test/support/folders.ts";
import { canonical } from "#test/support/line-oracle.ts";
import { LIVE_NAME, testLog } from "#test/support/stores.ts";

const QUARANTINED = {
  bytes: 310,
  file: 'a"u-0000000000000000.damaged-at-310',
  kind: "damaged",
  lines: 1,
  sha256: "0f".repeat(32),
} as const;
const MARKER = encodeMarker(QUARANTINED);

describe("a marker", () => {
  it("is canonical JSON with a format version, and is read back", () => {
    expect(MARKER).toBe(canonical({ _v: 1, _quarantined: QUARANTINED }));
    expect(parseMarker(MARKER)).toEqual(QUARANTINED);
  });

  it("is no event", () => {
    expect(isStoredLine(MARKER)).toBe(false);
    expect(readIndexedLine(MARKER)).toEqual(expect.any(String));
  });

  it("is not seen in an event, whatever that holds", () => {
    const { text } = sampleLine({ message: MARKER, metadata: { _quarantined: QUARANTINED, _v: 1 } });

    expect(parseMarker(text)).toBeUndefined();
  });

  it.each([
    ["is of another version", MARKER.replace('"_v":1', '"_v":2')],
    ["has a member more", MARKER.replace('"_v":1', '"_v":1,"a":1')],
    ["lacks one", MARKER.replace('"lines":1,', "")],
    ["counts below 0", MARKER.replace('"lines":1', '"lines":-1')],
    ["is not canonical", MARKER.replace('"lines":1', '"lines": 1')],
    ["has lost a digit of its hash", MARKER.replace("0f0f", "0f0")],
    ["is cut", MARKER.slice(0, -1)],
  ])("is not seen in a line that %s", (_, text) => {
    expect(parseMarker(text)).toBeUndefined();
  });

  it("at the beginning of a live file leaves the log ours, and takes its number alone", async () => {
    const folder = await newFolder();
    const texts = sampleLines("default", 2).map(({ text }) => text);
    await writeFile(join(folder, LIVE_NAME), [MARKER, ...texts, ""].join("\n"));

    const store = await testLog(folder);

    expect(await findIds(store, "default")).toHaveLength(2);
    expect(await store.probe()).toMatchObject({
      status: "healthy",
      details: { events: 2, damaged_places: 0, quarantined_lines: 1 },
    });
  });

  it("alone in a live file leaves the log ours", async () => {
    const folder = await newFolder();
    await writeFile(join(folder, LIVE_NAME), `${MARKER}\n`);

    const store = await testLog(folder);

    expect(await store.probe()).toMatchObject({ status: "healthy", details: { events: 0 } });
  });
});
