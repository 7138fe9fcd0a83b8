/**
 * Compresses rotated files in the background, oldest first, and never deletes lines: the uncompressed file goes only
 * after the compressed one is durable under its final name. Takes turns with other work, so that ingest comes first.
 */
import { unlinkSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, rename, rm } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipMember, MAX_MEMBER_BYTES, MEMBER_BYTES } from "#adapters/file/gzip-members.ts";
import type { LogFile, MemberMap } from "#adapters/file/log-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { syncFolder } from "#adapters/file/log-folder.ts";

const NEWLINE = 10;
/** Rest after each member, as a multiple of the time it took: at most a quarter of a core goes into this. */
const REST_RATIO = 3;
const SYNC_EVERY_BYTES = 4 * 1024 * 1024;
/** A full disk has room again when somebody has made some: health says so within a minute. */
const RETRY_MS = 30_000;

export interface CompressorOptions {
  readonly paths: LogPaths;
  /** Rotated files that stay uncompressed, the newest ones. */
  readonly backupCount: number;
  /** All files in order, the live one last. */
  readonly files: readonly LogFile[];
  /**
   * Told what went wrong, and undefined once it has worked again. The file stays as it is and is tried again after a while,
   * or after the next rotation.
   */
  readonly onTrouble: (message: string | undefined) => void;
}

export interface Compressor {
  /** Looks for files to compress; returns at once. */
  readonly wake: () => void;
  /** Stops after the member under way. */
  readonly stop: () => Promise<void>;
}

export function createCompressor({ paths, backupCount, files, onTrouble }: CompressorOptions): Compressor {
  let isStopped = false;
  let running: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  const nextFile = (): LogFile | undefined => {
    if (isStopped) return undefined;
    const rotated = files.slice(0, -1);
    return rotated
      .slice(0, Math.max(0, rotated.length - backupCount))
      .find((file) => file.members === undefined);
  };

  const run = async (): Promise<void> => {
    for (let file = nextFile(); file !== undefined; file = nextFile()) {
      try {
        await compress(file, paths, () => isStopped);
        onTrouble(undefined);
      } catch (error) {
        onTrouble(
          `${file.path} cannot be compressed: ${error instanceof Error ? error.message : String(error)}`,
        );
        clearTimeout(retry);
        if (!isStopped) retry = setTimeout(wake, RETRY_MS).unref();
        return;
      }
    }
  };
  const wake = (): void => {
    running ??= run().finally(() => {
      running = undefined;
    });
  };

  return {
    wake,
    stop: async () => {
      isStopped = true;
      clearTimeout(retry);
      await running;
    },
  };
}

async function compress(file: LogFile, paths: LogPaths, isStopped: () => boolean): Promise<void> {
  const finalPath = paths.compressed(file.firstLine);
  const draftPath = `${finalPath}.tmp`;
  const plainPath = file.path;
  let members: MemberMap | undefined;
  try {
    members = await writeDraft(plainPath, draftPath, { size: file.size, isStopped });
  } catch (error) {
    await rm(draftPath, { force: true }).catch(() => undefined); // on a full disk it is in the way; told is why it failed
    throw error;
  }
  if (members === undefined) return unlinkSync(draftPath);
  await rename(draftPath, finalPath);
  syncFolder(paths.folder);
  file.replace(finalPath, members);
  unlinkSync(plainPath);
  syncFolder(paths.folder);
  return undefined;
}

interface DraftOptions {
  /** Bytes of the plain file. */
  readonly size: number;
  readonly isStopped: () => boolean;
}

/** Makes the draft durable. Undefined when stopped before the end. */
async function writeDraft(
  plainPath: string,
  draftPath: string,
  options: DraftOptions,
): Promise<MemberMap | undefined> {
  await using source = await open(plainPath, "r");
  await using target = await open(draftPath, "w", 0o640);
  const members = await writeMembers(source, target, options);
  await target.sync();
  return members;
}

/** Undefined when stopped before the end. */
async function writeMembers(
  source: FileHandle,
  target: FileHandle,
  { size, isStopped }: DraftOptions,
): Promise<MemberMap | undefined> {
  const starts = [0];
  const compressedStarts = [0];
  const buffer = Buffer.allocUnsafeSlow(MAX_MEMBER_BYTES);
  let offset = 0;
  let written = 0;
  let unsynced = 0;
  while (offset < size) {
    if (isStopped()) return undefined;
    const begun = performance.now();
    const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, size - offset), offset);
    const lines = buffer.subarray(0, wholeLines(buffer.subarray(0, bytesRead)));
    if (lines.length === 0) throw new RangeError(`nothing can be read at byte ${offset}`);
    const member = await gzipMember(lines);
    await target.writeFile(member); // all of it, at the end: a single write may take less, as when a disk fills up
    offset += lines.length;
    written += member.length;
    unsynced += member.length;
    starts.push(offset);
    compressedStarts.push(written);
    if (unsynced >= SYNC_EVERY_BYTES) {
      await target.datasync(); // in portions, so that the log's own fsync never waits behind a large one
      unsynced = 0;
    }
    await sleep((performance.now() - begun) * REST_RATIO);
  }
  return { starts, compressedStarts };
}

/** How many bytes of `bytes` to take: whole lines up to a member's size, one line at least, all where there is no newline. */
function wholeLines(bytes: Buffer): number {
  const within = bytes.lastIndexOf(NEWLINE, MEMBER_BYTES - 1);
  if (within !== -1) return within + 1;
  const first = bytes.indexOf(NEWLINE);
  return first === -1 ? bytes.length : first + 1;
}
