/** The condition of the file store: really tries the folder, and names each thing that a human must look at. */
import { open, rm } from "node:fs/promises";
import type { Damage } from "#adapters/file/damage.ts";
import type { LiveLog } from "#adapters/file/live-log.ts";
import type { LogPaths } from "#adapters/file/log-folder.ts";
import type { Recovered } from "#adapters/file/recovery.ts";
import type { StoreHealth } from "#service/ports.ts";

/** Problems that a health answer names one by one. */
const MAX_LISTED_DAMAGES = 20;

export interface ProbedStore {
  readonly recovered: Recovered;
  readonly paths: LogPaths;
  readonly live: LiveLog;
  readonly damages: readonly Damage[];
  /** Number of the line that comes next. */
  readonly nextLine: number;
  /** Lines found unreadable since the start. */
  readonly rottenLines: number;
  readonly compressionTrouble: string | undefined;
}

export async function probeStore(store: ProbedStore): Promise<StoreHealth> {
  const folderTrouble = await tryFolder(store.paths);
  const trouble = store.live.problem;
  const problems: string[] = [];
  if (folderTrouble !== undefined) problems.push(folderTrouble);
  if (trouble !== undefined) problems.push(trouble.message);
  if (store.compressionTrouble !== undefined) problems.push(store.compressionTrouble);
  for (const { path, offset, reason } of store.damages.slice(0, MAX_LISTED_DAMAGES)) {
    problems.push(`${path}, byte ${offset}: ${reason}`);
  }
  const unlisted = store.damages.length - MAX_LISTED_DAMAGES;
  if (unlisted > 0) problems.push(`and ${unlisted} more damaged places`);
  const isWritable = folderTrouble === undefined && trouble?.isWritable !== false;
  const condition = problems.length > 0 ? "degraded" : "healthy";
  return { status: isWritable ? condition : "unhealthy", problems, details: details(store) };
}

/** Writes, syncs and removes a file of its own; answers what went wrong. */
async function tryFolder(paths: LogPaths): Promise<string | undefined> {
  try {
    const handle = await open(paths.probe, "w", 0o640);
    try {
      await handle.writeFile("probe\n");
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rm(paths.probe, { force: true }); // another probe may have been faster
    return undefined;
  } catch (error) {
    return `the folder ${paths.folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Numbered lines that are neither served, nor known twice, nor put into quarantine by a person. */
function unaccountedEvents({ recovered, nextLine, rottenLines }: ProbedStore): number {
  const { index, duplicateLines, quarantinedLines } = recovered;
  return Math.max(0, nextLine - index.events - duplicateLines - quarantinedLines) + rottenLines;
}

function details(store: ProbedStore): Readonly<Record<string, unknown>> {
  const { recovered, paths, live, damages } = store;
  const { index, logs, quarantinedLines, tornPath } = recovered;
  return {
    type: "file",
    path: paths.live,
    events: index.events,
    files: logs.files.length,
    compressed_files: logs.files.filter((file) => file.members !== undefined).length,
    bytes: logs.files.reduce((sum, file) => sum + file.size, 0),
    damaged_places: damages.length,
    quarantined_lines: quarantinedLines,
    unaccounted_events: unaccountedEvents(store),
    ...(tornPath === undefined ? {} : { torn_line_moved_to: tornPath }),
    waiting_events: live.waitingLines,
    waiting_bytes: live.waitingBytes,
  };
}
