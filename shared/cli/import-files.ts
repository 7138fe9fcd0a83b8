/**
 * Which files an import reads: those named, and in folders, with all below them, those whose name fits the format. In
 * the order in which a rotating logger wrote them, so that the log they go to keeps that order.
 */
import type { Dirent, Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

export const IMPORT_FORMATS = ["jsonl", "cloudtrail"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export interface ImportFile {
  readonly path: string;
  /** As it lies there, which may be compressed. */
  readonly bytes: number;
  /** Not a pipe, which can be read once, and whose name means nothing. */
  readonly isRegular: boolean;
}

export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

export interface FoundFiles {
  readonly files: readonly ImportFile[];
  readonly skipped: readonly SkippedFile[];
}

/** Names that hold events of a format. Rotations: `audit.1`, `audit.jsonl.1`, with `.gz` or without. */
const NAMES: Readonly<Record<ImportFormat, RegExp>> = {
  jsonl: /(\.jsonl|\.\d+)(\.gz)?$/,
  cloudtrail: /\.json(\.gz)?$/,
};
const ROTATION = /^(.*?)(?:\.jsonl)?\.(\d+)(\.gz)?$/;

/**
 * Never read, even where a shell's `*` names them: closing the lock of a log that this process has open would drop it.
 */
const LOCK_NAME = /\.lock(-\w+)?$/;

const NOT_REGULAR = "it is no regular file; name it to import what it points to";

/** @throws Error where a path that was named does not exist or cannot be read */
export async function findImportFiles(paths: readonly string[], format: ImportFormat): Promise<FoundFiles> {
  const files = new Map<string, ImportFile>();
  const skipped: SkippedFile[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch((cause: unknown) => {
      throw isMissing(cause) ? new Error(`${path}: there is no such file or folder`, { cause }) : cause;
    });
    if (LOCK_NAME.test(path)) skipped.push({ path, reason: "it is a lock" });
    else if (!entry.isDirectory()) files.set(path, fileAt(path, entry));
    if (!entry.isDirectory()) continue;
    const { names, others } = await filesBelow(path);
    skipped.push(...others.map((other) => ({ path: other, reason: NOT_REGULAR })));
    for (const found of names) {
      if (NAMES[format].test(basename(found))) files.set(found, fileAt(found, await stat(found)));
      else skipped.push({ path: found, reason: `its name is not that of a ${format} file` });
    }
  }
  return { files: [...files.values()], skipped };
}

function fileAt(path: string, entry: Stats): ImportFile {
  return { path, bytes: entry.size, isRegular: entry.isFile() };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

interface Below {
  readonly names: readonly string[];
  /** Links, which might lead to a file for the second time or in a circle, sockets and the like. */
  readonly others: readonly string[];
}

async function filesBelow(folder: string): Promise<Below> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const pathsOf = (isMeant: (entry: Dirent) => boolean): string[] =>
    entries.filter(isMeant).map((entry) => join(entry.parentPath, entry.name));
  return {
    names: pathsOf((entry) => entry.isFile()).toSorted(byAge),
    others: pathsOf((entry) => !entry.isFile() && !entry.isDirectory()).toSorted(),
  };
}

/** By name; rotations of one log with the highest number first, and before the live file. */
function byAge(a: string, b: string): number {
  const [left, right] = [ageOf(a), ageOf(b)];
  if (left.stem !== right.stem) return left.stem < right.stem ? -1 : 1;
  if (left.rotation !== right.rotation) return right.rotation - left.rotation;
  return a < b ? -1 : 1;
}

function ageOf(path: string): { readonly stem: string; readonly rotation: number } {
  const match = ROTATION.exec(path);
  if (match === null) return { stem: path.replace(/(\.jsonl)?(\.gz)?$/, ""), rotation: 0 };
  return { stem: match[1] ?? path, rotation: Number(match[2]) };
}
