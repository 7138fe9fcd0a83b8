/**
 * Names and places of the log's files. The live file is `<stem>.jsonl`; a rotated one `<stem>-<number of its first
 * line, 16 digits>.jsonl`, compressed `.jsonl.gz`. Everything else beside them is named here too.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";

const LINE_DIGITS = 16;

export interface LogPaths {
  readonly folder: string;
  readonly live: string;
  /** Held by the process that owns the folder; nothing else may ever open it. */
  readonly lock: string;
  /** Says which process owns the folder, for people and for the command line. */
  readonly owner: string;
  /** Written and removed by the health probe. */
  readonly probe: string;
  /** The newest state of the transparency log that a sealer has committed to. */
  readonly head: string;
  /** Private key that signs the transparency log. */
  readonly logKey: string;
  /** Private key that says when a checkpoint was the newest one. */
  readonly freshnessKey: string;
  readonly rotated: (firstLine: number) => string;
  readonly compressed: (firstLine: number) => string;
  /** Where bytes go that were never acknowledged: a last line cut by a crash. */
  readonly torn: (firstLine: number, offset: number) => string;
  /** Where damaged bytes of a file go that repair moves out of it. */
  readonly quarantine: (firstLine: number, place: string) => string;
}

export function logPaths(livePath: string): LogPaths {
  const folder = dirname(livePath);
  const extension = extname(livePath);
  const stem = basename(livePath, extension);
  const numbered = (firstLine: number): string =>
    join(folder, `${stem}-${String(firstLine).padStart(LINE_DIGITS, "0")}`);
  return {
    folder,
    live: livePath,
    lock: join(folder, "audit-service.lock"),
    owner: join(folder, "audit-service.owner.json"),
    probe: join(folder, "audit-service.probe"),
    head: join(folder, "audit-service.log-head"),
    logKey: join(folder, "audit-service.log-key"),
    freshnessKey: join(folder, "audit-service.freshness-key"),
    rotated: (firstLine) => `${numbered(firstLine)}.jsonl`,
    compressed: (firstLine) => `${numbered(firstLine)}.jsonl.gz`,
    torn: (firstLine, offset) => `${numbered(firstLine)}.torn-at-${offset}`,
    quarantine: (firstLine, place) => `${numbered(firstLine)}.damaged-${place}`,
  };
}

export interface RotatedName {
  readonly firstLine: number;
  readonly path: string;
  readonly isCompressed: boolean;
}

export interface FolderListing {
  /** In the order of the log; a file that exists in both forms is listed uncompressed. */
  readonly rotated: readonly RotatedName[];
  /** The compressed form of those that exist in both, by first line. */
  readonly twins: ReadonlyMap<number, RotatedName>;
  /** What an interrupted compression or repair has not finished: safe to remove, the file it was made from is there. */
  readonly drafts: readonly string[];
}

/** Finds the log's files by name; others in the folder are none of its business. */
export function listFolder(paths: LogPaths): FolderListing {
  const stem = basename(paths.live, extname(paths.live));
  const byLine = new Map<number, RotatedName>();
  const twins = new Map<number, RotatedName>();
  const drafts = [repairDraft(paths.live)].filter((path) => existsSync(path));
  for (const name of readdirSync(paths.folder)) {
    if (!name.startsWith(`${stem}-`)) continue;
    const match = /^(\d{16})\.jsonl(\.gz)?((?:\.repair)?\.tmp)?$/.exec(name.slice(stem.length + 1));
    if (match === null) continue;
    const path = join(paths.folder, name);
    const found: RotatedName = { firstLine: Number(match[1]), path, isCompressed: match[2] !== undefined };
    const other = byLine.get(found.firstLine);
    if (match[3] !== undefined) drafts.push(path);
    else if (other === undefined) byLine.set(found.firstLine, found);
    else {
      twins.set(found.firstLine, found.isCompressed ? found : other);
      byLine.set(found.firstLine, found.isCompressed ? other : found);
    }
  }
  return { rotated: [...byLine.values()].sort((a, b) => a.firstLine - b.firstLine), twins, drafts };
}

/** Where the repaired form of a file is written before it takes the file's place. */
export function repairDraft(path: string): string {
  return `${path}.repair.tmp`;
}

/** The path itself, or with the first free number behind it. */
export function freePath(path: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(candidate)) return candidate;
  }
}

/** Makes the folder and what is missing above it, durably: a file is no safer than the name of its folder. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  // One by one: Node 24 loops for ever in a recursive mkdir below a folder that takes no entries, such as /proc.
  if (parent !== folder) makeFolder(parent);
  mkdirSync(folder, { mode: 0o750 });
  syncFolder(parent);
}

/** Makes creations and renames in a folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
