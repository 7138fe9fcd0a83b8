/**
 * Whether the lines of a file log still have the numbers by which they were sealed. Names of rotated files tell where
 * lines are missing, but the live file has no number in its name: where lines were taken out of it, or damage has taken
 * newlines, those behind stand at other numbers than they were sealed by.
 */
import { hash } from "node:crypto";
import type { LineCursor } from "#adapters/file/line-cursor.ts";
import { parseStoredLine } from "#adapters/file/indexed-line.ts";
import { AuditServiceError } from "#lib/errors.ts";
import { tileKey } from "#service/log-layout.ts";
import type { LogStore, SealProblem } from "#service/log-ports.ts";
import { decodeHashBundle } from "#tlog/bundle.ts";
import { TILE_WIDTH, tilePath } from "#tlog/tile.ts";

const ENTRY_BYTES = 32;

interface SealedLines {
  readonly store: Pick<LogStore, "get">;
  readonly cursor: LineCursor;
}

/**
 * Compares the last sealed line that can be read with the entry of its leaf: all lines behind a break are moved. That stops
 * nothing: new lines have numbers behind all that are sealed.
 * @param size leaves that are sealed, as many as there are lines at least
 * @returns what a human is told where they differ
 * @throws an error of the file system
 */
export async function findMoved(
  { store, cursor }: SealedLines,
  size: number,
): Promise<SealProblem | undefined> {
  const first = Math.max(0, Math.floor((size - 1) / TILE_WIDTH)) * TILE_WIDTH;
  const entries = await readEntries(store, first, size);
  if (entries === undefined) return undefined;
  for (let line = size - 1; line >= first; line--) {
    const found = await hashOf(cursor, line);
    const place = (line - first) * ENTRY_BYTES;
    if (found === undefined) continue;
    if (found.equals(entries.subarray(place, place + ENTRY_BYTES))) return undefined;
    const problem = `line ${line} is not what was sealed as leaf ${line}: it was changed, or lines before it are missing or damaged so that nobody can tell how many they were; bring back the files as they were, see docs/operations.md#lost-lines`;
    return { subject: "sealed lines", problem };
  }
  return undefined;
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
