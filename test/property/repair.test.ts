// Whatever has happened to the bytes of a log, repair keeps each of them, serves what was served before, and has nothing
// left to do when it is done.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMarker } from "#adapters/file/quarantine-marker.ts";
import type { RepairOutcome } from "#adapters/file/repair.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { FIVE_PER_FILE, fullFolder, repair, servedIds } from "#test/support/damaged-logs.ts";
import { contentsOf, copyOfFolder, logFiles, newFolder } from "#test/support/folders.ts";
import { LIVE_NAME, openLog } from "#test/support/stores.ts";

const RUNS = 60;

interface Wound {
  readonly file: number;
  /** Where it begins, as a part of the file. */
  readonly at: number;
  /** Bytes that go. */
  readonly removed: number;
  /** Bytes that come in their place. */
  readonly added: Uint8Array;
}

const wound: fc.Arbitrary<Wound> = fc.record({
  file: fc.nat(4),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.oneof(fc.constant(0), fc.constant(1), fc.nat(900)),
  added: fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.constantFrom(..."\n,\n\n\n,{}\n,[1]\n,\0".split(",").map((text) => Buffer.from(text))),
  ),
});

async function hurt(folder: string, wounds: readonly Wound[]): Promise<void> {
  const names = await logFiles(folder);
  for (const { file, at, removed, added } of wounds) {
    const path = join(folder, names[file] ?? LIVE_NAME);
    const bytes = await readFile(path);
    const from = Math.floor(at * bytes.length);
    await writeFile(path, Buffer.concat([bytes.subarray(0, from), added, bytes.subarray(from + removed)]));
  }
}

/** Undefined where the wounds make the log look like another program's. */
async function tryRepair(folder: string): Promise<RepairOutcome | undefined> {
  try {
    return await repair(folder);
  } catch (error) {
    if (error instanceof AuditServiceError && error.code === "foreign-log") return undefined;
    throw error;
  }
}

async function served(folder: string): Promise<{ ids: readonly string[]; status: string }> {
  await using store = await openLog(folder, { ...FIVE_PER_FILE, backupCount: 100 });
  return { ids: await servedIds(store), status: (await store.probe()).status };
}

/** A plain file with what its markers stand for in their place. */
async function undone(folder: string, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  const bytes = await readFile(join(folder, name));
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from) + 1 || bytes.length;
    const line = bytes.subarray(from, end);
    const marker = parseMarker(line.toString("utf8").trimEnd());
    parts.push(marker === undefined ? line : await readFile(join(folder, marker.file)));
    from = end;
  }
  return Buffer.concat(parts);
}

describe("repair of a log with any wounds", () => {
  it("keeps every byte, serves what was served, and is done when it is done", async () => {
    const { folder: sound } = await fullFolder();
    const root = await newFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(wound, { minLength: 1, maxLength: 6 }), async (wounds) => {
        const folder = await copyOfFolder(sound, join(root, String(run++)));
        await hurt(folder, wounds);
        const damaged = await copyOfFolder(folder, join(root, String(run++)));
        const before = await copyOfFolder(folder, join(root, String(run++)));
        const outcome = await tryRepair(folder);
        fc.pre(outcome !== undefined);

        const after = await contentsOf(folder);
        const again = await repair(folder);

        expect(again).toEqual({ ...outcome, places: [], tornPath: undefined });
        expect(await contentsOf(folder)).toEqual(after);
        for (const name of (await logFiles(folder)).filter((file) => file.endsWith(".jsonl"))) {
          const whole = [await undone(folder, name)];
          if (name === LIVE_NAME && outcome.tornPath !== undefined)
            whole.push(await readFile(outcome.tornPath));
          expect(Buffer.concat(whole).equals(await readFile(join(damaged, name)))).toBe(true);
        }
        const ids = (await served(before)).ids;
        expect(await served(folder)).toEqual({ ids, status: outcome.isSound ? "healthy" : "degraded" });
      }),
      { numRuns: RUNS },
    );
  });
});
