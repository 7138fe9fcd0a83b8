// Killed again and again while it seals, under writers, rotation and compression: the log only ever grows, each checkpoint
// that was ever seen stays one of it, and in the end it is rebuilt from the lines on the disk.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { postJson } from "#test/support/api.ts";
import { newFolder } from "#test/support/folders.ts";
import { seededRandom } from "#test/support/seeded-random.ts";
import type { CheckedLog } from "#test/support/sealed-folder.ts";
import { checkFolder, readCheckpoint, rootOfFirst } from "#test/support/sealed-folder.ts";
import { startServerProcess } from "#test/support/server-process.ts";

const ROUNDS = 8;
const WRITERS = 4;
const ENVIRONMENT = { AUDIT_SEAL_INTERVAL: "0.005", AUDIT_MAX_FILE_SIZE_MB: "1", AUDIT_BACKUP_COUNT: "1" };
/** After it has published something: it seals all the time, so that any moment is one of some step. */
const MAX_LIFE_MS = 60;
const LOOK_MS = 2;

async function write(url: string, next: () => number): Promise<void> {
  for (;;) {
    const events = Array.from({ length: 40 }, () => ({
      event_id: `event-${next()}`,
      action: "write",
      service_name: "crash",
      message: "x".repeat(300),
    }));
    try {
      await postJson(url, "/events/batch", { events });
    } catch (error) {
      if (error instanceof TypeError || error instanceof SyntaxError) return; // the connection broke
      throw error;
    }
  }
}

/** Resolves when another checkpoint is published than `text`. */
async function untilPublished(folder: string, text: string): Promise<void> {
  while (checkpointText(folder) === text) await pause(LOOK_MS);
}

function checkpointText(folder: string): string {
  const path = join(folder, "log/checkpoint");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

describe("a server that is killed while it seals", () => {
  it(`${ROUNDS} times has a log that only grew`, async () => {
    const seed = Date.now() % 1_000_000;
    process.stderr.write(`seed ${seed}\n`);
    const random = seededRandom(seed);
    const folder = await newFolder();
    const seen: CheckedLog[] = [];
    let count = 0;

    for (let round = 0; round < ROUNDS; round++) {
      const before = checkpointText(folder);
      const server = startServerProcess(folder, ENVIRONMENT);
      const url = await server.url;
      const writers = Array.from({ length: WRITERS }, () => write(url, () => count++));
      await untilPublished(folder, before);
      await pause(random() * MAX_LIFE_MS);
      server.child.kill("SIGKILL");
      await Promise.all(writers);
      await server.ended;
      seen.push(await readCheckpoint(folder));
    }
    const last = startServerProcess(folder, ENVIRONMENT);
    await last.url;
    last.child.kill("SIGTERM");
    expect(await last.ended).toMatchObject({ code: 0 });

    const { size } = await checkFolder(folder);
    const sizes = seen.map((checkpoint) => checkpoint.size);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(new Set(sizes).size).toBeGreaterThan(ROUNDS / 2);
    expect(size).toBeGreaterThanOrEqual(sizes.at(-1) ?? 0);
    for (const { size: at, rootHex } of seen) expect(await rootOfFirst(folder, at)).toBe(rootHex);
    expect(last.stdout()).not.toContain("events get no leaves");
  }, 180_000);
});
