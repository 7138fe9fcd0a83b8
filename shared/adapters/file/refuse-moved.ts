/**
 * Whether the lines of a file log still have the numbers by which they were sealed. Names of rotated files tell where
 * lines are missing, but the live file has no number in its name: where it was cut and written on, or damage has taken
 * newlines, its lines would be sealed at leaves that are not theirs, and others never.
 */
import { hash } from "node:crypto";
import type { LineCursor } from "#adapters/file/line-cursor.ts";
import { parseStoredLine } from "#adapters/file/indexed-line.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { logDiverged } from "#service/log-diverged.ts";
import { tileKey } from "#service/log-layout.ts";
import type { LogStore } from "#service/log-ports.ts";
import { decodeHashBundle } from "#tlog/bundle.ts";
import { TILE_WIDTH, tilePath } from "#tlog/tile.ts";

const ENTRY_BYTES = 32;

interface SealedLines {
  readonly store: Pick<LogStore, "get">;
  readonly cursor: LineCursor;
}

/**
 * Compares the last sealed line that can be read with the entry of its leaf: all lines behind a break are moved.
 * @param size leaves that are sealed, as many as there are lines at least
 * @throws AuditStorageError `log-diverged` where they differ; an error of the file system
 */
export async function refuseMoved({ store, cursor }: SealedLines, size: number): Promise<void> {
  const first = Math.max(0, Math.floor((size - 1) / TILE_WIDTH)) * TILE_WIDTH;
  const entries = await readEntries(store, first, size);
  if (entries === undefined) return;
  for (let line = size - 1; line >= first; line--) {
    const found = await hashOf(cursor, line);
    const place = (line - first) * ENTRY_BYTES;
    if (found === undefined) continue;
    if (found.equals(entries.subarray(place, place + ENTRY_BYTES))) return;
    const message = `line ${line} is not what was sealed as leaf ${line}: lines before it are missing, or are damaged so that nobody can tell how many they were; bring back the files as they were`;
    throw logDiverged(message, { details: { line, size }, runbook: "lost-lines" });
  }
}

/** Those of the bundle that holds the last leaf; undefined where it does not, which is told by whoever grows the tree. */
async function readEntries(
  store: SealedLines["store"],
  first: number,
  size: number,
): Promise<Uint8Array | undefined> {
  if (size === first) return undefined;
  const index = BigInt(first / TILE_WIDTH);
  const bundle = await store.get(tileKey(tilePath({ level: "entries", index, width: size - first })));
  try {
    const entries = bundle && decodeHashBundle(bundle);
    return entries?.length === (size - first) * ENTRY_BYTES ? entries : undefined;
  } catch {
    return undefined;
  }
}

/** undefined where the line is damaged, in quarantine or not there: it tells nothing of its number. */
async function hashOf(cursor: LineCursor, line: number): Promise<Buffer | undefined> {
  let found: Buffer | undefined;
  try {
    await cursor.visit(line, line + 1, (bytes) => {
      const isSound = parseStoredLine(bytes.toString("utf8")) !== undefined;
      if (isSound) found = hash("sha256", bytes, "buffer");
      return true;
    });
  } catch (error) {
    if (!(error instanceof AuditServiceError)) throw error;
  }
  return found;
}
