/** A log in a folder: that of the local service, a copy of a bucket, or what an auditor was handed. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { UndecidedError } from "#verify/finding.ts";
import type { LogSource } from "#verify/log-source.ts";

const READ_BYTES = 1024 * 1024;

export function createFolderSource(folder: string): LogSource {
  const root = resolve(folder);
  const pathOf = (key: string): string => {
    const path = resolve(root, key);
    if (!path.startsWith(root + sep)) throw new UndecidedError(`${key} does not lie in ${folder}`);
    return path;
  };
  return {
    name: folder,
    folder: root,
    parallel: 1,
    read: async (key, maxBytes) => readWhole(pathOf(key), maxBytes),
    list: async (prefix) => listBelow(root, prefix),
    open: (key) => openStream(pathOf(key)),
  };
}

function openStream(path: string): AsyncIterable<Uint8Array> {
  try {
    return createReadStream("", { fd: openFile(path), start: 0, highWaterMark: READ_BYTES });
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Synchronous, since a hundred thousand small files are faster that way. */
function readWhole(path: string, maxBytes: number): Uint8Array | undefined {
  let file: number | undefined;
  try {
    file = openFile(path);
    const { size } = fstatSync(file);
    if (size > maxBytes) throw new UndecidedError(`${path} is ${size} bytes; the limit is ${maxBytes}`);
    const bytes = Buffer.allocUnsafe(size);
    let used = 0;
    for (let read = -1; used < size && read !== 0; used += read)
      read = readSync(file, bytes, used, size - used, null);
    return bytes.subarray(0, used);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw cannotRead(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Opens a regular file. A device or a pipe, which a hostile folder may hold, could be read without end or never opens.
 * @throws UndecidedError where it is something else
 */
export function openFile(path: string): number {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new UndecidedError(`${path} is no file`);
}

function listBelow(root: string, prefix: string): readonly string[] {
  const folder = join(root, prefix.endsWith("/") || prefix === "" ? prefix : dirname(prefix));
  const found: string[] = [];
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const key = path.slice(root.length + 1).replaceAll(sep, "/");
      if (key.startsWith(prefix)) found.push(key);
    }
  } catch (error) {
    if (isMissing(error)) return [];
    throw cannotRead(folder, error);
  }
  return found;
}

export function cannotRead(path: string, error: unknown): UndecidedError {
  if (error instanceof UndecidedError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new UndecidedError(`${basename(path)} cannot be read: ${reason}`, error);
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
