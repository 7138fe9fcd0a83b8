/**
 * Objects of the log as files beside the log's own, at the path that their key is. Everything is made by way of a draft,
 * and durable on return, but for tiles: a sync for each would hold up the commits of ingest. They are durable in their
 * staging object, which is kept until they are. Writes are synchronous and thereby atomic to each other; the folder
 * belongs to one process, and one of its threads writes.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DurableIo } from "#adapters/file/durable-file.ts";
import {
  createFile,
  createLoosely,
  DRAFT_END,
  nodeDurableIo,
  replaceFile,
} from "#adapters/file/durable-file.ts";
import { makeFolder } from "#adapters/file/log-folder.ts";
import { AuditStorageError } from "#lib/errors.ts";
import { LOG_PREFIX, STAGING_PREFIX, tileKey } from "#service/log-layout.ts";
import type { LogStore, StagedObject, VersionedObject } from "#service/log-ports.ts";
import type { ArchivedObject } from "#service/ports.ts";

export interface FileLogStoreOptions {
  /** Folder of the log's files. */
  readonly folder: string;
  /** What keys may begin with: nothing else in the folder is touched. @default `log/` and `staging/` */
  readonly prefixes?: readonly string[];
  /** @default the file system */
  readonly io?: DurableIo;
}

export interface FileLogStore extends LogStore {
  /**
   * Makes tiles durable that were stored; those that are gone are passed over.
   * @param objects as they were stored: one that the medium does not take is written again
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  readonly settle: (objects: readonly StagedObject[]) => Promise<void>;
  /**
   * Brings back tiles that a power cut has taken, whole or in part; what is as it should be stays.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  readonly restore: (objects: readonly StagedObject[]) => Promise<void>;
  /**
   * Removes drafts of staging objects that a killed process has left, whose keys do not come again; those of others are
   * written over. To be called while nothing is written.
   * @throws AuditStorageError `storage-unavailable` (retryable)
   */
  readonly removeDrafts: () => Promise<void>;
}

const TILE_PREFIX = tileKey("tile/");
/** Ends the name of the folder of a tile's partial forms (C2SP tlog-tiles). */
const PARTIAL_END = ".p";
const MAX_NAME_BYTES = 255 - DRAFT_END.length;
const RETRY_AFTER_S = 1;

export function createFileLogStore(options: FileLogStoreOptions): FileLogStore {
  const { folder, prefixes = [LOG_PREFIX, STAGING_PREFIX], io = nodeDurableIo } = options;
  const pathOf = (key: string): string => {
    refuseKey(key, prefixes);
    return join(folder, key);
  };
  const placed = ({ key, bytes }: StagedObject): PlacedObject => ({ path: pathOf(key), bytes });
  const syncSoon = createFolderSync(io);

  return {
    putIfAbsent: async (key, bytes) => {
      const path = pathOf(key);
      return guarded(path, async () => {
        const isThere = existsSync(path);
        if (key.startsWith(TILE_PREFIX)) {
          if (isThere) return "exists";
          makeFolder(dirname(path));
          createLoosely(path, bytes, io);
          return "created";
        }
        makeFolder(dirname(path));
        const isCreated = !isThere && createFile(path, bytes, { io });
        await syncSoon(dirname(path));
        return isCreated ? "created" : "exists";
      });
    },
    get: async (key) => readIfThere(pathOf(key)),
    readVersion: async (key): Promise<VersionedObject | undefined> => {
      const bytes = await readIfThere(pathOf(key));
      return bytes && { bytes, version: versionOf(bytes) };
    },
    replace: async (key, bytes, version) => {
      const path = pathOf(key);
      return guarded(path, async () => {
        const current = existsSync(path) ? versionOf(readFileSync(path)) : undefined;
        if (current !== version) return "changed";
        makeFolder(dirname(path));
        replaceFile(path, bytes, io);
        await syncSoon(dirname(path));
        return "replaced";
      });
    },
    remove: async (keys) => {
      for (const path of keys.map(pathOf)) {
        await guarded(path, async () => {
          rmSync(path, { force: true });
          removeIfEmpty(dirname(path));
        });
      }
    },
    settle: async (objects) => settleTiles(objects.map(placed), io),
    restore: async (objects) => restoreTiles(objects.map(placed), io),
    removeDrafts: async () => {
      const names = await namesIn(join(folder, STAGING_PREFIX));
      const drafts = names.filter((name) => name.endsWith(DRAFT_END));
      for (const path of drafts.map((name) => join(folder, STAGING_PREFIX, name)))
        await guarded(path, async () => rmSync(path, { force: true }));
    },
    list: (prefix, after = "") => listBelow(folder, "", { prefix, after, prefixes }),
  };
}

