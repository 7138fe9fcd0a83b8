// Finds the files that the architecture rules judge: everything under the project's source folders on disk, tracked
// or not, so that a violation shows before it is committed.
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";

import * as z from "zod";

import { parseFile } from "#test/support/architecture/modules.ts";
import type { Manifest, ParsedFile } from "#test/support/architecture/modules.ts";

const PROJECT_ROOT = join(import.meta.dirname, "..", "..", "..");
const SOURCE_FOLDERS = ["shared", "functions", "infra", "test", "docs"];
/** Vectors are other people's files under other people's names. */
const FOREIGN = /^test\/vectors\//;
const CODE = /\.[mc]?[jt]s$/;

const PackageJson = z.object({
  name: z.string(),
  imports: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
});

/** Paths from the root of the project, with slashes, sorted. */
export async function listProjectPaths(): Promise<string[]> {
  const found = await Promise.all(SOURCE_FOLDERS.map(listFolder));
  return found
    .flat()
    .filter((path) => !FOREIGN.test(path))
    .toSorted();
}

export async function readProjectCode(paths: readonly string[]): Promise<ParsedFile[]> {
  const code = paths.filter((path) => CODE.test(path));
  const texts = await Promise.all(code.map(async (path) => readFile(join(PROJECT_ROOT, path), "utf8")));
  return code.map((path, index) => parseFile({ path, text: texts[index] ?? "" }));
}

export async function readManifest(): Promise<Manifest> {
  return PackageJson.parse(JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8")));
}

async function listFolder(folder: string): Promise<string[]> {
  const entries = await readdir(join(PROJECT_ROOT, folder), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PROJECT_ROOT, join(entry.parentPath, entry.name)).split(sep).join("/"));
}
