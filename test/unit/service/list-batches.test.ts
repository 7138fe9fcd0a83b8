// Batches are listed in pieces that hold few of the markers of batches that were sealed, and all of them are found.
import { expect, it } from "vitest";

import { batchKey, batchTimeMs } from "#service/batch-object.ts";
import { listBatchObjects } from "#service/list-batches.ts";
import { MemoryArchive } from "#test/support/memory-archive.ts";

const NOW_MS = Date.parse("2026-03-10T01:30:00.000Z");
const TIMES = [
  "2020-01-01T00:00:00.000Z",
  "2023-07-14T12:00:00.000Z",
  "2025-12-31T23:59:59.999Z",
  "2026-01-01T00:00:00.000Z",
  "2026-01-24T12:00:00.000Z",
  "2026-01-31T23:00:00.000Z",
  "2026-02-28T23:59:59.999Z",
  "2026-03-08T23:59:59.999Z",
  "2026-03-09T00:00:00.000Z",
  "2026-03-09T23:29:59.999Z",
  "2026-03-09T23:30:00.000Z",
  "2026-03-10T01:29:00.000Z",
  "2026-03-10T02:10:00.000Z",
].map((text) => Date.parse(text));

function idAt(timeMs: number): string {
  const hex = timeMs.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

async function found(fromMs: number) {
  const archive = new MemoryArchive();
  for (const timeMs of TIMES) await archive.putIfAbsent(batchKey(idAt(timeMs)), Buffer.from("x"));
  const prefixes: string[] = [];
  const list: typeof archive.list = (prefix, after) => {
    prefixes.push(prefix);
    return archive.list(prefix, after);
  };
  const times: number[] = [];
  for await (const { key } of listBatchObjects({ list }, { fromMs, nowMs: NOW_MS })) {
    const id = /([0-9a-f-]{36})/.exec(key)?.[1] ?? "";
    times.push(batchTimeMs(id));
  }
  return { times, prefixes };
}

it.each([0, ...TIMES])("finds each batch from a time on once, in order: %i", async (fromMs) => {
  expect((await found(fromMs)).times).toEqual(TIMES.filter((timeMs) => timeMs >= fromMs));
});

it("takes one list for what is recent, and one for each day, month or year before", async () => {
  const recent = await found(NOW_MS - 75 * 60_000);
  const all = await found(0);

  expect(recent.prefixes).toEqual(["batches/"]);
  expect(all.prefixes.slice(0, 8)).toEqual([
    "batches/dt=2020-",
    "batches/dt=2021-",
    "batches/dt=2022-",
    "batches/dt=2023-",
    "batches/dt=2024-",
    "batches/dt=2025-",
    "batches/dt=2026-01-01/",
    "batches/dt=2026-01-02/",
  ]);
  expect(all.prefixes.length).toBeLessThan(90);
});
