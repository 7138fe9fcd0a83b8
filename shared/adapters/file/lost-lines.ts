/**
 * Lines that were sealed and are not in the files any more. Their numbers are never given to other events: a marker of no
 * bytes takes them, at the end of the live file, until somebody brings the lines back in its place.
 */
import { hash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { readHeadNow } from "#adapters/file/file-log-ledger.ts";
import { readKey } from "#adapters/file/key-file.ts";
import type { LogFile } from "#adapters/file/log-file.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import { syncFolder } from "#adapters/file/log-folder.ts";
import type { Quarantined } from "#adapters/file/quarantine-marker.ts";
import { encodeMarker } from "#adapters/file/quarantine-marker.ts";
import { createLogIdentity } from "#service/log-identity.ts";
import { CHECKPOINT_KEY } from "#service/log-layout.ts";
import { parseCheckpoint } from "#tlog/checkpoint.ts";
import { parseNote } from "#tlog/note.ts";

const LIVE_MODE = 0o640;

/** Numbers that only lost lines have had: [from, to). */
export interface LostLines {
  readonly from: number;
  readonly to: number;
}

/**
 * Those between the lines that are there and the size of the log, by its head or its published checkpoint.
 * @param lines how many are there
 */
export function findLost(paths: LogPaths, lines: number): LostLines | undefined {
  const texts = [
    orUndefined(() => readHeadNow(paths)?.checkpoint),
    orUndefined(() => readFileSync(join(paths.folder, CHECKPOINT_KEY), "utf8")),
  ];
  const isLonger = (text: string | undefined): text is string =>
    text !== undefined && (orUndefined(() => sizeOf(text)) ?? 0) > lines;
  const sizes = texts.filter(isLonger).map((text) => orUndefined(() => signedSize(paths, text)) ?? 0);
  const to = Math.max(0, ...sizes);
  return to > lines ? { from: lines, to } : undefined;
}

/** Takes the numbers of lost lines, durably. To be called while nothing else writes the file, whose last line is whole. */
export function markLost(paths: LogPaths, live: LogFile, { from, to }: LostLines): void {
  const marker = encodeMarker({
    bytes: 0,
    file: basename(paths.quarantine(live.firstLine, `at-${live.size}`)),
    kind: "damaged",
    lines: to - from,
    sha256: hash("sha256", "", "hex"),
  });
  const fd = openSync(paths.live, "a", LIVE_MODE);
  try {
    const bytes = Buffer.from(`${marker}\n`);
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(paths.folder);
}

/** A repair moves bytes; where there were none, lines were lost. */
export function isLost({ bytes, lines }: Quarantined): boolean {
  return bytes === 0 && lines > 0;
}

export function lostReason({ from, to }: LostLines): string {
  return `lines ${from} to ${to - 1} were sealed and are missing: bring them back from a copy of the log, see docs/operations.md#lost-lines`;
}

/** @throws RangeError, or AuditStorageError where the log has not signed it */
function signedSize(paths: LogPaths, text: string): number {
  if (!existsSync(paths.logKey)) return sizeOf(text); // nobody can tell; rather numbers that nobody gets than two events of one
  const log = readKey(paths.logKey);
  const identity = createLogIdentity({ origin: log.name, signers: [log], cosigner: undefined });
  return identity.read(text, "newest checkpoint").size;
}

function sizeOf(text: string): number {
  return Number(parseCheckpoint(parseNote(text).body).size);
}

/** Whatever cannot be read here stops sealing, which says why. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
