/**
 * Reads every file of the log, rebuilds the index and tells everything that is wrong, without changing a byte: the
 * common ground of start, which goes on with what is sound, and repair.
 */
import { existsSync, statSync } from "node:fs";
import type { DamagedBytes, Finding } from "#adapters/file/damage.ts";
import { newerLog, newerVersion, refuseForeignLog } from "#adapters/file/foreign-log.ts";
import { readIndexedLine } from "#adapters/file/indexed-line.ts";
import { LineIndex } from "#adapters/file/line-index.ts";
import type { UncertainLines } from "#adapters/file/line-numbers.ts";
import { LineNumbers } from "#adapters/file/line-numbers.ts";
import type { LineVisitor } from "#adapters/file/line-scan.ts";
import { scanGzip, scanPlain } from "#adapters/file/line-scan.ts";
import { LogFile } from "#adapters/file/log-file.ts";
import type { LogPaths, RotatedName } from "#adapters/file/log-folder.ts";
import { listFolder } from "#adapters/file/log-folder.ts";
import { LogSet } from "#adapters/file/log-set.ts";
import type { LostLines } from "#adapters/file/lost-lines.ts";
import { findLost, isLost, lostReason } from "#adapters/file/lost-lines.ts";
import { parseMarker } from "#adapters/file/quarantine-marker.ts";
import type { TornTail } from "#adapters/file/torn-tail.ts";
import type { AuditStorageError } from "#lib/errors.ts";

export interface RecoveryProgress {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly lines: number;
}

export interface SurveyOptions {
  readonly onProgress: (progress: RecoveryProgress) => void;
  readonly onFinding: (finding: Finding) => void;
}

export interface Survey {
  readonly index: LineIndex;
  readonly logs: LogSet;
  /** The live file; it may not exist yet. */
  readonly live: LogFile;
  /** Number of the line that comes next. */
  readonly nextLine: number;
  readonly numbers: LineNumbers;
  /** In ascending order. */
  readonly uncertain: readonly UncertainLines[];
  /** Line numbers that markers of quarantined bytes take. */
  readonly quarantinedLines: number;
  /** Lines that were sealed and are missing at the end of the log, and whose numbers no marker takes yet. */
  readonly lost: LostLines | undefined;
  /** The end of the live file that a crash has cut. */
  readonly torn: TornTail | undefined;
  /** What work that was cut off has left, and is not needed. */
  readonly removable: readonly string[];
}

/** Where the reading has come to. */
interface Tally {
  lines: number;
  quarantined: number;
  bytesRead: number;
  readonly numbers: LineNumbers;
  /** Of the file being read, the first number that may be wrong because damage lies before it. */
  firstDamaged: number | undefined;
  /** Set while the last line read is one that a newer release wrote. */
  newer: AuditStorageError | undefined;
}

/** @throws AuditStorageError `foreign-log` where the log was written by something else, or by a newer release */
export async function surveyLog(paths: LogPaths, options: SurveyOptions): Promise<Survey> {
  refuseForeignLog(paths.live);
  const { rotated, removable } = await chooseForms(paths, options.onFinding);
  const index = new LineIndex();
  const logs = new LogSet(index);
  const numbers = new LineNumbers();
  const uncertain: UncertainLines[] = [];
  const tally: Tally = {
    lines: 0,
    quarantined: 0,
    bytesRead: 0,
    numbers,
    firstDamaged: undefined,
    newer: undefined,
  };
  const bytesTotal = [...rotated.map(({ path }) => path), paths.live].reduce(
    (sum, path) => sum + sizeOf(path),
    0,
  );
  const visitorFor = (path: string): LineVisitor =>
    createVisitor({ ...options, path, index, tally, bytesTotal });

  for (const name of rotated) {
    const missing = name.firstLine - tally.lines;
    if (missing !== 0) {
      const reason = misnumbered(name.firstLine, tally.lines);
      const after = logs.files.at(-1)?.path;
      options.onFinding({ kind: "gap", path: name.path, offset: 0, reason, missing, after });
      const from = tally.firstDamaged ?? tally.lines;
      if (from < name.firstLine)
        uncertain.push({ from, to: name.firstLine, reason: `${name.path} ${reason}` });
      tally.lines = name.firstLine; // the name is right: damage before it must not shift the numbers of later files
      numbers.note(index.rows, tally.lines);
    }
    tally.firstDamaged = undefined;
    logs.files.push(await readRotated(name, { firstRow: index.rows, visitor: visitorFor(name.path) }));
  }
  const live = new LogFile({ path: paths.live, firstRow: index.rows, firstLine: tally.lines, size: 0 });
  logs.files.push(live);
  const scan = existsSync(paths.live)
    ? await scanPlain(paths.live, visitorFor(paths.live))
    : { size: 0, tornBytes: 0 };
  live.size = scan.size;
  if (tally.newer !== undefined) throw tally.newer;
  const torn = scan.tornBytes > 0 ? { offset: scan.size, line: tally.lines } : undefined;
  const { lines: nextLine, quarantined: quarantinedLines } = tally;
  const lost = findLost(paths, nextLine);
  if (lost !== undefined)
    options.onFinding({ kind: "lost", path: paths.live, offset: scan.size, reason: lostReason(lost) });
  return { index, logs, live, nextLine, numbers, uncertain, quarantinedLines, lost, torn, removable };
}

