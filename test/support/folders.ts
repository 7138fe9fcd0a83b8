// Folders and log files for tests: made for one test, removed behind it, looked at and damaged from outside as an
// operator or a failing disk would.
import { watch } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { onTestFinished } from "vitest";

/** May not be opened by anybody but the store: closing it would drop the lock. */
const LOCK = "audit-service.lock";

/** A new empty folder, removed when the test ends. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "audit-test-"));
  onTestFinished(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

/** What a crash at this moment leaves behind, as a folder of its own. Begins anew where files come or go meanwhile. */
export async function copyOfFolder(folder: string, copy: string): Promise<string> {
  for (;;) {
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy, { recursive: true });
    const names = await readdir(folder);
    const copies = names
      .filter((name) => name !== LOCK)
      .map((name) => copyFile(join(folder, name), join(copy, name)));
    const outcomes = await Promise.allSettled(copies);
    const isWhole = outcomes.every(({ status }) => status === "fulfilled");
    if (isWhole && (await readdir(folder)).join() === names.join()) return copy;
  }
}

/** Names of the log's files in the order of the log, the live one last. */
export async function logFiles(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => /^audit(-\d{16})?\.jsonl(\.gz)?$/.test(name));
  return names.sort((a, b) => placeOf(a) - placeOf(b));
}

function placeOf(name: string): number {
  const digits = /\d{16}/.exec(name)?.[0];
  return digits === undefined ? Number.POSITIVE_INFINITY : Number(digits);
}

/** All lines of the log as they lie on the disk, compressed or not. */
export async function linesOnDisk(folder: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const name of await logFiles(folder)) {
    const bytes = await readFile(join(folder, name));
    texts.push((name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
  }
  return texts.join("").split("\n").slice(0, -1);
}

/** Every file of a folder but the lock, by name, as bytes in hexadecimal. */
export async function contentsOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const contents: Record<string, string> = {};
  for (const name of (await readdir(folder)).toSorted()) {
    if (name !== LOCK) contents[name] = (await readFile(join(folder, name))).toString("hex");
  }
  return contents;
}

/** Changes the bytes of a file. */
export async function rewrite(path: string, change: (bytes: Buffer) => Buffer | undefined): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, change(bytes) ?? bytes);
}

/** Resolves once the names in `folder` satisfy `isDone`; looks again at each change of the folder. */
export async function untilFiles(
  folder: string,
  isDone: (names: readonly string[]) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const look = async (): Promise<void> => {
    if (isDone(await readdir(folder))) resolve(undefined);
  };
  const watcher = watch(folder, () => {
    look().catch(reject);
  });
  try {
    await look();
    await promise;
  } finally {
    watcher.close();
  }
}

/** Whether all but the newest `plain` rotated files are compressed, and nothing is half done. */
export function isCompressed(names: readonly string[], plain: number): boolean {
  const rotated = names.filter((name) => /^audit-\d{16}\.jsonl$/.test(name));
  return rotated.length <= plain && !names.some((name) => name.endsWith(".tmp"));
}
