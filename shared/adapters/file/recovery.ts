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
import type { LogPaths, RotatedName, TwinFiles } from "#adapters/file/log-folder.ts";
import { listFolder } from "#adapters/file/log-folder.ts";
import { LogSet } from "#adapters/file/log-set.ts";
import { readIndexedLine } from "#adapters/file/indexed-line.ts";
import { moveTornTail } from "#adapters/file/torn-tail.ts";

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
  const rotated = [...listed];
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
        const { tenant_id: tenantId, event_id: eventId } = line.event;
        const hash = index.identityHash(tenantId, eventId);
        if (index.find(tenantId, eventId, hash) !== -1) {
          return onDamage(offset, `a second line with the id ${eventId}; the first one is served`);
        }
        index.add({ ...line, hash }, offset);
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

/**
 * An interrupted compression leaves a file in both forms: the plain one is complete, and the other one is made again.
 * Should the plain one hold less, the compressed one is served, and nothing is removed.
 */
async function settleTwin({ plain, compressed }: TwinFiles, damages: Damage[]): Promise<RotatedName> {
  const members = await scanGzip(compressed.path, BLIND_VISITOR);
  if ((members.starts.at(-1) ?? 0) <= sizeOf(plain.path)) {
    unlinkSync(compressed.path);
    return plain;
  }
  const reason = `holds less than ${compressed.path}, which is served instead`;
  damages.push({ path: plain.path, offset: sizeOf(plain.path), reason });
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
