/**
 * Start: reads every file of the log and rebuilds the index. A line cut by a crash is moved aside, never deleted;
 * damage anywhere else costs that line alone and is reported. Touches nothing of a log that is not this service's.
 */
import { existsSync, statSync, unlinkSync } from "node:fs";
import { newerLog, newerVersion, refuseForeignLog } from "#adapters/file/foreign-log.ts";
import { LineIndex } from "#adapters/file/line-index.ts";
import type { LineVisitor } from "#adapters/file/line-scan.ts";
import { scanGzip, scanPlain } from "#adapters/file/line-scan.ts";
import { LogFile } from "#adapters/file/log-file.ts";
import type { LogPaths, RotatedName } from "#adapters/file/log-folder.ts";
import { listFolder } from "#adapters/file/log-folder.ts";
import { LogSet } from "#adapters/file/log-set.ts";
import { readIndexedLine } from "#adapters/file/indexed-line.ts";
import { moveTornTail } from "#adapters/file/torn-tail.ts";
import type { AuditStorageError } from "#lib/errors.ts";

/** A stretch of a file that cannot be served. */
export interface Damage {
  readonly path: string;
  /** Byte in the uncompressed file. */
  readonly offset: number;
  readonly reason: string;
}

export interface RecoveryProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly lines: number;
}

export interface Recovered {
  readonly index: LineIndex;
  readonly logs: LogSet;
  /** The live file; it may not exist yet. */
  readonly live: LogFile;
  readonly damages: readonly Damage[];
  /** Where a cut last line was moved to. */
  readonly tornPath: string | undefined;
  /** Number of the line that comes next. */
  readonly nextLine: number;
}

/** So many damaged places are told one by one; behind them only lines are passed over. */
const MAX_DAMAGES = 10_000;

/** @throws AuditStorageError `foreign-log` where the log was written by something else, or by a newer release */
export async function recoverLog(
  paths: LogPaths,
  onProgress: (progress: RecoveryProgress) => void,
): Promise<Recovered> {
  refuseForeignLog(paths.live);
  const { rotated: listed, twins, drafts } = listFolder(paths);
  const index = new LineIndex();
  const logs = new LogSet(index);
  const damages: Damage[] = [];
  const rotated: RotatedName[] = [];
  const removable = [...drafts];
  for (const name of listed)
    rotated.push(await chooseForm(name, twins.get(name.firstLine), { damages, removable }));
  const bytesTotal = [...rotated.map(({ path }) => path), paths.live].reduce(
    (sum, path) => sum + sizeOf(path),
    0,
  );
  let bytesRead = 0;
  let lines = 0;
  /** Set while the last line read is one that a newer release wrote. */
  let newer: AuditStorageError | undefined;
  const visitorFor = (path: string): LineVisitor => {
    const onDamage = (offset: number, reason: string): void => {
      if (damages.length < MAX_DAMAGES) damages.push({ path, offset, reason });
      index.addVoid(offset);
      lines++;
    };
    return {
      onDamage,
      onLine: (text, offset) => {
        const line = readIndexedLine(text);
        if (typeof line === "string") {
          const version = newerVersion(text);
          if (version !== undefined) newer = newerLog(path, version);
          return onDamage(offset, line);
        }
        newer = undefined;
        const entry = index.entryOf(line.event, line.instant);
        if (index.rowOf(entry) !== -1) {
          return onDamage(offset, `a second line with the id ${entry.eventId}; the first one is served`);
        }
        index.add(entry, offset);
        lines++;
        return undefined;
      },
      onBytes: (count) => {
        bytesRead += count;
        onProgress({ bytesRead, bytesTotal, lines });
      },
    };
  };

  for (const name of rotated) {
    if (name.firstLine !== lines) {
      damages.push({ path: name.path, offset: 0, reason: misnumbered(name.firstLine, lines) });
      lines = name.firstLine; // the name is right: damage before it must not shift the numbers of later files
    }
    logs.files.push(await recoverRotated(name, { firstRow: index.rows, visitor: visitorFor(name.path) }));
  }
  const live = new LogFile({ path: paths.live, firstRow: index.rows, firstLine: lines, size: 0 });
  logs.files.push(live);
  const scan = existsSync(paths.live)
    ? await scanPlain(paths.live, visitorFor(paths.live))
    : { size: 0, tornBytes: 0 };
  live.size = scan.size;
  if (newer !== undefined) throw newer;
  // Only now it is certain that the log may be touched.
  for (const path of removable) unlinkSync(path);
  const tornPath = scan.tornBytes > 0 ? moveTornTail(paths, { offset: scan.size, line: lines }) : undefined;
  return { index, logs, live, damages, tornPath, nextLine: lines };
}

async function recoverRotated(
  { path, firstLine, isCompressed }: RotatedName,
  { firstRow, visitor }: { firstRow: number; visitor: LineVisitor },
): Promise<LogFile> {
  if (isCompressed) {
    const members = await scanGzip(path, visitor);
    return new LogFile({ path, firstRow, firstLine, size: members.starts.at(-1) ?? 0, members });
  }
  const scan = await scanPlain(path, visitor);
  if (scan.tornBytes > 0) visitor.onDamage(scan.size, `the last line is cut after ${scan.tornBytes} bytes`);
  return new LogFile({ path, firstRow, firstLine, size: scan.size + scan.tornBytes });
}

function misnumbered(firstLine: number, expected: number): string {
  return firstLine > expected
    ? `begins with line ${firstLine}, but line ${expected} comes next: lines before it are missing or damaged`
    : `begins with line ${firstLine}, but the files before it hold ${expected} lines`;
}

/**
 * An interrupted compression leaves a file in both forms: the plain one is complete, and the other one is made again.
 * Should the plain one hold less, the compressed one is served, and nothing is removed.
 */
async function chooseForm(
  name: RotatedName,
  compressed: RotatedName | undefined,
  { damages, removable }: { readonly damages: Damage[]; readonly removable: string[] },
): Promise<RotatedName> {
  if (compressed === undefined) return name;
  const members = await scanGzip(compressed.path, BLIND_VISITOR);
  const plainSize = sizeOf(name.path);
  if ((members.starts.at(-1) ?? 0) <= plainSize) {
    removable.push(compressed.path);
    return name;
  }
  const reason = `holds less than ${compressed.path}, which is served in its place`;
  damages.push({ path: name.path, offset: plainSize, reason });
  return compressed;
}

const BLIND_VISITOR: LineVisitor = {
  onLine: () => undefined,
  onDamage: () => undefined,
  onBytes: () => undefined,
};

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