interface VisitorOptions extends SurveyOptions {
  readonly path: string;
  readonly index: LineIndex;
  readonly tally: Tally;
  readonly bytesTotal: number;
}

function createVisitor(options: VisitorOptions): LineVisitor {
  const { path, index, tally, bytesTotal, onProgress, onFinding } = options;
  const onDamage = (damage: DamagedBytes): void => {
    onFinding({ ...damage, path, line: tally.lines });
    if (damage.kind !== "duplicate") tally.firstDamaged ??= tally.lines;
    index.addVoid(damage.offset);
    tally.lines++;
  };
  return {
    onDamage,
    onLine: (text, offset, bytes) => {
      const marker = parseMarker(text);
      if (marker !== undefined) {
        index.addVoid(offset);
        const from = tally.lines;
        tally.lines += marker.lines;
        if (isLost(marker)) {
          const reason = lostReason({ from, to: tally.lines });
          onFinding({ kind: "lost", path, offset, reason });
        } else tally.quarantined += marker.lines;
        tally.numbers.note(index.rows, tally.lines);
        return undefined;
      }
      const place = { offset, from: offset, bytes, room: bytes };
      const line = readIndexedLine(text);
      if (typeof line === "string") {
        const version = newerVersion(text);
        if (version !== undefined) tally.newer = newerLog(path, version);
        return onDamage({ ...place, kind: "line", reason: line });
      }
      tally.newer = undefined;
      const entry = index.entryOf(line.event, line.instant);
      if (index.rowOf(entry) !== -1) {
        const reason = `a second line with the id ${entry.eventId}; the first one is served`;
        return onDamage({ ...place, kind: "duplicate", reason });
      }
      index.add(entry, offset);
      tally.lines++;
      return undefined;
    },
    onBytes: (count) => {
      tally.bytesRead += count;
      onProgress({ bytesRead: tally.bytesRead, bytesTotal, lines: tally.lines });
    },
  };
}

async function readRotated(
  { path, firstLine, isCompressed }: RotatedName,
  { firstRow, visitor }: { firstRow: number; visitor: LineVisitor },
): Promise<LogFile> {
  if (isCompressed) {
    const members = await scanGzip(path, visitor);
    return new LogFile({ path, firstRow, firstLine, size: members.starts.at(-1) ?? 0, members });
  }
  const { size, tornBytes } = await scanPlain(path, visitor);
  if (tornBytes > 0) {
    const reason = `the last line is cut after ${tornBytes} bytes`;
    visitor.onDamage({
      kind: "fragment",
      offset: size,
      from: size,
      bytes: tornBytes,
      room: tornBytes,
      reason,
    });
  }
  return new LogFile({ path, firstRow, firstLine, size: size + tornBytes });
}

function misnumbered(firstLine: number, expected: number): string {
  return firstLine > expected
    ? `begins with line ${firstLine}, but line ${expected} comes next: lines before it are missing or damaged`
    : `begins with line ${firstLine}, but the files before it hold ${expected} lines`;
}

interface ChosenForms {
  readonly rotated: readonly RotatedName[];
  readonly removable: readonly string[];
}

/**
 * An interrupted compression leaves a file in both forms: the plain one is complete, and the other one is made again.
 * Should the plain one hold less, the compressed one is served, and nothing is removed.
 */
async function chooseForms(paths: LogPaths, onFinding: SurveyOptions["onFinding"]): Promise<ChosenForms> {
  const { rotated: listed, twins, drafts } = listFolder(paths);
  const rotated: RotatedName[] = [];
  const removable = [...drafts];
  for (const name of listed) {
    const compressed = twins.get(name.firstLine);
    const plainSize = sizeOf(name.path);
    if (compressed === undefined) rotated.push(name);
    else if (((await scanGzip(compressed.path, BLIND_VISITOR)).starts.at(-1) ?? 0) <= plainSize) {
      removable.push(compressed.path);
      rotated.push(name);
    } else {
      const { path, firstLine } = name;
      const reason = `holds less than ${compressed.path}, which is served in its place`;
      onFinding({ kind: "twin", path, firstLine, offset: plainSize, reason });
      rotated.push(compressed);
    }
  }
  return { rotated, removable };
}

const BLIND_VISITOR: LineVisitor = {
  onLine: () => undefined,
  onDamage: () => undefined,
  onBytes: () => undefined,
};

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