interface PlacedObject {
  readonly path: string;
  readonly bytes: Uint8Array;
}

async function settleTiles(objects: readonly PlacedObject[], io: DurableIo): Promise<void> {
  const there = objects.filter(({ path }) => existsSync(path));
  for (const { path, bytes } of there) {
    await guarded(path, async () => {
      try {
        io.sync(path);
      } catch {
        replaceFile(path, bytes, io); // a second sync would not fail: the system tells a failure once
      }
    });
  }
  await syncFolders(there, io);
}

async function restoreTiles(objects: readonly PlacedObject[], io: DurableIo): Promise<void> {
  const lost: PlacedObject[] = [];
  for (const object of objects) {
    const { path, bytes } = object;
    const isWhole = existsSync(path) && Buffer.compare(readFileSync(path), bytes) === 0;
    if (isWhole || isOutgrown(path)) continue;
    await guarded(path, async () => {
      makeFolder(dirname(path));
      replaceFile(path, bytes, io);
    });
    lost.push(object);
  }
  await syncFolders(lost, io);
}

/** Whether a path is that of a partial form whose full one is there. */
function isOutgrown(path: string): boolean {
  const folder = dirname(path);
  return folder.endsWith(PARTIAL_END) && existsSync(folder.slice(0, -PARTIAL_END.length));
}

async function syncFolders(objects: readonly PlacedObject[], io: DurableIo): Promise<void> {
  for (const folder of new Set(objects.map(({ path }) => dirname(path))))
    await guarded(folder, async () => io.syncFolder(folder));
}

/** One sync of a folder for all that was put into it in one turn of the event loop. */
function createFolderSync(io: DurableIo): (folder: string) => Promise<void> {
  const waiting = new Map<string, Promise<void>>();
  return (folder) => {
    const joined = waiting.get(folder);
    if (joined !== undefined) return joined;
    const next = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        waiting.delete(folder);
        try {
          io.syncFolder(folder);
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    waiting.set(folder, next);
    return next;
  };
}

function versionOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Partial forms of a tile go together with the full one's coming. */
function removeIfEmpty(folder: string): void {
  if (!folder.endsWith(PARTIAL_END)) return;
  try {
    rmdirSync(folder);
  } catch {
    // It holds more, or is gone.
  }
}

interface Listing {
  readonly prefix: string;
  readonly after: string;
  readonly prefixes: readonly string[];
}

/** Goes down only where keys can begin with the prefix and come behind `after`. */
async function* listBelow(folder: string, at: string, listing: Listing): AsyncGenerator<ArchivedObject> {
  const { prefix, after, prefixes } = listing;
  for (const name of await namesIn(join(folder, at))) {
    const key = at + name;
    const isFolder = name.endsWith("/");
    const isBefore = (other: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(other)) <= 0;
    if (isFolder) {
      const isWanted = overlaps(key, prefix) && prefixes.some((allowed) => overlaps(key, allowed));
      if (isWanted && (!isBefore(after) || after.startsWith(key))) yield* listBelow(folder, key, listing);
    } else if (key.startsWith(prefix) && prefixes.some((allowed) => key.startsWith(allowed))) {
      if (isBefore(after) || key.endsWith(DRAFT_END)) continue;
      const found = await stat(join(folder, key)).catch(() => undefined);
      if (found !== undefined) yield { key, bytes: found.size, modifiedMs: found.mtimeMs };
    }
  }
}

function overlaps(folder: string, prefix: string): boolean {
  return folder.startsWith(prefix) || prefix.startsWith(folder);
}

/** In the order of their bytes, folders with a slash, which is how keys below them sort. */
async function namesIn(path: string): Promise<readonly string[]> {
  const entries = await guarded(path, async () =>
    readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    }),
  );
  return entries
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return guarded(path, async () =>
    readFile(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    }),
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Keys can come from a request: no path may lead anywhere else. */
function refuseKey(key: string, prefixes: readonly string[]): void {
  const names = key.split("/");
  const isPlain = (name: string): boolean =>
    name !== "" && name !== "." && name !== ".." && !name.includes("\0") && !name.endsWith(DRAFT_END);
  const isShort = names.every((name) => Buffer.byteLength(name) <= MAX_NAME_BYTES);
  if (isShort && names.every(isPlain) && prefixes.some((prefix) => key.startsWith(prefix))) return;
  throw new RangeError(`${JSON.stringify(key.slice(0, MAX_NAME_BYTES))} is no key of an object of the log`);
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuditStorageError("storage-unavailable", `${path}: ${reason}`, {
      cause,
      retryable: true,
      retryAfterS: RETRY_AFTER_S,
    });
  }
}
