/**
 * Start: reads every file of the log and rebuilds the index. A line cut by a crash is moved aside, never deleted;
 * damage anywhere else costs that line alone and is reported. Touches nothing of a log that is not this service's.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { LineIndex } from "#adapters/file/line-index.ts";
import type { LineVisitor } from "#adapters/file/line-scan.ts";
import { scanGzip, scanPlain } from "#adapters/file/line-scan.ts";
import { LogFile } from "#adapters/file/log-file.ts";
import type { LogPaths, RotatedName } from "#adapters/file/log-folder.ts";
import { listFolder, syncFolder } from "#adapters/file/log-folder.ts";
import { LogSet } from "#adapters/file/log-set.ts";
import { readIndexedLine } from "#adapters/file/indexed-line.ts";
import { AuditStorageError } from "#lib/errors.ts";

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

/** How much of a live file is looked at to tell whose it is. */
const FIRST_LINE_BYTES = 1024 * 1024;

/** @throws AuditStorageError `foreign-log` where the live file was written by something else */
export async function recoverLog(
  paths: LogPaths,
  onProgress: (progress: RecoveryProgress) => void,
): Promise<Recovered> {
  refuseForeignLog(paths.live);
  const { rotated, leftovers } = listFolder(paths);
  for (const path of leftovers) unlinkSync(path);

  const index = new LineIndex();
  const logs = new LogSet(index);
  const damages: Damage[] = [];
  const bytesTotal = [...rotated.map(({ path }) => path), paths.live].reduce(
    (sum, path) => sum + sizeOf(path),
    0,
  );
  let bytesRead = 0;
  let lines = 0;
  const visitorFor = (path: string): LineVisitor => {
    const onDamage = (offset: number, reason: string): void => {
      damages.push({ path, offset, reason });
      index.addVoid(offset);
      lines++;
    };
    return {
      onDamage,
      onLine: (text, offset) => {
        const line = readIndexedLine(text);
        if (typeof line === "string") return onDamage(offset, line);
        if (index.find(line.event.tenant_id, line.event.event_id) !== -1) {
          return onDamage(
            offset,
            `a second line with the id ${line.event.event_id}; the first one is served`,
          );
        }
        index.add(line.event, line.instant, offset);
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
      damages.push({
        path: name.path,
        offset: 0,
        reason: `begins with line ${name.firstLine}, but line ${lines} comes next: a file is missing`,
      });
      lines = Math.max(lines, name.firstLine);
    }
    logs.files.push(await recoverRotated(name, { firstRow: index.rows, visitor: visitorFor(name.path) }));
  }
  const live = new LogFile({ path: paths.live, firstRow: index.rows, firstLine: lines, size: 0 });
  logs.files.push(live);
  let tornPath: string | undefined;
  if (existsSync(paths.live)) {
    const scan = await scanPlain(paths.live, visitorFor(paths.live));
    live.size = scan.size;
    if (scan.tornBytes > 0) tornPath = moveTornTail(paths, scan.size, { bytes: scan.tornBytes, line: lines });
  }
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

/** Copies what follows the last newline to a file of its own, then cuts it off. */
function moveTornTail(paths: LogPaths, size: number, torn: { bytes: number; line: number }): string {
  const fd = openSync(paths.live, "r");
  const bytes = Buffer.alloc(torn.bytes);
  try {
    readSync(fd, bytes, 0, torn.bytes, size);
  } finally {
    closeSync(fd);
  }
  const path = paths.torn(torn.line, size);
  writeFileSync(path, bytes, { flush: true });
  syncFolder(paths.folder);
  truncateSync(paths.live, size);
  const live = openSync(paths.live, "r+");
  try {
    fsyncSync(live);
  } finally {
    closeSync(live);
  }
  return path;
}

/** A log whose first readable line has no `_v` was written by the original service or by something else. */
function refuseForeignLog(path: string): void {
  if (!existsSync(path)) return;
  const fd = openSync(path, "r");
  const head = Buffer.alloc(FIRST_LINE_BYTES);
  let count: number;
  try {
    count = readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  const lines = head.toString("utf8", 0, count).split("\n");
  if (lines.length > 1 || count === head.length) lines.pop(); // cut, or empty
  const first = lines.map(parseObject).find((value) => value !== undefined);
  if (first === undefined || "_v" in first) return;
  const message =
    `${path} was not written by this service: its first line has no member _v. Nothing was touched. ` +
    `Move it and its rotations away and import them: auditlog import --format jsonl <the moved files>`;
  throw new AuditStorageError("foreign-log", message, { details: { path } });
}

function parseObject(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
