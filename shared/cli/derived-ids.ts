/**
 * Ids for lines that have none: the same however often a file is imported, from whatever folder, grown, compressed or
 * renamed by a rotation meanwhile; different for the same text on two lines, or in two files of other names or other
 * first lines. What is alike in all of these is taken for a copy: no import may store an event twice.
 */
import { hash } from "node:crypto";
import { basename } from "node:path";
import { unpackedBytes } from "#cli/file-bytes.ts";
import type { ImportFile } from "#cli/import-files.ts";
import type { Line } from "#cli/lines.ts";
import { splitLines } from "#cli/lines.ts";

/** What loggers append when they rotate and compress: `.1`, `.2024-05-01`, `-20240501`, `.2024-05-01_10-00-00`. */
const ROTATED = /(?:\.gz|\.jsonl|\.\d+|[._-]\d{4}-?\d{2}-?\d{2}(?:[T_-]?\d{2}[-_:]?\d{2}(?:[-_:]?\d{2})?)?)$/;
const HASH_CHARACTERS = 32;
const SPACE = 0x20;

/**
 * What tells a file from others: its name without what a rotation changes, and its first line that is not blank. Of a
 * pipe the line alone: its name may be another each time.
 */
export function fileKey({ path, isRegular }: ImportFile, firstLine: Line): string {
  const text = firstLine.bytes ?? "";
  return hash("sha256", `${isRegular ? logName(path) : ""}\n${hash("sha256", text)}`);
}

export function isBlank({ bytes }: Line): boolean {
  return bytes?.every((byte) => byte <= SPACE) === true;
}

export function derivedId(key: string, { number }: Line, text: string): string {
  return `import:${hash("sha256", `${key}\n${number}\n${text.trim()}`).slice(0, HASH_CHARACTERS)}`;
}

/** Paths of the files that others in the list are like, so that they may give the same ids. */
export async function findAlike(files: readonly ImportFile[]): Promise<ReadonlySet<string>> {
  const pathsByKey = new Map<string, string[]>();
  for (const file of files) {
    const key = file.isRegular ? await readKey(file) : undefined;
    if (key !== undefined) pathsByKey.set(key, [...(pathsByKey.get(key) ?? []), file.path]);
  }
  return new Set([...pathsByKey.values()].filter(({ length }) => length > 1).flat());
}

/** Undefined where the file is empty or cannot be read, which its import says. */
async function readKey(file: ImportFile): Promise<string | undefined> {
  try {
    for await (const lines of splitLines(unpackedBytes(file, () => undefined))) {
      const first = lines.find((line) => !isBlank(line));
      if (first !== undefined) return fileKey(file, first);
    }
  } catch {
    return undefined;
  }
  return undefined;
}

function logName(path: string): string {
  let name = basename(path);
  for (;;) {
    const shorter = name.replace(ROTATED, "");
    if (shorter === name || shorter === "") return name;
    name = shorter;
  }
}
