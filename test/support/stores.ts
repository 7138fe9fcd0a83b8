// File stores for tests: opened with small files so that rotation and compression happen, and closed when the test ends.
import { join } from "node:path";

import { onTestFinished } from "vitest";

import type { FileStore, FileStoreOptions } from "#adapters/file/file-store.ts";
import { openFileStore } from "#adapters/file/file-store.ts";

export const LIVE_NAME = "audit.jsonl";

/** Opens the log of a folder without seeing to its end. */
export async function openLog(
  folder: string,
  options: Omit<FileStoreOptions, "path"> = {},
): Promise<FileStore> {
  return openFileStore({ path: join(folder, LIVE_NAME), ...options });
}

/** Opens the log of a folder; the store is closed when the test ends. */
export async function testLog(
  folder: string,
  options: Omit<FileStoreOptions, "path"> = {},
): Promise<FileStore> {
  const store = await openLog(folder, options);
  onTestFinished(() => store.close());
  return store;
}
