// Logs of several small files, ways in which a file rots, and what every repair must hold to.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { expect } from "vitest";

import { gzipMember } from "#adapters/file/gzip-members.ts";
import type { RepairOutcome } from "#adapters/file/repair.ts";
import { repairLog } from "#adapters/file/repair.ts";
import type { FileStore } from "#adapters/file/file-store.ts";
import { decodeLine } from "#event/stored-line.ts";
import { idOf, planFor, readPages, sampleLines } from "#test/contract/sample-lines.ts";
import { isCompressed, logFiles, newFolder, untilFiles } from "#test/support/folders.ts";
import { LIVE_NAME, openLog } from "#test/support/stores.ts";

export const TENANT = "default";
export const LINES = sampleLines(TENANT, 24);
export const IDS: readonly string[] = LINES.map(({ event }) => event.event_id);
export const LINE_BYTES = Buffer.byteLength(LINES[0]?.text ?? "") + 1;
export const FIVE_PER_FILE = { maxFileBytes: 5 * LINE_BYTES, backupCount: 2 };

export interface FullFolder {
  readonly folder: string;
  /** Paths in the order of the log: two compressed files, two plain ones, the live one; five lines each, the last four. */
  readonly files: readonly [string, string, string, string, string];
}

export async function fullFolder(): Promise<FullFolder> {
  const folder = await newFolder();
  const store = await openLog(folder, FIVE_PER_FILE);
  for (const line of LINES) await store.send([line]);
  await untilFiles(folder, (names) => isCompressed(names, 2));
  await store.close();
  const paths = (await logFiles(folder)).map((name) => join(folder, name));
  return { folder, files: paths as unknown as FullFolder["files"] };
}

export const without = (from: number, to: number): readonly string[] => [
  ...IDS.slice(0, from),
  ...IDS.slice(to),
];

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

export async function repair(folder: string, isDryRun = false): Promise<RepairOutcome> {
  return repairLog({ path: join(folder, LIVE_NAME), isDryRun });
}

/** Ids of all events that a log serves; every line must be whole. */
export async function servedIds(store: FileStore): Promise<readonly string[]> {
  const pages = await readPages(store, planFor(TENANT, { order_desc: false }));
  return pages.flat().map((line) => {
    decodeLine(line);
    return idOf(line);
  });
}

/** Opens the log for a look: it must be healthy and serve `ids`. */
export async function expectHealthy(folder: string, ids: readonly string[]): Promise<void> {
  await using store = await openLog(folder, { ...FIVE_PER_FILE, backupCount: 100 });
  expect(await servedIds(store)).toEqual(ids);
  expect(await store.probe()).toMatchObject({ status: "healthy", problems: [] });
}

/** Text of a file of the log. */
export async function textOf(path: string): Promise<string> {
  const bytes = await readFile(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1");
}

/** Names of what was moved out of the log. */
export async function movedFiles(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.includes(".damaged-")).toSorted();
}

/** Replaces a file by its lines as `change` leaves them; a compressed one gets one member for each text. */
export async function rewriteText(path: string, change: (text: string) => string | string[]): Promise<void> {
  const changed = change(await textOf(path));
  const texts = typeof changed === "string" ? [changed] : changed;
  const parts = texts.map((text) => Buffer.from(text, "latin1"));
  const isPlain = !path.endsWith(".gz");
  await writeFile(path, Buffer.concat(isPlain ? parts : await Promise.all(parts.map(gzipMember))));
}
